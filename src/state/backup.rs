//! A second file beside a state, from which everything comes back: all rows as they were at some time, and after them
//! those that each transaction wrote or removed. It costs what a run touches, and is written anew when it has grown.
//!
//! Rows stand there as they stand in the tables, sealed where they are sealed there. A transaction is announced before
//! it is committed, while nobody else can write, and confirmed after it. Where the last one was not confirmed, or the
//! state is not what was confirmed last, the whole file is written anew before the next transaction.
//!
//! The state never waits for its backup: where it can't be written, it goes, and the next process makes it again.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};

use super::codec::Checksum;
use super::layout::{self, Table};
use super::{file, private_file, tables};

/// Where the backup of a state lies.
pub(super) fn path_of(state: &Path) -> PathBuf {
    private_file::beside(state, ".backup")
}

/// The backup of a state that is open for writing.
pub(super) struct Backup {
    path: PathBuf,
    open: Option<Open>,
    /// It could not be written: this process does without.
    given_up: bool,
}

struct Open {
    file: File,
    /// How long the file is when nobody else has written to it.
    size: u64,
    /// Beyond this, it is written anew.
    limit: u64,
}

/// A transaction that is announced.
pub(super) struct Announced {
    id: u64,
    stamp: Stamp,
}

/// What tells one moment of a state from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub lineage: i64,
    pub serial: i64,
    pub token: i64,
}

impl Stamp {
    /// That of tables; nothing where they do not say it.
    pub fn of(conn: &Connection) -> rusqlite::Result<Option<Stamp>> {
        let read = |name: &str| -> rusqlite::Result<Option<String>> {
            let sql = "SELECT value FROM meta WHERE name = ?1";
            conn.prepare_cached(sql)?.query_row([name], |r| r.get(0)).optional()
        };
        let (lineage, serial, token) = (read("lineage")?, read("serial")?, read("fencing_token")?);
        let number = |text: Option<String>| text?.parse().ok();
        Ok((|| {
            let lineage = Checksum::new().bytes(lineage?.as_bytes()).sum();
            Some(Stamp { lineage, serial: number(serial)?, token: number(token)? })
        })())
    }

    fn bytes(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (place, n) in bytes.chunks_mut(8).zip([self.lineage, self.serial, self.token]) {
            place.copy_from_slice(&n.to_le_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Stamp> {
        let mut numbers = bytes.chunks_exact(8).map(|b| b.try_into().map(i64::from_le_bytes));
        let mut next = || numbers.next()?.ok();
        Some(Stamp { lineage: next()?, serial: next()?, token: next()? })
    }
}

/// What the file begins with: whose it is, and the format of the tables.
const HEAD: u8 = b'H';
/// Rows of a moment.
const ROWS: u8 = b'R';
/// A transaction: its id, then the rows.
const TRANSACTION: u8 = b'T';
/// The id of a transaction that was committed, and the stamp after it.
const CONFIRMED: u8 = b'C';

/// The bytes of a record besides what it holds.
const FRAME: usize = 13;
const CONFIRMED_SIZE: usize = FRAME + 8 + 24;

/// How many bytes of rows stand in one record.
const CHUNK: usize = 1 << 18;

/// How much more than twice its first size a file may have.
const SLACK: u64 = 4 << 20;

impl Backup {
    /// Begins to note what is written to a state.
    pub fn attach(conn: &Connection, state: &Path) -> rusqlite::Result<Backup> {
        // What is noted must not come to lie in a file.
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        conn.execute_batch(&notes())?;
        Ok(Backup { path: path_of(state), open: None, given_up: false })
    }

    /// The backup of a state that is only looked at.
    pub fn untouched(state: &Path) -> Backup {
        Backup { path: path_of(state), open: None, given_up: true }
    }

    /// Makes sure, inside a transaction, that the file has all that is there before it.
    pub fn begin(&mut self, conn: &Connection) {
        if !self.given_up && self.ready(conn).is_none() {
            self.give_up();
        }
    }

    fn ready(&mut self, conn: &Connection) -> Option<()> {
        let there = fs::metadata(&self.path).ok();
        if let (Some(open), Some(there)) = (&self.open, &there)
            && there.len() == open.size
            && open.size <= open.limit
            && is_same(&open.file, there)
        {
            return Some(());
        }
        let stamp = Stamp::of(conn).ok()??;
        self.open = Open::existing(&self.path, &stamp).filter(|open| open.size <= open.limit);
        if self.open.is_none() {
            write(&self.path, conn).ok()?;
            self.open = Some(Open::existing(&self.path, &stamp)?);
        }
        Some(())
    }

    /// Writes down what a transaction is about to commit.
    pub fn announce(&mut self, conn: &Connection) -> rusqlite::Result<Option<Announced>> {
        let id = uuid::Uuid::new_v4().as_u64_pair().0;
        let mut text = id.to_le_bytes().to_vec();
        let any = noted(conn, &mut text)?;
        let (Some(open), Some(stamp), true) = (&mut self.open, Stamp::of(conn)?, any) else { return Ok(None) };
        if open.append(TRANSACTION, &text).is_err() {
            self.give_up();
            return Ok(None);
        }
        Ok(Some(Announced { id, stamp }))
    }

    /// The transaction is committed.
    pub fn confirm(&mut self, announced: Option<Announced>) {
        let (Some(open), Some(Announced { id, stamp })) = (&mut self.open, announced) else { return };
        let text = [&id.to_le_bytes()[..], &stamp.bytes()].concat();
        if open.append(CONFIRMED, &text).is_err() {
            self.give_up();
        }
    }

    /// Nobody knows whether what was announced is committed: the file is written anew before the next transaction.
    pub fn doubt(&mut self) {
        self.open = None;
    }

    /// Nothing of what it held is to be left.
    pub fn forget(&mut self) {
        self.open = None;
        let _removed = fs::remove_file(&self.path);
    }

    /// Makes what was written so far last.
    pub fn sync(&self) {
        if let Some(open) = &self.open {
            // What is lost with the power is missed by the next writer, who makes the file anew.
            let _synced = open.file.sync_data();
        }
    }

    fn give_up(&mut self) {
        (self.open, self.given_up) = (None, true);
        // An old backup must not be taken for a good one. Where it can't be removed, its last transaction tells.
        let _removed = fs::remove_file(&self.path);
    }
}

impl Open {
    /// A file that holds what the state holds.
    fn existing(path: &Path, stamp: &Stamp) -> Option<Open> {
        let mut file = File::options().read(true).append(true).open(path).ok()?;
        let size = file.metadata().ok()?.len();
        let mut head = vec![0; head().len()];
        file.read_exact(&mut head).ok()?;
        let mut last = [0; CONFIRMED_SIZE];
        file.seek(SeekFrom::Start(size.checked_sub(CONFIRMED_SIZE as u64)?)).ok()?;
        file.read_exact(&mut last).ok()?;
        let (kind, text, _) = record(&last)?;
        let confirmed = kind == CONFIRMED && Stamp::read(text.get(8..)?)? == *stamp;
        // How long it was at first is not known: the limit is that of the state's own file.
        let state = fs::metadata(path.with_extension("")).map_or(0, |m| m.len());
        (confirmed && head == self::head()).then_some(Open { file, size, limit: state * 2 + SLACK })
    }

    fn append(&mut self, kind: u8, text: &[u8]) -> std::io::Result<()> {
        let record = framed(kind, text);
        self.file.write_all(&record)?;
        self.size += record.len() as u64;
        Ok(())
    }
}

#[cfg(unix)]
fn is_same(file: &File, there: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_same(_: &File, _: &fs::Metadata) -> bool {
    true
}

/// Writes the whole file: what the tables hold now.
pub(super) fn write(path: &Path, conn: &Connection) -> std::io::Result<()> {
    let other = |e: rusqlite::Error| std::io::Error::other(e);
    let stamp = Stamp::of(conn).map_err(other)?.ok_or_else(|| std::io::Error::other("the state has no head"))?;
    let draft = private_file::draft(path)?;
    let made = (|| {
        let mut file = File::options().write(true).open(&draft)?;
        file.write_all(&head())?;
        let mut text = Vec::new();
        for (number, table) in layout::ALL.iter().enumerate() {
            let mut statement = conn.prepare(&table.select()).map_err(other)?;
            let mut rows = statement.query([]).map_err(other)?;
            while let Some(row) = rows.next().map_err(other)? {
                let values = layout::values(row, table.columns.len()).map_err(other)?;
                put(&mut text, number, false, &values);
                if text.len() > CHUNK {
                    file.write_all(&framed(ROWS, &std::mem::take(&mut text)))?;
                }
            }
        }
        file.write_all(&framed(ROWS, &text))?;
        file.write_all(&framed(CONFIRMED, &[&[0; 8][..], &stamp.bytes()].concat()))?;
        private_file::name(&draft, path)
    })();
    if made.is_err() {
        // What is left of the attempt is worth nothing.
        let _removed = fs::remove_file(&draft);
    }
    made
}

fn head() -> Vec<u8> {
    framed(HEAD, format!("terrane backup {}", tables::FORMAT).as_bytes())
}

/// A backup that was read into tables.
pub(super) struct Restored {
    /// After the last transaction.
    pub stamp: Stamp,
    /// Whether all of the file could be read.
    pub complete: bool,
}

/// Reads a backup into empty tables; nothing where there is none.
pub(super) fn restore(path: &Path, into: &Connection) -> rusqlite::Result<Option<Restored>> {
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    let Some(mut rest) = bytes.strip_prefix(head().as_slice()) else { return Ok(None) };
    into.execute_batch("BEGIN")?;
    while let Some((kind, text, after)) = record(rest) {
        let rows = match kind {
            ROWS => text,
            // One that was not confirmed was about to be committed: rather one object too many than one too few.
            TRANSACTION => text.get(8..).unwrap_or_default(),
            _ => &[],
        };
        replay(rows, into)?;
        rest = after;
    }
    into.execute_batch("COMMIT")?;
    Ok(Stamp::of(into)?.map(|stamp| Restored { stamp, complete: rest.is_empty() }))
}

/// Whether a backup has objects, or calls whose outcome is not known.
pub(super) fn holds_something(path: &Path) -> bool {
    let Ok(tables) = file::in_memory() else { return false };
    let some = "SELECT EXISTS (SELECT 1 FROM instances) OR EXISTS (SELECT 1 FROM intents)";
    restore(path, &tables).is_ok_and(|found| found.is_some())
        && tables.query_row(some, [], |r| r.get(0)).unwrap_or_default()
}

fn replay(mut rows: &[u8], into: &Connection) -> rusqlite::Result<()> {
    while let Some((table, gone, values, rest)) = take(rows) {
        match gone {
            true => table.delete(into, &values)?,
            false => table.copy(into, &values)?,
        }
        rows = rest;
    }
    Ok(())
}

fn framed(kind: u8, text: &[u8]) -> Vec<u8> {
    let length = (text.len() as u64).to_le_bytes();
    // A record is shorter than 4 GB: what is noted in memory is.
    let length = [length[0], length[1], length[2], length[3]];
    let sum = (Checksum::new().bytes(&[kind]).bytes(text).sum() as u32).to_le_bytes();
    [&length[..], &[kind], text, &sum, &length].concat()
}

/// The first record: its kind, what it holds, and what comes after it. Nothing where it is not whole.
fn record(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (again, rest) = rest.split_first_chunk::<4>()?;
    let expected = Checksum::new().bytes(&[*kind]).bytes(text).sum() as u32;
    (length == again && u32::from_le_bytes(*sum) == expected).then_some((*kind, text, rest))
}

fn put(out: &mut Vec<u8>, table: usize, gone: bool, values: &[Value]) {
    out.extend([table as u8, u8::from(gone)]);
    for value in values {
        let (tag, bytes): (u8, &[u8]) = match value {
            Value::Null => (b'-', &[]),
            Value::Integer(n) => (b'i', &n.to_le_bytes()),
            Value::Real(n) => (b'r', &n.to_le_bytes()),
            Value::Text(text) => (b't', text.as_bytes()),
            Value::Blob(bytes) => (b'b', bytes),
        };
        out.push(tag);
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    }
}

/// The first row: its table, whether it is one that went, its columns or its key, and what comes after it.
#[allow(clippy::type_complexity)]
fn take(bytes: &[u8]) -> Option<(&'static Table, bool, Vec<Value>, &[u8])> {
    let ([table, gone], mut rest) = bytes.split_first_chunk::<2>()?;
    let table = *layout::ALL.get(usize::from(*table))?;
    let count = if *gone == 1 { table.key } else { table.columns.len() };
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let (tag, after) = rest.split_first()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let (bytes, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        values.push(match tag {
            b'-' => Value::Null,
            b'i' => Value::Integer(i64::from_le_bytes(bytes.try_into().ok()?)),
            b'r' => Value::Real(f64::from_le_bytes(bytes.try_into().ok()?)),
            b't' => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
            _ => Value::Blob(bytes.to_vec()),
        });
    }
    Some((table, *gone == 1, values, rest))
}

/// The table of what is noted, and what notes it.
fn notes() -> String {
    let most = layout::ALL.iter().map(|table| table.columns.len()).max().unwrap_or_default();
    let columns = |count: usize| (0..count).map(|i| format!("c{i}")).collect::<Vec<_>>().join(", ");
    let mut sql = format!("CREATE TEMP TABLE noted (at INTEGER PRIMARY KEY, tab, gone, {});\n", columns(most));
    for (number, table) in layout::ALL.iter().enumerate() {
        let name = table.name;
        for (event, gone) in [("INSERT", false), ("UPDATE", false), ("DELETE", true)] {
            let (row, count) = if gone { ("OLD", table.key) } else { ("NEW", table.columns.len()) };
            let values: Vec<String> = table.columns.iter().take(count).map(|c| format!("{row}.{c}")).collect();
            sql.push_str(&format!(
                "CREATE TEMP TRIGGER noted_{event}_{name} AFTER {event} ON main.{name} BEGIN
                 INSERT INTO noted (tab, gone, {}) VALUES ({number}, {}, {}); END;\n",
                columns(count),
                u8::from(gone),
                values.join(", ")
            ));
        }
    }
    sql
}

/// Takes what was noted; false where it is nothing.
fn noted(conn: &Connection, out: &mut Vec<u8>) -> rusqlite::Result<bool> {
    let mut any = false;
    let mut statement = conn.prepare_cached("SELECT * FROM noted ORDER BY at")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, gone): (u8, bool) = (row.get(1)?, row.get(2)?);
        let number = usize::from(number);
        let Some(table) = layout::ALL.get(number) else { continue };
        let count = if gone { table.key } else { table.columns.len() };
        let values = (3..3 + count).map(|i| row.get(i)).collect::<rusqlite::Result<Vec<Value>>>()?;
        put(out, number, gone, &values);
        any = true;
    }
    drop(rows);
    if any {
        conn.prepare_cached("DELETE FROM noted")?.execute([])?;
    }
    Ok(any)
}
