//! What a lock covers: the whole state, or the rows that a plan writes and those that it reads.
//!
//! Two runs may go on at the same time where neither writes what the other writes or reads.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Snapshot, StoredInstance};
use crate::model::{Address, ResourceAddress, Str};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    Whole,
    Rows(RowScope),
}

/// Rows by their addresses. What is read is named as the configuration names it, without keys: all instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowScope {
    writes: BTreeSet<Str>,
    reads: BTreeSet<Str>,
    outputs: BTreeSet<Str>,
}

/// Larger scopes cover the state as a whole: their text would cost more than the rows.
const MOST: usize = 5_000;

impl RowScope {
    pub fn write(&mut self, address: &Address) {
        self.writes.insert(address.to_string().into());
    }

    pub fn read(&mut self, resource: &ResourceAddress) {
        self.reads.insert(without_keys(resource));
    }

    pub fn output(&mut self, name: &Str) {
        self.outputs.insert(name.clone());
    }

    /// The scope, or the whole state where it is too large to be told apart.
    pub fn scope(self) -> Scope {
        if self.writes.len() + self.reads.len() > MOST { Scope::Whole } else { Scope::Rows(self) }
    }

    fn meets(&self, other: &RowScope) -> bool {
        let written = |a: &RowScope, b: &RowScope| {
            a.writes.iter().any(|w| b.writes.contains(w) || (!b.reads.is_empty() && b.reads.contains(&config_name(w))))
        };
        written(self, other) || written(other, self) || self.outputs.iter().any(|o| other.outputs.contains(o))
    }

    fn covers(&self, address: &Address) -> bool {
        self.reads.contains(&without_keys(&address.resource)) || self.writes.contains(address.to_string().as_str())
    }
}

impl Scope {
    /// Whether the two must not be held at the same time.
    pub fn meets(&self, other: &Scope) -> bool {
        match (self, other) {
            (Scope::Rows(a), Scope::Rows(b)) => a.meets(b),
            _ => true,
        }
    }

    /// Whether what is at an address belongs to it.
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Scope::Whole => true,
            Scope::Rows(rows) => rows.covers(address),
        }
    }

    /// What differs between two states of what the scope covers: the rows, and the outputs that it writes.
    pub fn differing(&self, before: &Snapshot, after: &Snapshot) -> Vec<String> {
        let changed = changed_rows(before.rows(), after.rows()).into_iter().filter(|address| self.covers(address));
        let mut names: Vec<String> = changed.map(Address::to_string).collect();
        names.dedup();
        let written = |name: &&Str| match self {
            Scope::Whole => true,
            Scope::Rows(rows) => rows.outputs.contains(*name),
        };
        let outputs: BTreeSet<&Str> = before.outputs.keys().chain(after.outputs.keys()).filter(written).collect();
        let changed = outputs.into_iter().filter(|n| before.outputs.get(*n) != after.outputs.get(*n));
        names.extend(changed.map(|name| format!("output.{name}")));
        names
    }

    /// As it is stored; empty for the whole state.
    pub fn to_text(&self) -> String {
        match self {
            Scope::Whole => String::new(),
            Scope::Rows(rows) => {
                let names = |set: &BTreeSet<Str>| set.iter().map(|n| Json::from(&**n)).collect::<Vec<_>>();
                json!([names(&rows.writes), names(&rows.reads), names(&rows.outputs)]).to_string()
            }
        }
    }

    /// Reads what [`Scope::to_text`] writes. What cannot be read covers everything.
    pub fn from_text(text: &str) -> Scope {
        let read = || -> Option<RowScope> {
            let json: Json = serde_json::from_str(text).ok()?;
            let names = |i: usize| -> Option<BTreeSet<Str>> {
                json.get(i)?.as_array()?.iter().map(|name| name.as_str().map(Str::from)).collect()
            };
            Some(RowScope { writes: names(0)?, reads: names(1)?, outputs: names(2)? })
        };
        read().map_or(Scope::Whole, Scope::Rows)
    }
}

/// The addresses of the rows that one of two states has alone or otherwise. Both are in the order of their keys.
fn changed_rows<'r>(before: &'r [Arc<StoredInstance>], after: &'r [Arc<StoredInstance>]) -> Vec<&'r Address> {
    let mut changed = Vec::new();
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some(a), Some(b)) => (&a.address, &a.deposed).cmp(&(&b.address, &b.deposed)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return changed,
        };
        let a = if order.is_le() { old.next() } else { None };
        let b = if order.is_ge() { new.next() } else { None };
        match (a, b) {
            (Some(a), Some(b)) if Arc::ptr_eq(a, b) || a.holds_the_same(b) => (),
            (Some(one), _) | (None, Some(one)) => changed.push(&one.address),
            (None, None) => (),
        }
    }
}

fn without_keys(resource: &ResourceAddress) -> Str {
    resource.without_keys().to_string().into()
}

fn config_name(address: &str) -> Str {
    Address::parse(address).map_or_else(|_| address.into(), |address| without_keys(&address.resource))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Type, Value};
    use crate::state::StoredProvider;

    fn scope(writes: &[&str], reads: &[&str], outputs: &[&str]) -> Scope {
        let mut rows = RowScope::default();
        writes.iter().for_each(|w| rows.write(&Address::parse(w).unwrap()));
        reads.iter().for_each(|r| rows.read(&ResourceAddress::parse(r).unwrap()));
        outputs.iter().for_each(|o| rows.output(&(*o).into()));
        rows.scope()
    }

    #[test]
    fn runs_meet_where_one_writes_what_the_other_writes_or_reads() {
        let a = scope(&["t.a[0]", "module.m[\"x\"].t.in"], &["t.base"], &["o"]);
        for (other, meets) in [
            (scope(&["t.a[1]"], &[], &[]), false),
            (scope(&["t.a[0]"], &[], &[]), true),
            (scope(&["t.b"], &["t.base"], &[]), false),
            (scope(&["t.base"], &[], &[]), true),
            (scope(&["t.base[7]"], &[], &[]), true),
            (scope(&["t.b"], &["t.a"], &[]), true),
            (scope(&["t.b"], &["module.m.t.in"], &[]), true),
            (scope(&["t.b"], &[], &["o"]), true),
            (scope(&["t.b"], &[], &["p"]), false),
            (Scope::Whole, true),
        ] {
            assert_eq!((a.meets(&other), other.meets(&a)), (meets, meets), "{other:?}");
            assert_eq!(Scope::from_text(&other.to_text()), other);
        }
        assert_eq!(Scope::from_text("[1]"), Scope::Whole);
    }

    #[test]
    fn states_differ_in_rows_that_hold_something_else_and_in_nothing_that_the_scope_leaves_out() {
        let provider = Arc::new(StoredProvider::of_source("p/q/r"));
        let row = |address: &str, deposed: Option<&str>, text: &str, serial: u64| {
            let object = Value::object([("x", Value::string(text))]);
            let ty = Type::object([("x", Type::String)]);
            let row = StoredInstance::new(Address::parse(address).unwrap(), provider.clone(), &object, &ty);
            Arc::new(StoredInstance { deposed: deposed.map(Into::into), updated: serial, ..row })
        };
        let before = vec![row("t.a[1]", None, "a", 1), row("t.a[2]", None, "b", 1), row("t.a[2]", Some("d"), "c", 1)];
        let mut after = before.clone();
        after[0] = row("t.a[1]", None, "a", 9);
        after[1] = row("t.a[2]", None, "other", 9);
        after.extend([row("t.a[10]", None, "new", 9), row("s.z", None, "new", 9)]);
        let state = |rows: Vec<Arc<StoredInstance>>| Snapshot::empty("l").with_rows(rows);
        let (before, after) = (state(before), state(after));
        let rows = |writes: &[&str]| scope(writes, &[], &[]);
        assert_eq!(Scope::Whole.differing(&before, &after), ["s.z", "t.a[2]", "t.a[10]"]);
        assert_eq!(Scope::Whole.differing(&after, &before), ["s.z", "t.a[2]", "t.a[10]"]);
        assert_eq!(rows(&["t.a[1]", "t.a[10]"]).differing(&before, &after), ["t.a[10]"]);
        assert!(rows(&["t.a[1]"]).differing(&before, &after).is_empty());
        let without = state(before.rows()[..2].to_vec());
        assert_eq!(Scope::Whole.differing(&before, &without), ["t.a[2]"], "the deposed object is gone");
    }
}
