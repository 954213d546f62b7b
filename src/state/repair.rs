//! Finds what is damaged in a state file, and mends what can be mended. Where the backup beside it says what the state
//! was, everything is again as it was. Else everything stays that can be read, a row that cannot goes back to its last
//! earlier image, or goes.
//!
//! The file is copied before anything is changed, and is written by a process that has it for itself.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::Value as Column;
use rusqlite::{Connection, OptionalExtension};

use super::backup::{self, Stamp};
use super::load::{self, Loading, Stored};
use super::seal::Keyring;
use super::write::{Interned, WriteError, Writing, meta_number, set_meta};
use super::{
    Change, Output, StateError, StoredInstance, Surroundings, codec, file, layout, lease_table, private_file, salvage,
    snapshot,
};
use crate::model::Str;

/// One thing that was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub what: String,
    /// What was done about it, or would be.
    pub remedy: String,
}

/// What was found, and where the file is kept as it was, if it was there.
#[derive(Clone, Debug, Default)]
pub struct Repair {
    pub findings: Vec<Finding>,
    /// Whether anything was changed.
    pub mended: bool,
    pub copy: Option<PathBuf>,
}

/// Looks at everything, and mends it unless it is only to be looked at.
pub fn repair(path: &Path, around: &Surroundings, only_look: bool) -> Result<Repair, StateError> {
    let (conn, problem) = match file::open(path) {
        Ok(conn) => (Some(conn), None),
        Err(error) => (file::open_as_it_is(path).ok().filter(|_| is_damage(&error)), Some(error)),
    };
    let (findings, _) = Patient { path, around, conn: conn.as_ref() }.examine(problem.as_ref())?;
    drop(conn);
    if findings.is_empty() || only_look {
        return Ok(Repair { findings, ..Repair::default() });
    }
    // While no connection is open: closing a file takes away the locks of its connections.
    let copy = keep_copy(path, around)?;
    let alone = file::open_alone(path)?;
    let (findings, contents) = Patient { path, around, conn: Some(&alone) }.examine(problem.as_ref())?;
    // First: should this be interrupted, everything is there.
    backup::write(&backup::path_of(path), &contents).map_err(|e| StateError::from_io(path, &e))?;
    salvage::replace(&alone, path, &contents)?;
    Ok(Repair { findings, mended: true, copy })
}

/// Whether the content of the file is what is wrong.
fn is_damage(problem: &StateError) -> bool {
    matches!(problem, StateError::NotAState { .. } | StateError::Damaged { .. } | StateError::DamagedRow { .. })
}

/// A file that is looked at.
struct Patient<'p> {
    path: &'p Path,
    around: &'p Surroundings,
    /// Nothing where it cannot be opened.
    conn: Option<&'p Connection>,
}

/// What is wrong, and what can be read all the same.
struct Damage {
    findings: Vec<Finding>,
    /// Ids of objects that cannot be read.
    objects: Vec<i64>,
    outputs: Vec<String>,
}

impl Damage {
    fn find(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.findings.push(Finding { what: what.into(), remedy: remedy.into() });
    }
}

impl Patient<'_> {
    fn told(&self, error: rusqlite::Error) -> StateError {
        StateError::from_sqlite(self.path, &error)
    }

    /// What is wrong, and the tables as they are to be. `problem` is why the file cannot be opened.
    fn examine(&self, problem: Option<&StateError>) -> Result<(Vec<Finding>, Connection), StateError> {
        let contents = file::in_memory().map_err(|e| self.told(e))?;
        let mut damage = Damage { findings: Vec::new(), objects: Vec::new(), outputs: Vec::new() };
        let broken = match self.conn {
            None => None,
            Some(conn) => {
                let broken = salvage::copy(conn, &contents).map_err(|e| self.told(e))?;
                salvage::structure(conn).or(broken.into_iter().next().map(|(_, detail)| detail))
            }
        };
        let broken = broken.map(|detail| format!("the file's structure is broken ({detail})"));
        if let Some(what) = problem.map(|problem| self.unreadable(problem)).transpose()?.or(broken) {
            damage.find(what, "it is written anew with what can be read");
        }
        let keys = Keyring::new(self.around.encryption.clone());
        self.look(&Loading { path: self.path, conn: &contents, keys: &keys }, &mut damage)?;
        self.nobody_at_work(&contents)?;
        if damage.findings.is_empty() {
            return Ok((damage.findings, contents));
        }
        let backup = self.backup(&contents)?;
        if let Some((backup, true)) = backup {
            self.nobody_at_work(&backup)?;
            for finding in &mut damage.findings {
                finding.remedy = "it is again as the backup has it".to_string();
            }
            return Ok((damage.findings, backup));
        }
        if let Some(problem) = problem
            && backup.is_none()
            && ids(&contents).map_err(|e| self.told(e))?.is_empty()
        {
            // There is nothing to make it from.
            return Err(problem.clone());
        }
        self.mend(&contents, backup.map(|(backup, _)| backup).as_ref(), &mut damage)?;
        Ok((damage.findings, contents))
    }

    /// What is wrong with a file that cannot be opened; an error where that is no damage.
    fn unreadable(&self, problem: &StateError) -> Result<String, StateError> {
        match problem {
            StateError::NotAState { detail, .. }
            | StateError::Damaged { detail, .. }
            | StateError::DamagedRow { detail, .. } => Ok(format!("the file cannot be read ({detail})")),
            StateError::Gone { .. } => Ok("the file is gone".to_string()),
            other => Err(other.clone()),
        }
    }

    fn nobody_at_work(&self, conn: &Connection) -> Result<(), StateError> {
        let live = lease_table::at_work(conn, None, self.around).map_err(|e| self.told(e))?;
        let leases = lease_table::all(conn).map_err(|e| self.told(e))?;
        match leases.into_iter().find(|l| i64::try_from(l.token).is_ok_and(|t| live.contains(&t))) {
            None => Ok(()),
            Some(lease) => Err(StateError::Locked {
                path: self.path.to_path_buf(),
                lease: Box::new(lease),
                waited: std::time::Duration::ZERO,
            }),
        }
    }

    /// The tables of the backup, and whether they are what the state was.
    fn backup(&self, contents: &Connection) -> Result<Option<(Connection, bool)>, StateError> {
        let tables = file::in_memory().map_err(|e| self.told(e))?;
        let Ok(Some(restored)) = backup::restore(&backup::path_of(self.path), &tables) else { return Ok(None) };
        let keys = Keyring::new(self.around.encryption.clone());
        let mut damage = Damage { findings: Vec::new(), objects: Vec::new(), outputs: Vec::new() };
        self.look(&Loading { path: self.path, conn: &tables, keys: &keys }, &mut damage)?;
        let whole = restored.complete && damage.findings.is_empty();
        let now = Stamp::of(contents).map_err(|e| self.told(e))?;
        let same = now.is_none_or(|now| now == restored.stamp);
        Ok(Some((tables, whole && same)))
    }

    /// Finds what cannot be read. Rows that are not what was written are taken out, but those of objects and outputs.
    fn look(&self, loading: &Loading<'_>, damage: &mut Damage) -> Result<(), StateError> {
        let (conn, told) = (loading.conn, |e| self.told(e));
        for table in layout::ALL.iter().filter(|table| table.summed) {
            for key in table.damaged(conn).map_err(told)? {
                table.delete(conn, &key).map_err(told)?;
                damage.find(format!("{} is not what was written ({})", table.what, shown(&key)), lost(table));
            }
        }
        for id in damaged_sets(conn).map_err(told)? {
            damage.find(format!("a set of dependencies is not what was written ({id})"), "it goes");
            layout::DEPENDENCY_SETS.delete(conn, &[Column::Integer(id)]).map_err(told)?;
        }
        let mut shared = loading.shared(&mut Err)?;
        for id in ids(conn).map_err(told)? {
            let read =
                loading.each(&format!("{} WHERE id = {id}", load::ROWS), |row| loading.row(row, &mut shared).map(drop));
            if let Err(problem) = read {
                damage.find(damaged(problem)?, "");
                damage.objects.push(id);
            }
        }
        for name in loading.names("SELECT name FROM outputs")? {
            if let Stored::Unreadable = loading.output(&Str::from(name.as_str()))? {
                damage.find(format!("the output \"{name}\" cannot be read"), "");
                damage.outputs.push(name);
            }
        }
        if let Err(problem) = loading.checks() {
            damage.find(damaged(problem)?, "they go; the next apply looks again");
            conn.execute("DELETE FROM meta WHERE name LIKE 'check_results%'", []).map_err(told)?;
        }
        for key in load::unreadable_intents(loading)? {
            damage.find(format!("the intent \"{key}\" cannot be read"), lost(&layout::INTENTS));
            layout::INTENTS.delete(conn, &[Column::Text(key)]).map_err(told)?;
        }
        Ok(())
    }

    /// Makes the best of what can be read: with a backup that is not as new as the state, with earlier images, without.
    fn mend(&self, contents: &Connection, backup: Option<&Connection>, damage: &mut Damage) -> Result<(), StateError> {
        let told = |e: WriteError| e.told(self.path);
        self.complete_head(contents, backup).map_err(told)?;
        let mut keys = Keyring::new(self.around.encryption.clone());
        let (mut again, mut named) = (Vec::new(), Vec::new());
        for id in std::mem::take(&mut damage.objects) {
            let (image, remedy) = self.image(contents, backup, &keys, id);
            again.extend(image.map(|row| Change::Put(Arc::new(row))));
            named.push(remedy);
            layout::INSTANCES.delete(contents, &[Column::Integer(id)]).map_err(|e| self.told(e))?;
        }
        for name in std::mem::take(&mut damage.outputs) {
            let output = backup.and_then(|conn| self.output(conn, &keys, &name));
            named.push(match output {
                Some(_) => "it is again as the backup has it".to_string(),
                None => "it goes; the next apply computes it again".to_string(),
            });
            again.extend(output.map(|output| Change::Output(name.as_str().into(), Some(output))));
            layout::OUTPUTS.delete(contents, &[Column::Text(name)]).map_err(|e| self.told(e))?;
        }
        let open = damage.findings.iter_mut().filter(|finding| finding.remedy.is_empty());
        open.zip(named).for_each(|(finding, remedy)| finding.remedy = remedy);
        self.forget_images(contents).map_err(|e| self.told(e))?;
        keys.prepare(contents, self.path).map_err(told)?;
        let mut writing = Writing {
            path: self.path,
            interned: &mut Interned::default(),
            serial: meta_number(contents, self.path, "serial").map_err(told)?,
            token: 0,
            keys: &mut keys,
            who: ("", "state repair"),
            now: self.around.clock.now(),
            run: None,
            kept: self.around.generations,
        };
        writing.apply(contents, &[Change::BumpSerial]).map_err(told)?;
        writing.apply(contents, &again).map_err(told)
    }

    /// What stands in the place of an object that cannot be read.
    fn image(
        &self,
        contents: &Connection,
        backup: Option<&Connection>,
        keys: &Keyring,
        id: i64,
    ) -> (Option<StoredInstance>, String) {
        let kept = backup.and_then(|conn| {
            let loading = Loading { path: self.path, conn, keys };
            let mut shared = loading.shared(&mut |_| Ok(())).ok()?;
            let mut found = None;
            let read = loading.each(&format!("{} WHERE id = {id}", load::ROWS), |row| {
                found = Some(loading.row(row, &mut shared)?);
                Ok(())
            });
            read.ok().and(found)
        });
        if let Some(row) = kept {
            return (Some(row), "it is as an older backup has it; refresh to see what changed since".to_string());
        }
        let sql =
            "SELECT h.resource, h.key, h.deposed, h.ended FROM history h JOIN instances i ON i.resource = h.resource
                   AND i.key = h.key AND i.deposed = h.deposed WHERE i.id = ?1 ORDER BY h.ended DESC LIMIT 1";
        let read = |r: &rusqlite::Row<'_>| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get::<_, Column>(3)?]);
        let named: Option<[Column; 4]> = contents.query_row(sql, [id], read).ok();
        let loading = Loading { path: self.path, conn: contents, keys };
        match named.and_then(|named| loading.past_row_of(&named).ok()).flatten() {
            Some(row) => {
                let remedy =
                    format!("it is again as it was in generation {}; refresh to see what changed since", row.updated);
                (Some(row), remedy)
            }
            None => (None, "it goes; import the object again, or it is created anew".to_string()),
        }
    }

    fn output(&self, conn: &Connection, keys: &Keyring, name: &str) -> Option<Output> {
        match (Loading { path: self.path, conn, keys }).output(&name.into()) {
            Ok(Stored::Readable(output)) => output,
            _ => None,
        }
    }

    /// Earlier images that refer to what is lost can't be read any more.
    fn forget_images(&self, contents: &Connection) -> rusqlite::Result<()> {
        contents.execute_batch(
            "DELETE FROM history WHERE resource NOT IN (SELECT id FROM resources)
               OR provider NOT IN (SELECT id FROM providers) OR dependencies NOT IN (SELECT id FROM dependency_sets)",
        )
    }

    /// Every state says what it is. Numbers that are lost begin anew above all that are known.
    fn complete_head(&self, contents: &Connection, backup: Option<&Connection>) -> Result<(), WriteError> {
        let has = |conn: &Connection, name: &str| -> rusqlite::Result<Option<String>> {
            conn.query_row("SELECT value FROM meta WHERE name = ?1", [name], |r| r.get(0)).optional()
        };
        let most = |sql: &str| contents.query_row(sql, [], |r| r.get::<_, i64>(0));
        let serial = most(
            "SELECT max(coalesce((SELECT max(updated) FROM instances), 0),
             coalesce((SELECT max(serial) FROM generations), 0))",
        )?;
        let token = most(
            "SELECT max(coalesce((SELECT max(token) FROM intents), 0), coalesce((SELECT max(token) FROM leases), 0)) + 1",
        )?;
        let otherwise = [
            ("lineage", uuid::Uuid::new_v4().to_string()),
            ("serial", serial.to_string()),
            ("fencing_token", token.to_string()),
            ("terraform_version", snapshot::TERRAFORM_VERSION.to_string()),
            ("written_by", env!("CARGO_PKG_VERSION").to_string()),
        ];
        for (name, otherwise) in otherwise {
            if has(contents, name)?.is_none() {
                let kept = backup.map(|conn| has(conn, name)).transpose()?.flatten();
                set_meta(contents, name, &kept.unwrap_or(otherwise))?;
            }
        }
        Ok(())
    }
}

fn shown(key: &[Column]) -> String {
    let part = |value: &Column| match value {
        Column::Text(text) => text.clone(),
        Column::Integer(n) => n.to_string(),
        Column::Blob(bytes) => hex::encode(bytes.get(..8).unwrap_or(bytes)),
        Column::Null | Column::Real(_) => String::new(),
    };
    key.iter().map(part).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What becomes of a row that is not what was written.
fn lost(table: &layout::Table) -> &'static str {
    match table.name {
        "intents" => "it goes; look at the provider for an object that the state does not have",
        "leases" => "it goes; its holder is gone",
        "meta" => "it is made again from what else can be read",
        "resources" | "providers" | "keys" => "it goes, with what needs it",
        _ => "it goes from the history",
    }
}

/// What is wrong; other errors, such as a wrong key, are no damage.
fn damaged(problem: StateError) -> Result<String, StateError> {
    match problem {
        StateError::DamagedRow { row, detail, .. } => Ok(format!("{row}: {detail}")),
        StateError::Damaged { detail, .. } => Ok(detail),
        other => Err(other),
    }
}

fn ids(conn: &Connection) -> rusqlite::Result<Vec<i64>> {
    conn.prepare("SELECT id FROM instances ORDER BY id")?.query_map([], |r| r.get(0))?.collect()
}

fn damaged_sets(conn: &Connection) -> rusqlite::Result<HashSet<i64>> {
    let mut damaged = HashSet::new();
    let mut statement = conn.prepare(&layout::DEPENDENCY_SETS.select())?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, digest, addresses): (i64, Vec<u8>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if codec::digest(&addresses)[..] != digest[..] {
            damaged.insert(id);
        }
    }
    Ok(damaged)
}

/// Copies the file and its log, as they are.
fn keep_copy(path: &Path, around: &Surroundings) -> Result<Option<PathBuf>, StateError> {
    let name = format!(".damaged-{}", around.clock.now().unix_timestamp());
    let names = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}-{n}")));
    let Some(copy) = names.map(|name| private_file::beside(path, &name)).find(|copy| !copy.exists()) else {
        return Ok(None);
    };
    let failed = |e: std::io::Error| StateError::from_io(path, &e);
    match fs::copy(path, &copy) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => drop(other.map_err(failed)?),
    }
    let log = private_file::beside(path, "-wal");
    if log.exists() {
        fs::copy(&log, private_file::beside(&copy, "-wal")).map_err(failed)?;
    }
    Ok(Some(copy))
}
