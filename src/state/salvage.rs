//! Reads what can still be read of a file whose structure may be broken, and writes it into a file that is whole.

use std::path::Path;

use rusqlite::{Connection, Params, Statement};

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
            one_by_one(table, from, to)?;
        }
    }
    to.execute_batch("COMMIT")?;
    Ok(broken)
}

fn scan(table: &Table, from: &Connection, to: &Connection, which: &str) -> rusqlite::Result<()> {
    rows(table, &mut from.prepare(&format!("{} {which}", table.select()))?, [], to)
}

fn rows(table: &Table, of: &mut Statement<'_>, which: impl Params, to: &Connection) -> rusqlite::Result<()> {
    let mut rows = of.query(which)?;
    while let Some(row) = rows.next()? {
        let values = layout::values(row, table.columns.len())?;
        // What the tables do not take was never written there.
        let _refused = table.copy(to, &values);
    }
    Ok(())
}

/// Asks for each row by its number. Numbers are given in order: few are missing between those that are known, and few
/// can stand behind the last.
fn one_by_one(table: &Table, from: &Connection, to: &Connection) -> rusqlite::Result<()> {
    const BEHIND: i64 = 10_000;
    let last = |conn: &Connection| {
        conn.query_row(&format!("SELECT coalesce(max(id), 0) FROM {}", table.name), [], |r| r.get::<_, i64>(0))
    };
    let seen = last(to)?;
    let last = last(from).unwrap_or(seen + BEHIND).min(seen + BEHIND);
    let mut known = to.prepare(&format!("SELECT 1 FROM {} WHERE id = ?1", table.name))?;
    let mut asked = from.prepare(&format!("{} WHERE id = ?1", table.select()))?;
    for id in 1..=last {
        if !known.exists([id])? {
            let _unreadable = rows(table, &mut asked, [id], to);
        }
    }
    Ok(())
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
