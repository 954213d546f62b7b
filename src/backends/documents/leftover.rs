//! Journals of processes that are gone: whether there is one, taking it, and what becomes of one that is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::journal::{Base, Journal, at_work, broken, connect, remove_empty};
use crate::backends::Unsent;
use crate::state::seal::envelopes::Envelopes;
use crate::state::{StateError, Surroundings, private_file};

/// The files of all processes.
fn slots(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
        return Vec::new();
    };
    let is_slot = |name: &str| {
        let number = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(".db"));
        number.is_some_and(|n| {
            n.is_empty() || n.strip_prefix('-').is_some_and(|n| n.bytes().all(|b| b.is_ascii_hexdigit()))
        })
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|e| e.file_name().to_str().is_some_and(is_slot)).map(|e| e.path()).collect();
    found.sort();
    found
}

/// Whether a process that is gone left something unsent. It is for whoever has the lock of the state to take it; an empty
/// file is removed.
pub fn is_there(path: &Path, around: &Surroundings) -> bool {
    slots(path).iter().any(|path| match look(path, around) {
        Ok(found) => found,
        // Gone by now, or damaged, which whoever takes it tells.
        Err(_) => path.exists(),
    })
}

fn look(path: &Path, around: &Surroundings) -> rusqlite::Result<bool> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() == 0) {
        return Ok(true);
    }
    let conn = connect(path)?;
    if at_work(&conn, around)? {
        return Ok(false);
    }
    let count: i64 = conn.query_row("SELECT count(*) FROM unsent", [], |r| r.get(0))?;
    let is_there = count > 0 || broken(&conn)?.is_some();
    if !is_there {
        remove_empty(&conn, path, |conn| Ok(!at_work(conn, around)?));
    }
    Ok(is_there)
}

/// A journal with something unsent, of a process that is gone; nothing where there is none. One that is damaged is an
/// error until somebody says what becomes of it.
pub fn take(
    path: &Path,
    envelopes: &Arc<Envelopes>,
    around: &Surroundings,
    unsent: Unsent,
) -> Result<Option<Journal>, StateError> {
    for slot in slots(path) {
        let taken = match whole(&slot, envelopes, around) {
            Err(StateError::DamagedJournal { .. }) if unsent != Unsent::Refuse => {
                salvage((path, &slot), envelopes, around, unsent)?
            }
            other => other?,
        };
        if taken.is_some() {
            return Ok(taken);
        }
    }
    Ok(None)
}

fn whole(path: &Path, envelopes: &Arc<Envelopes>, around: &Surroundings) -> Result<Option<Journal>, StateError> {
    let Some(journal) = Journal::claim(path, envelopes, around)? else { return Ok(None) };
    Ok((journal.count()? > 0).then_some(journal))
}

/// Gives a damaged file another name, and puts what can be read of it, where that is to be sent, into a new one.
fn salvage(
    (path, slot): (&Path, &Path),
    envelopes: &Arc<Envelopes>,
    around: &Surroundings,
    unsent: Unsent,
) -> Result<Option<Journal>, StateError> {
    let (base, bodies) = match unsent {
        Unsent::Push => readable(slot),
        Unsent::Refuse | Unsent::Discard => (None, Vec::new()),
    };
    let aside = format!(".damaged-{}", around.clock.now().unix_timestamp());
    let names = std::iter::once(aside.clone()).chain((2..).map(|n| format!("{aside}-{n}")));
    let free = names.map(|name| private_file::beside(slot, &name)).find(|name| !name.exists());
    if let Some(free) = free {
        fs::rename(slot, free).map_err(|e| StateError::from_io(slot, &e).of_journal())?;
    }
    if bodies.is_empty() {
        return Ok(None);
    }
    let journal = Journal::open(path, envelopes, around)?;
    base.iter().try_for_each(|base| journal.set_base(base))?;
    bodies.iter().try_for_each(|body| journal.add_as_it_is(body).map(drop))?;
    Ok(Some(journal))
}

/// What can be read of a damaged file: where the store stood, and the commits that are what was written.
fn readable(path: &Path) -> (Option<Base>, Vec<Vec<u8>>) {
    let Ok(conn) = connect(path) else { return (None, Vec::new()) };
    let base = conn.query_row("SELECT value FROM base", [], |r| r.get::<_, String>(0)).optional().ok().flatten();
    (base.and_then(|text| serde_json::from_str(&text).ok()), commits(&conn).unwrap_or_default())
}

fn commits(conn: &Connection) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut statement = conn.prepare("SELECT digest, body FROM unsent ORDER BY row")?;
    let rows = statement.query_map([], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?)))?;
    // After the first that the file cannot give, it gives none.
    let read = rows.map_while(Result::ok);
    Ok(read.filter(|(digest, body)| Sha256::digest(body)[..] == digest[..]).map(|(_, body)| body).collect())
}

#[cfg(test)]
mod tests {
    use super::super::journal;
    use super::*;
    use crate::state::seal::Encryption;

    /// Invariant: a journal that is not what was written is never taken for one with less in it.
    #[test]
    fn no_damage_of_a_journal_goes_unnoticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = journal::path(folder.path(), "s3://bucket/key");
        let (around, envelopes) = (Surroundings::default(), Arc::new(Envelopes::new(Encryption::default(), "test")));
        let journal = Journal::open(&path, &envelopes, &around).unwrap();
        journal.set_base(&Base { tail: 3, ..Base::default() }).unwrap();
        for n in 0..4 {
            journal.add(format!("commit {n} {}", "x".repeat(900)).as_bytes()).unwrap();
        }
        let (expected, file) = (journal.unsent().unwrap(), journal.path().to_path_buf());
        drop(journal);
        let good = fs::read(&file).unwrap();
        let mut damages: Vec<Vec<u8>> = (0..8).map(|eighth| good[..good.len() * eighth / 8].to_vec()).collect();
        for at in (0..good.len()).step_by(61) {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << (at % 8);
            damages.push(bytes);
        }
        let mut noticed = 0;
        for (n, bytes) in damages.iter().enumerate() {
            fs::write(&file, bytes).unwrap();
            assert!(is_there(&path, &around), "damage {n}");
            match take(&path, &envelopes, &around, Unsent::Refuse) {
                Ok(found) => assert_eq!(found.expect("it is there").unsent().unwrap(), expected, "damage {n}"),
                Err(StateError::DamagedJournal { .. }) => {
                    noticed += 1;
                    assert_eq!(&fs::read(&file).unwrap(), bytes, "damage {n}: it was left as it was");
                }
                Err(error) => panic!("damage {n}: {error}"),
            }
        }
        assert!(noticed > 8, "{noticed} of {}", damages.len());
    }
}
