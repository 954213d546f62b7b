//! What an address of the command line means in a state: a module with all that lies in it, a resource with all its
//! instances, or one instance.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Address, Diagnostic, ModulePath, ResourceAddress};
use crate::state::{Snapshot, StoredInstance};

/// An address as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Module(ModulePath),
    /// Without a key it means all instances.
    Object(Address),
}

impl Selection {
    pub fn parse(text: &str) -> Result<Selection, Diagnostic> {
        if let Ok(address) = Address::parse(text) {
            return Ok(Selection::Object(address));
        }
        match ModulePath::parse(text) {
            Ok(path) if !path.is_root() => Ok(Selection::Module(path)),
            _ => Err(Diagnostic::error(format!("\"{text}\" is no address"))
                .help("write it like aws_vpc.main, aws_subnet.public[\"a\"] or module.network")),
        }
    }

    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Selection::Module(path) => address.resource.module.lies_in(path),
            Selection::Object(wanted) => {
                wanted.resource == address.resource && (wanted.key.is_none() || wanted.key == address.key)
            }
        }
    }

    /// The rows that are meant, in the order of the state.
    pub fn rows<'s>(&self, snapshot: &'s Snapshot) -> Vec<&'s Arc<StoredInstance>> {
        snapshot.rows().iter().filter(|row| self.covers(&row.address)).collect()
    }

    /// The rows that are meant; none is an error that names what comes close.
    pub fn some_rows<'s>(&self, snapshot: &'s Snapshot) -> Result<Vec<&'s Arc<StoredInstance>>, Diagnostic> {
        let rows = self.rows(snapshot);
        if rows.is_empty() { Err(nothing_at(&self.to_string(), snapshot)) } else { Ok(rows) }
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Selection::Module(path) => path.fmt(f),
            Selection::Object(address) => address.fmt(f),
        }
    }
}

/// One instance, with its current object.
pub fn instance<'s>(text: &str, snapshot: &'s Snapshot) -> Result<&'s Arc<StoredInstance>, Diagnostic> {
    let Selection::Object(address) = Selection::parse(text)? else {
        return Err(Diagnostic::error(format!("\"{text}\" is a module, and one instance is asked for"))
            .help("\"terrane state list\" shows all addresses"));
    };
    snapshot.get(&address).ok_or_else(|| nothing_at(text, snapshot))
}

/// Nothing is known at an address: says what is near.
pub fn nothing_at(text: &str, snapshot: &Snapshot) -> Diagnostic {
    let problem = Diagnostic::error(format!("the state has nothing at \"{text}\""));
    let meant = Selection::parse(text).map(|s| s.rows(snapshot)).unwrap_or_default();
    if let Some(first) = meant.iter().find(|row| row.deposed.is_none()) {
        let more = if meant.len() > 1 { " and others" } else { "" };
        return problem.help(format!("it has the instance \"{}\"{more}: name one of them", first.address));
    }
    let known = names(snapshot);
    let guess = problem.clone().did_you_mean(text, known.iter().map(String::as_str));
    if guess == problem { problem.help("\"terrane state list\" shows all addresses") } else { guess }
}

/// All that can be named: instances, resources, modules.
fn names(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (resource, rows) in snapshot.resources() {
        names.insert(resource.to_string());
        names.extend(rows.iter().map(|row| row.address.to_string()));
        let mut module = Some(resource.module.clone());
        while let Some(path) = module.filter(|p| !p.is_root()) {
            module = path.parent();
            names.insert(path.to_string());
        }
    }
    names
}

/// The same address with another beginning, where it begins with `from`.
pub fn rebase(resource: &ResourceAddress, from: &ModulePath, to: &ModulePath) -> Option<ResourceAddress> {
    let rest = resource.module.steps().strip_prefix(from.steps())?;
    let steps = to.steps().iter().chain(rest).cloned().collect();
    Some(ResourceAddress { module: ModulePath::from_steps(steps), ..resource.clone() })
}
