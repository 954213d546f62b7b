//! Which provider configuration serves a resource: the way up through the module calls.

use super::tree::{StaticModuleId, Tree};
use crate::model::{Diagnostic, Str};
use crate::spec::{Module, ProviderRef, Spec};

/// Where the configuration of a provider stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProviderNode {
    /// A `provider` block, by its number in the module.
    Block { module: StaticModuleId, index: u32 },
    /// No block: the provider with an empty configuration.
    Implicit,
}

/// What a resource gets: the provider's real name and where its configuration stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderUse {
    pub name: Str,
    pub alias: Option<Str>,
    pub node: ProviderNode,
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
    loop {
        let module = tree.definition(spec, at);
        if let Some(index) = module.providers.iter().position(|p| p.name == local && p.alias == alias) {
            let node = ProviderNode::Block { module: at, index: index as u32 };
            return Ok(ProviderUse { name, alias, node });
        }
        let Some((parent, call)) = tree.call(spec, at) else {
            return match alias {
                None => Ok(ProviderUse { name, alias: None, node: ProviderNode::Implicit }),
                Some(alias) => Err(unknown_alias(module, reference, &local, &alias)),
            };
        };
        let passed = call.providers.iter().find(|(child, _)| child.name == local && child.alias == alias);
        match passed {
            Some((_, outer)) => (local, alias) = (outer.name.clone(), outer.alias.clone()),
            None if alias.is_none() => (),
            None => {
                let alias = alias.unwrap_or_default();
                return Err(unknown_alias(module, reference, &local, &alias));
            }
        }
        at = parent;
    }
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
