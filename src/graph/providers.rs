//! Which provider configuration serves a resource: the way up through the module calls.

use super::tree::{StaticModuleId, Tree};
use crate::model::{Diagnostic, Key, Str};
use crate::spec::{Module, ProviderConfig, ProviderRef, Spec};

/// Where the configuration of a provider stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProviderNode {
    /// A `provider` block, by its number in the module.
    Block { module: StaticModuleId, index: u32 },
    /// No block: the provider with an empty configuration.
    Implicit,
    /// The block that a state names is not there any more: nobody knows the account and region that it meant.
    Gone,
}

/// What a resource gets: the provider's real name and where its configuration stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderUse {
    pub name: Str,
    pub alias: Option<Str>,
    pub node: ProviderNode,
    pub key: ProviderKey,
}

/// Where it is said which instance of a `for_each` provider is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProviderKey {
    /// The provider has one configuration.
    #[default]
    None,
    /// In the `provider` argument of the block itself.
    Block,
    /// In the `providers` of the call of this module, by the number of the entry.
    Call(StaticModuleId, u32),
    /// In the state.
    Known(Key),
}

impl ProviderUse {
    /// One instance of the configuration.
    pub fn instance(&self, key: Option<Key>) -> ProviderUse {
        ProviderUse { key: key.map_or(ProviderKey::None, ProviderKey::Known), ..self.clone() }
    }
}

/// The last part of the source that a module's `required_providers` gives to a local name, or the name itself.
pub fn real_name(module: &Module, local: &Str) -> Str {
    let required = module.settings.required_providers.iter().find(|p| p.name == *local);
    let source = required.and_then(|p| p.source.as_ref());
    match source.and_then(|s| s.rsplit('/').next()) {
        Some(last) => last.into(),
        None => local.clone(),
    }
}

/// Follows a provider reference from a module upwards until a block is found.
pub fn resolve(
    spec: &Spec,
    tree: &Tree,
    from: StaticModuleId,
    reference: &ProviderRef,
) -> Result<ProviderUse, Diagnostic> {
    let name = real_name(tree.definition(spec, from), &reference.name);
    let (mut at, mut local, mut alias) = (from, reference.name.clone(), reference.alias.clone());
    let mut key = if reference.key.is_some() { ProviderKey::Block } else { ProviderKey::None };
    loop {
        let module = tree.definition(spec, at);
        if let Some(index) = module.providers.iter().position(|p| p.name == local && p.alias == alias) {
            check_key(&module.providers[index], &key, reference)?;
            let node = ProviderNode::Block { module: at, index: index as u32 };
            return Ok(ProviderUse { name, alias, node, key });
        }
        let Some((parent, call)) = tree.call(spec, at) else {
            return match alias {
                None => Ok(ProviderUse { name, alias: None, node: ProviderNode::Implicit, key: ProviderKey::None }),
                Some(alias) => Err(unknown_alias(module, reference, &local, &alias)),
            };
        };
        let passed = call.providers.iter().position(|(child, _)| child.name == local && child.alias == alias);
        match passed.and_then(|entry| Some((entry, &call.providers.get(entry)?.1))) {
            Some((entry, outer)) => {
                if outer.key.is_some() {
                    key = ProviderKey::Call(at, entry as u32);
                }
                (local, alias) = (outer.name.clone(), outer.alias.clone());
            }
            None if alias.is_none() => (),
            None => {
                let alias = alias.unwrap_or_default();
                return Err(unknown_alias(module, reference, &local, &alias));
            }
        }
        at = parent;
    }
}

/// A provider with `for_each` is used by key, and no other.
fn check_key(block: &ProviderConfig, key: &ProviderKey, reference: &ProviderRef) -> Result<(), Diagnostic> {
    let full = block.alias.as_ref().map_or(block.name.to_string(), |alias| format!("{}.{alias}", block.name));
    let problem = match (&block.for_each, key) {
        (Some(_), ProviderKey::None) => {
            Diagnostic::error(format!("the provider \"{full}\" has \"for_each\", so an instance must be chosen"))
                .help(format!("write {full}[each.key], or the key of one instance"))
        }
        (None, ProviderKey::Block | ProviderKey::Call(..)) => {
            Diagnostic::error(format!("the provider \"{full}\" has no instances")).help(format!("write {full}"))
        }
        _ => return Ok(()),
    };
    Err(problem.at(reference.span).related(block.span, "the provider block"))
}

fn unknown_alias(module: &Module, reference: &ProviderRef, local: &Str, alias: &Str) -> Diagnostic {
    let known = module.providers.iter().filter(|p| p.name == *local).filter_map(|p| p.alias.as_deref());
    let mut diagnostic = Diagnostic::error(format!("there is no provider configuration \"{local}.{alias}\""));
    if let Some(span) = reference.span {
        diagnostic = diagnostic.at(span).label("no provider block has this alias");
    }
    diagnostic.did_you_mean(alias, known).help(format!(
        "add a block provider \"{local}\" with alias = \"{alias}\", or pass one with the module's \"providers\""
    ))
}
