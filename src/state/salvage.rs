//! Reads what can still be read of a file whose structure may be broken, and writes it into a file that is whole.

use std::path::Path;

use rusqlite::Connection;

use super::layout::{self, Table};
use super::{StateError, file};

/// Copies every row that SQLite still gives, whatever it holds, into empty tables. Gives the tables where reading broke
/// off, with the reason.
pub(super) fn copy(from: &Connection, to: &Connection) -> rusqlite::Result<Vec<(&'static str, String)>> {
    let mut broken = Vec::new();
    to.execute_batch("BEGIN")?;
    for table in layout::ALL {
        let Err(error) = scan(table, from, to, "") else { continue };
        broken.push((table.name, error.to_string()));
        if from.prepare(&table.select()).is_err() {
            // Nobody knows where its rows are.
            continue;
        }
        let key: Vec<String> = table.columns.iter().take(table.key).map(|c| format!("{c} DESC")).collect();
        // What lies behind the broken place is found from the other end, or by its number. That this breaks off, too, is
        // known already.
        let _backwards = scan(table, from, to, &format!("ORDER BY {}", key.join(", ")));
        if table.columns.first() == Some(&"id") {
            (1..=last_id(table, from)).for_each(|id| drop(scan(table, from, to, &format!("WHERE id = {id}"))));
        }
    }
    to.execute_batch("COMMIT")?;
    Ok(broken)
}

fn scan(table: &Table, from: &Connection, to: &Connection, which: &str) -> rusqlite::Result<()> {
    let mut statement = from.prepare(&format!("{} {which}", table.select()))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = layout::values(row, table.columns.len())?;
        // What the tables do not take was never written there.
        let _refused = table.copy(to, &values);
    }
    Ok(())
}

/// Ids are given in order, so that gaps are few.
fn last_id(table: &Table, from: &Connection) -> i64 {
    const GUESSED: i64 = 1_000_000;
    let last = from.query_row(&format!("SELECT max(id) FROM {}", table.name), [], |r| r.get::<_, i64>(0));
    last.unwrap_or(GUESSED).min(GUESSED)
}

/// What SQLite says of a file's structure; nothing where it is whole.
pub(super) fn structure(conn: &Connection) -> Option<String> {
    let check = conn.query_row("PRAGMA quick_check(1)", [], |r| r.get::<_, String>(0));
    match check {
        Ok(text) if text == "ok" => None,
        Ok(text) => Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        Err(error) => Some(error.to_string()),
    }
}

/// Puts other contents into a file that this connection has for itself, whatever is wrong with it.
pub(super) fn replace(conn: &Connection, path: &Path, contents: &Connection) -> Result<(), StateError> {
    let failed = |e| StateError::from_sqlite(path, &e);
    file::reset(conn).map_err(failed)?;
    let tx = conn.unchecked_transaction().map_err(failed)?;
    file::make_tables(&tx).map_err(failed)?;
    for table in layout::ALL {
        scan(table, contents, &tx, "").map_err(failed)?;
    }
    tx.commit().map_err(failed)?;
    Ok(())
}
