//! Sources to [`Spec`]: the HCL and YAML front ends, the loader, module sources.
//!
//! A [`Spec`] is the whole configuration, typed and compiled, with the place of everything in the sources. A
//! module that is called many times stands in it once; references are indexes into the tables of its module.
//!
//! `hcl`, `yaml` and `json` read text into trees; `syntax` shows the trees as blocks and arguments,
//! whatever they were written in; `declare` finds the names, `resolve` answers what they mean, and `decode`
//! compiles the blocks.

mod declare;
mod decode;
pub mod files;
pub mod fingerprint;
mod folder;
mod hcl;
pub mod inspect;
mod json;
pub mod loader;
pub mod module;
mod node;
mod paths;
pub mod provisioner;
mod resolve;
mod syntax;
mod version;
mod yaml;

pub use decode::default_provider;
pub use loader::{Options, bare, bundle, load, load_bundle, load_from, load_with};
pub use module::{
    Backend, Check, CheckRule, DependsOn, Import, Lifecycle, Local, Module, ModuleCall, ModuleId, Moved, Output,
    ProviderConfig, ProviderRef, Provisioner, Removed, Repeat, RequiredProvider, Resource, Schemas, Settings, Spec,
    Variable,
};
