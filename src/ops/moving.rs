//! Moves of rows by hand: to another address, and to another state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::selection::{Selection, nothing_at, rebase};
use crate::model::{Address, Diagnostic, ModulePath, ResourceAddress};
use crate::state::{Change, RowKey, Snapshot, StoredInstance};

/// Rows with the addresses that they get.
#[derive(Debug)]
pub struct Moves {
    moves: Vec<(Arc<StoredInstance>, Address)>,
    /// The state that they go to already has them: an earlier try got this far.
    done: BTreeSet<usize>,
}

/// Finds what moves, and refuses what would overwrite something. `target` is the state that the rows go to, which may
/// be the same.
pub fn plan(source: &Snapshot, target: &Snapshot, from: &str, to: &str) -> Result<Moves, Diagnostic> {
    let same = std::ptr::eq(source, target);
    let refuse = |why: String| Diagnostic::error(format!("cannot move \"{from}\" to \"{to}\": {why}"));
    let moves = match (Selection::parse(from)?, Selection::parse(to)?) {
        (Selection::Module(old), Selection::Module(new)) => module(source, &old, &new, from)?,
        (Selection::Module(_), Selection::Object(_)) => {
            return Err(refuse("the source is a module, so the target must be one too".into()));
        }
        (Selection::Object(_), Selection::Module(_)) => {
            return Err(refuse("the target must be a resource or an instance, as the source is".into()));
        }
        (Selection::Object(old), Selection::Object(new)) => {
            if (old.resource.mode, old.ty()) != (new.resource.mode, new.ty()) {
                return Err(refuse("their types differ".into()));
            }
            object(source, &old, &new, from).and_then(|found| {
                found.ok_or_else(|| {
                    refuse("the source is a whole resource, not one instance, so the target must be whole too".into())
                })
            })?
        }
    };
    if same && from == to {
        return Err(refuse("they are the same".into()));
    }
    let mut done = BTreeSet::new();
    for (i, (row, address)) in moves.iter().enumerate() {
        match target.instances(&address.resource).iter().find(|r| r.address.key == address.key) {
            None => (),
            Some(there) if !same && there.remote_id == row.remote_id && there.attributes == row.attributes => {
                done.insert(i);
            }
            Some(_) => return Err(refuse(format!("the state already has \"{address}\""))),
        }
    }
    Ok(Moves { moves, done })
}

type Found = Vec<(Arc<StoredInstance>, Address)>;

fn module(source: &Snapshot, old: &ModulePath, new: &ModulePath, text: &str) -> Result<Found, Diagnostic> {
    let moved = |row: &Arc<StoredInstance>| {
        let resource = rebase(&row.address.resource, old, new)?;
        Some((row.clone(), resource.instance(row.address.key.clone())))
    };
    let found: Found = source.rows().iter().filter_map(moved).collect();
    if found.is_empty() { Err(nothing_at(text, source)) } else { Ok(found) }
}

/// Nothing where a whole resource would become one instance.
fn object(source: &Snapshot, old: &Address, new: &Address, text: &str) -> Result<Option<Found>, Diagnostic> {
    let rows = source.instances(&old.resource);
    let exact: Found = rows.iter().filter(|r| r.address.key == old.key).map(|r| (r.clone(), new.clone())).collect();
    let whole = old.key.is_none() && rows.iter().any(|r| r.address.key.is_some());
    if !whole {
        return if exact.is_empty() { Err(nothing_at(text, source)) } else { Ok(Some(exact)) };
    }
    if new.key.is_some() {
        return Ok(None);
    }
    Ok(Some(rows.iter().map(|r| (r.clone(), new.resource.instance(r.address.key.clone()))).collect()))
}

impl Moves {
    /// How many instances move, deposed objects not counted.
    pub fn count(&self) -> usize {
        self.moves.iter().filter(|(row, _)| row.deposed.is_none()).count()
    }

    /// The changes of a state in which rows only get another address. What depends on them follows.
    pub fn within(&self, snapshot: &Snapshot) -> Vec<Change> {
        let targets: BTreeMap<RowKey, &Address> = self.moves.iter().map(|(row, to)| (row.key(), to)).collect();
        let renames = self.renames(snapshot, &targets);
        let mut put = Vec::new();
        for row in snapshot.rows() {
            let to = targets.get(&row.key());
            let follows = row.dependencies.iter().any(|d| renames.contains_key(d));
            if to.is_none() && !follows {
                continue;
            }
            let moved = renamed(row, to.copied().unwrap_or(&row.address));
            let names = row.dependencies.iter().map(|d| renames.get(d).unwrap_or(d).clone());
            put.push(Change::Put(Arc::new(moved.with_dependencies(names))));
        }
        // Every old address is free before the first new one is taken.
        targets.into_keys().map(Change::Remove).chain(put).collect()
    }

    /// The changes of the state that the rows come to.
    pub fn arriving(&self) -> Vec<Change> {
        let new = self.moves.iter().enumerate().filter(|(i, _)| !self.done.contains(i));
        new.map(|(_, (row, to))| Change::Put(Arc::new(renamed(row, to)))).collect()
    }

    /// The changes of the state that the rows leave.
    pub fn leaving(&self) -> Vec<Change> {
        self.moves.iter().map(|(row, _)| Change::Remove(row.key())).collect()
    }

    /// Resources that move as a whole: others may depend on them by name.
    fn renames(
        &self,
        snapshot: &Snapshot,
        targets: &BTreeMap<RowKey, &Address>,
    ) -> BTreeMap<ResourceAddress, ResourceAddress> {
        let mut renames = BTreeMap::new();
        for (row, to) in &self.moves {
            let from = &row.address.resource;
            let stays = |r: &Arc<StoredInstance>| !targets.contains_key(&r.key());
            if *from != to.resource && !renames.contains_key(from) && !snapshot.instances(from).iter().any(stays) {
                renames.insert(from.clone(), to.resource.clone());
            }
        }
        renames
    }
}

fn renamed(row: &StoredInstance, to: &Address) -> StoredInstance {
    StoredInstance { address: to.clone(), ..row.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Type, Value};
    use crate::state::StoredProvider;

    fn state(addresses: &[&str]) -> Snapshot {
        let provider = Arc::new(StoredProvider::of_source("p/q/r"));
        let ty = Type::object([("x", Type::String)]);
        let object = |a: &str| Value::object([("x", Value::string(a))]);
        let row = |a: &&str| {
            let address = Address::parse(a).unwrap();
            let on = ResourceAddress::parse("t.a").unwrap();
            Arc::new(StoredInstance::new(address, provider.clone(), &object(a), &ty).with_dependencies([on]))
        };
        Snapshot::empty("x").with_rows(addresses.iter().map(row).collect())
    }

    fn moved(addresses: &[&str], from: &str, to: &str) -> Result<Vec<String>, String> {
        let state = state(addresses);
        let moves = plan(&state, &state, from, to).map_err(|d| d.summary)?;
        let after = state.with_changes(&moves.within(&state));
        Ok(after.rows().iter().map(|r| format!("{} after {}", r.address, r.dependencies[0])).collect())
    }

    #[test]
    fn instances_resources_and_modules_move_with_what_depends_on_them() {
        assert_eq!(moved(&["t.a", "t.z"], "t.a", "t.b[0]").unwrap(), ["t.b[0] after t.b", "t.z after t.b"]);
        assert_eq!(moved(&["t.a[0]", "t.a[1]"], "t.a", "t.b").unwrap(), ["t.b[0] after t.b", "t.b[1] after t.b"]);
        assert_eq!(moved(&["t.a[0]", "t.a[1]"], "t.a[0]", "t.b").unwrap(), ["t.a[1] after t.a", "t.b after t.a"]);
        assert_eq!(moved(&["module.m[0].t.q"], "module.m[0]", "module.n").unwrap(), ["module.n.t.q after t.a"]);
    }

    #[test]
    fn moves_that_make_no_sense_are_refused() {
        let refused = |addresses: &[&str], from, to| moved(addresses, from, to).unwrap_err();
        assert_eq!(refused(&["t.a"], "t.c", "t.b"), "the state has nothing at \"t.c\"");
        assert!(refused(&["t.a", "t.b"], "t.a", "t.b").ends_with("the state already has \"t.b\""));
        assert!(refused(&["t.a[0]"], "t.a", "t.b[0]").ends_with("so the target must be whole too"));
        assert!(refused(&["t.a"], "t.a", "u.a").ends_with("their types differ"));
        assert!(refused(&["t.a"], "t.a", "module.m").contains("the target must be a resource"));
        assert!(refused(&["t.a"], "t.a", "t.a").ends_with("they are the same"));
    }
}
