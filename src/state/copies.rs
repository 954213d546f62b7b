//! Copies of a state that were made before it was changed: by a migration to another format, or by a repair.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use super::file;

/// The copies beside a state that hold values in clear.
pub fn copies_in_clear(state: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (state.parent(), state.file_name().and_then(|n| n.to_str())) else {
        return Vec::new();
    };
    let is_copy = |path: &PathBuf| {
        let more = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix(name));
        more.is_some_and(|more| {
            (more.starts_with(".format-") || more.starts_with(".damaged-")) && !more.ends_with("-wal")
        })
    };
    let beside = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut copies: Vec<PathBuf> = beside.filter(is_copy).filter(|path| !is_sealed(path)).collect();
    copies.sort();
    copies
}

/// What cannot be read counts as plain.
fn is_sealed(path: &Path) -> bool {
    let sql = "SELECT value FROM meta WHERE name = 'sealed_with'";
    let with = file::open_as_it_is(path).ok().and_then(|conn| {
        let found = conn.query_row(sql, [], |r| r.get::<_, String>(0)).optional();
        found.ok().flatten()
    });
    with.is_some_and(|with| !with.is_empty())
}
