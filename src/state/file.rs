//! Opening and creating state files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StateError, snapshot, tables};

/// How long a write of another process is waited for. Transactions are short: longer means that one hangs.
const PATIENCE: Duration = Duration::from_secs(10);

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

fn exists(path: &Path) -> Result<bool, StateError> {
    let failed = |e| StateError::from_io(path, &e);
    match fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
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
    let mut wal = path.as_os_str().to_os_string();
    wal.push("-wal");
    fs::metadata(PathBuf::from(wal)).is_ok_and(|m| m.len() > 0)
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
    let mut name = path.as_os_str().to_os_string();
    name.push(format!(".new-{}", uuid::Uuid::new_v4().simple()));
    let draft = PathBuf::from(name);
    private_file(&draft).map_err(failed)?;
    let made = fill(&draft).map_err(|e| StateError::from_sqlite(path, &e)).and_then(|()| {
        match fs::hard_link(&draft, path) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            // A file system without links.
            Err(_) => fs::rename(&draft, path).map_err(failed),
        }
    });
    // Gone already after a rename; what cannot be removed harms nobody.
    let _ = fs::remove_file(&draft);
    made?;
    sync_folder(folder);
    Ok(())
}

/// States hold secrets: only their owner may read them. SQLite gives its other files the same mode.
fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn fill(draft: &Path) -> rusqlite::Result<()> {
    let mut conn = Connection::open_with_flags(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "page_size", 4096)?;
    configure(&conn)?;
    let tx = conn.transaction()?;
    tx.pragma_update(None, "application_id", tables::APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", tables::FORMAT)?;
    tx.execute_batch(tables::CREATE)?;
    let lineage = uuid::Uuid::new_v4().to_string();
    for (name, value) in [
        ("lineage", lineage.as_str()),
        ("serial", "0"),
        ("fencing_token", "0"),
        ("terraform_version", snapshot::TERRAFORM_VERSION),
        ("written_by", env!("CARGO_PKG_VERSION")),
    ] {
        tx.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", [name, value])?;
    }
    tx.commit()?;
    conn.close().map_err(|(_, e)| e)
}

/// The name of a new file is durable once its folder is. Not every system can do this, and none needs it to go on.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
