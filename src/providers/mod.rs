//! The providers, one folder each, and the slice that registers them.

use std::sync::Arc;

use crate::provider::ProviderDef;

#[cfg(feature = "aws")]
pub mod aws;
pub mod builtin;
pub mod sandbox;

/// A provider that this build has. Its schemas are built only when it is used.
#[derive(Clone, Copy)]
pub struct Registration {
    /// The short name: what stands before the first `_` of its types, such as `aws`.
    pub name: &'static str,
    /// The registry source under which other tools know it, such as `hashicorp/aws`.
    pub source: &'static str,
    pub build: fn() -> Arc<dyn ProviderDef>,
    /// Whether its resources live on this machine alone: the sandbox leaves it as it is.
    pub builtin: bool,
}

/// Every provider of this build. A new one is one line here.
pub fn all() -> Vec<Registration> {
    #[cfg_attr(not(feature = "aws"), expect(unused_mut, reason = "only builtin providers in this build"))]
    let mut all = builtin::REGISTRATIONS.to_vec();
    #[cfg(feature = "aws")]
    all.push(Registration {
        name: "aws",
        source: "hashicorp/aws",
        build: || Arc::new(aws::definition()),
        builtin: false,
    });
    all
}

/// The provider of this short name.
pub fn by_name(name: &str) -> Option<Registration> {
    all().into_iter().find(|r| r.name == name)
}

/// The provider of this registry source, with or without the registry's host.
pub fn by_source(source: &str) -> Option<Registration> {
    let short = ["registry.terraform.io/", "registry.opentofu.org/"].iter().find_map(|host| source.strip_prefix(host));
    all().into_iter().find(|r| r.source == short.unwrap_or(source))
}

/// The short name of the provider that a type belongs to unless the configuration says otherwise: what stands
/// before the first `_`.
pub fn name_of_type(ty: &str) -> &str {
    ty.split_once('_').map_or(ty, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_carries_the_name_of_its_provider() {
        for registration in all() {
            let def = (registration.build)();
            assert_eq!((def.name(), def.source()), (registration.name, registration.source));
            for ty in def.resource_types().into_iter().chain(def.data_types()) {
                assert_eq!(name_of_type(ty), registration.name, "{ty}");
            }
            assert!(by_name(registration.name).is_some() && by_source(registration.source).is_some());
        }
        assert!(by_source("registry.terraform.io/hashicorp/random").is_some());
    }
}
