//! Sources to [`Spec`]: the HCL and YAML front ends, the loader, module sources.
//!
//! A [`Spec`] is the whole configuration, typed and compiled, with the place of everything in the sources. A
//! module that is called many times stands in it once; references are indexes into the tables of its module.

pub mod module;

pub use module::{
    Backend, Check, CheckRule, DependsOn, Import, Lifecycle, Local, Module, ModuleCall, ModuleId, Moved, Output,
    ProviderConfig, ProviderRef, Provisioner, Removed, Repeat, RequiredProvider, Resource, Schemas, Settings, Spec,
    Variable,
};
