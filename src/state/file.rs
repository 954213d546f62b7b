//! Opening and creating state files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{StateError, backup, layout, private_file, snapshot, tables};

/// How long a write of another process is waited for. Transactions are short: longer means that one hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often opening begins anew because the file is another one by then.
const ATTEMPTS: usize = 8;

/// Opens a state for writing, creating it where there is none.
pub(super) fn open(path: &Path) -> Result<Connection, StateError> {
    if !exists(path)? {
        create(path)?;
    }
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let failed = |e| StateError::from_sqlite(path, &e);
    tables::check(&conn, path, tables::FORMAT)?;
    configure(&conn).map_err(failed)?;
    tables::migrate(&mut conn, path, tables::FORMAT, tables::MIGRATIONS)?;
    Ok(conn)
}

/// What tells the file of a path from another one that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(Option<(u64, u64)>);

impl Place {
    fn of(path: &Path) -> Place {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Place(fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino())))
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            Place(None)
        }
    }

    /// Fails where the file was removed, or another one put in its place: nobody would find what is written to it.
    pub fn check(&self, path: &Path) -> Result<(), StateError> {
        match Place::of(path) == *self {
            true => Ok(()),
            false => Err(StateError::Replaced { path: path.to_path_buf() }),
        }
    }
}

/// Opens a state for writing, and tells which file that is.
pub(super) fn open_in_place(path: &Path) -> Result<(Connection, Place), StateError> {
    for _ in 0..ATTEMPTS {
        let before = Place::of(path);
        let conn = open(path)?;
        // Where the path led to the same file before and after, that is the one that is open.
        if Place::of(path) == before {
            return Ok((conn, before));
        }
    }
    Err(StateError::Replaced { path: path.to_path_buf() })
}

/// Opens a file, whatever is in it.
pub(super) fn open_as_it_is(path: &Path) -> Result<Connection, StateError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens a file, whatever is in it, and keeps everybody else out. One that is gone is there again, without content.
pub(super) fn open_alone(path: &Path) -> Result<Connection, StateError> {
    if !path.exists() {
        private_file::write(path, b"").map_err(|e| StateError::from_io(path, &e))?;
    }
    let conn = open_as_it_is(path)?;
    conn.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(|e| StateError::from_sqlite(path, &e))?;
    Ok(conn)
}

/// Empties a file, even one that is no database.
pub(super) fn reset(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true)?;
    let emptied = conn.execute_batch("VACUUM");
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false)?;
    emptied?;
    configure(conn)
}

/// Empty tables of the present format that are in no file.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let conn = Connection::open_in_memory()?;
    make_tables(&conn)?;
    Ok(conn)
}

/// Makes the tables of a state, without rows.
pub(super) fn make_tables(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "application_id", tables::APPLICATION_ID)?;
    conn.pragma_update(None, "user_version", tables::FORMAT)?;
    conn.execute_batch(tables::CREATE)
}

/// Opens a state for reading only; nothing where there is none. Works in folders that do not take new files. Where
/// they do, the connection could write: one that cannot would leave its log behind when it is closed.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>, StateError> {
    if !exists(path)? {
        return Ok(None);
    }
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "query_only", "ON").map_err(|e| StateError::from_sqlite(path, &e))?;
    let found = match tables::check(&conn, path, tables::FORMAT) {
        // Without pending changes the file alone is the whole state and nothing has to be written to read it.
        Err(StateError::ReadOnly { .. } | StateError::PermissionDenied { .. }) if !has_pending(path) => {
            drop(conn);
            let conn = connect_immutable(path)?;
            tables::check(&conn, path, tables::FORMAT)?;
            return Ok(Some(conn));
        }
        other => other?,
    };
    if found < tables::FORMAT {
        drop(conn);
        return open(path).map(Some);
    }
    Ok(Some(conn))
}

/// Opens a state to look at it, and tells which file that is; where there is none, one without content that is in no
/// file.
pub(super) fn open_to_look(path: &Path) -> Result<(Connection, Place), StateError> {
    let place = Place::of(path);
    let conn = match open_to_read(path)? {
        Some(conn) => conn,
        None => in_memory().map_err(|e| StateError::from_sqlite(path, &e))?,
    };
    Ok((conn, place))
}

fn exists(path: &Path) -> Result<bool, StateError> {
    let failed = |e| StateError::from_io(path, &e);
    match fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let backup = backup::path_of(path);
            match backup::holds_something(&backup) {
                // Its objects are there, and would be created anew.
                true => Err(StateError::Gone { path: path.to_path_buf(), backup }),
                false => Ok(false),
            }
        }
        Err(e) => Err(failed(e)),
        Ok(meta) if meta.is_dir() => {
            Err(StateError::NotAState { path: path.to_path_buf(), detail: "it is a folder".into() })
        }
        // A state is never empty: it gets its name when it is complete.
        Ok(meta) if meta.len() == 0 => {
            Err(StateError::Damaged { path: path.to_path_buf(), detail: "the file is empty".into() })
        }
        Ok(_) => Ok(true),
    }
}

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, StateError> {
    let failed = |e| StateError::from_sqlite(path, &e);
    let conn = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    conn.busy_timeout(PATIENCE).map_err(failed)?;
    Ok(conn)
}

fn connect_immutable(path: &Path) -> Result<Connection, StateError> {
    let escaped = percent_encoding::utf8_percent_encode(&path.to_string_lossy(), percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2F", "/");
    let uri = format!("file:{escaped}?immutable=1");
    connect(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

fn has_pending(path: &Path) -> bool {
    fs::metadata(private_file::beside(path, "-wal")).is_ok_and(|m| m.len() > 0)
}

/// Commits append to the log and reach the disk before they are acknowledged.
fn configure(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // macOS needs more than fsync for a write to survive a loss of power.
    conn.pragma_update(None, "fullfsync", "ON")?;
    conn.pragma_update(None, "cache_size", -16_000)?;
    conn.pragma_update(None, "cell_size_check", "ON")?;
    // A big import must not leave a big log behind.
    conn.pragma_update(None, "journal_size_limit", 4 << 20)
}

/// Builds the file under another name and gives it its own when it is complete, so that a crash leaves no half of
/// a state. Where somebody else is quicker, theirs stays.
fn create(path: &Path) -> Result<(), StateError> {
    let failed = |e| StateError::from_io(path, &e);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|e| StateError::from_io(folder, &e))?;
    let draft = private_file::draft(path).map_err(failed)?;
    match fill(&draft).map_err(|e| StateError::from_sqlite(path, &e)) {
        Ok(()) => private_file::name_new(&draft, path).map(drop).map_err(failed),
        Err(error) => {
            // What is left of the attempt is worth nothing.
            let _removed = fs::remove_file(&draft);
            Err(error)
        }
    }
}

fn fill(draft: &Path) -> rusqlite::Result<()> {
    let mut conn = Connection::open_with_flags(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "page_size", 4096)?;
    configure(&conn)?;
    let tx = conn.transaction()?;
    make_tables(&tx)?;
    let lineage = uuid::Uuid::new_v4().to_string();
    for (name, value) in [
        ("lineage", lineage.as_str()),
        ("serial", "0"),
        ("fencing_token", "0"),
        ("terraform_version", snapshot::TERRAFORM_VERSION),
        ("written_by", env!("CARGO_PKG_VERSION")),
    ] {
        layout::META.put(&tx, &[&name, &value])?;
    }
    tx.commit()?;
    conn.close().map_err(|(_, e)| e)
}
