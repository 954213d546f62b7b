//! The lock's row: who holds it, whether he still does, and who may have it next.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::codec::{from_millis, to_millis};
use super::layout::LEASES;
use super::lease::moment;
use super::write::{WriteError, meta_number, set_meta};
use super::{Acquired, Holder, Lease, LeaseRequest, Scope, StateError, Surroundings};
use crate::model::Str;

/// The lease that this process holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub id: Str,
    pub token: i64,
    pub who: Str,
    pub operation: Str,
}

/// Gives the lock if nobody has one that meets it, or if all who have are gone.
pub(super) fn acquire(
    conn: &Connection,
    path: &Path,
    request: LeaseRequest,
    around: &Surroundings,
) -> Result<Acquired, WriteError> {
    let now = around.clock.now();
    let (over, live): (Vec<_>, Vec<_>) = all(conn)?.into_iter().partition(|l| l.is_over(around));
    if let Some(lease) = live.iter().find(|l| l.scope.meets(&request.scope)) {
        let (path, lease) = (path.to_path_buf(), Box::new(lease.clone()));
        return Err(WriteError::Refused(StateError::Locked { path, lease, waited: Duration::ZERO }));
    }
    for lease in &over {
        conn.execute("DELETE FROM leases WHERE id = ?1", [&*lease.id])?;
    }
    let token = next_token(conn, path)?;
    let lease = Lease {
        id: uuid::Uuid::new_v4().to_string().into(),
        token: token.unsigned_abs(),
        holder: request.holder,
        operation: request.operation,
        scope: request.scope,
        since: now,
        expires: now + request.term,
    };
    write(conn, &lease)?;
    Ok(Acquired { lease, taken_over: over })
}

/// The fencing tokens of other holders that are at work: their intents are not open.
pub(super) fn at_work(conn: &Connection, held: Option<&Held>, around: &Surroundings) -> rusqlite::Result<HashSet<i64>> {
    let others = all(conn)?.into_iter().filter(|l| !l.is_over(around) && held.is_none_or(|h| h.id != l.id));
    Ok(others.filter_map(|l| i64::try_from(l.token).ok()).collect())
}

fn write(conn: &Connection, lease: &Lease) -> rusqlite::Result<()> {
    LEASES.put(
        conn,
        params![
            &*lease.id,
            lease.scope.to_text(),
            i64::try_from(lease.token).unwrap_or(i64::MAX),
            &*lease.holder.who,
            &*lease.holder.host,
            lease.holder.machine.as_deref(),
            lease.holder.pid,
            &*lease.operation,
            to_millis(lease.since),
            to_millis(lease.expires),
        ],
    )
}

fn next_token(conn: &Connection, path: &Path) -> Result<i64, WriteError> {
    let token = meta_number(conn, path, "fencing_token")?.saturating_add(1);
    set_meta(conn, "fencing_token", &token.to_string())?;
    Ok(token)
}

/// Fails unless the lease is still there: whoever took it over has a higher token and may have written since.
pub(super) fn check(conn: &Connection, path: &Path, held: &Held) -> Result<(), WriteError> {
    let sql = "SELECT 1 FROM leases WHERE id = ?1 AND token = ?2";
    if conn.prepare_cached(sql)?.exists(params![&*held.id, held.token])? {
        return Ok(());
    }
    let leases = all(conn)?;
    let later = leases.iter().find(|l| i64::try_from(l.token).is_ok_and(|token| token > held.token));
    let detail = match later {
        Some(other) => format!("{} took it over at {}", other.holder.who, moment(other.since)),
        None => "it was removed by force".to_string(),
    };
    Err(WriteError::Refused(StateError::LockLost { path: path.to_path_buf(), id: held.id.to_string(), detail }))
}

/// A lease that expired but that nobody took over is still good.
pub(super) fn renew(conn: &Connection, path: &Path, held: &Held, expires: OffsetDateTime) -> Result<Lease, WriteError> {
    check(conn, path, held)?;
    let lease = Lease { expires, ..find(conn, path, &held.id)? };
    write(conn, &lease)?;
    Ok(lease)
}

pub(super) fn release(conn: &Connection, held: &Held) -> Result<(), WriteError> {
    conn.execute("DELETE FROM leases WHERE id = ?1 AND token = ?2", params![&*held.id, held.token])?;
    Ok(())
}

pub(super) fn force_unlock(conn: &Connection, path: &Path, id: &str) -> Result<Lease, WriteError> {
    let lease = find(conn, path, id)?;
    conn.execute("DELETE FROM leases WHERE id = ?1", [id])?;
    Ok(lease)
}

pub(super) fn all(conn: &Connection) -> rusqlite::Result<Vec<Lease>> {
    let mut statement = conn.prepare_cached(&format!("{} ORDER BY token", LEASES.select()))?;
    statement.query_map([], read)?.collect()
}

fn find(conn: &Connection, path: &Path, id: &str) -> Result<Lease, WriteError> {
    let sql = format!("{} WHERE id = ?1", LEASES.select());
    if let Some(lease) = conn.query_row(&sql, [id], read).optional()? {
        return Ok(lease);
    }
    let held = all(conn)?.first().map(|l| l.id.to_string());
    Err(WriteError::Refused(StateError::NoSuchLock { path: path.to_path_buf(), id: id.to_string(), held }))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Lease> {
    let text = |i| row.get::<_, String>(i).map(Str::from);
    let at = |i| {
        let millis = row.get(i)?;
        from_millis(millis).ok_or(rusqlite::Error::IntegralValueOutOfRange(i, millis))
    };
    Ok(Lease {
        id: text(0)?,
        scope: Scope::from_text(&row.get::<_, String>(1)?),
        token: row.get::<_, i64>(2)?.unsigned_abs(),
        holder: Holder {
            who: text(3)?,
            host: text(4)?,
            machine: row.get::<_, Option<String>>(5)?.map(Str::from),
            pid: row.get(6)?,
        },
        operation: text(7)?,
        since: at(8)?,
        expires: at(9)?,
    })
}
