//! The dependency graph of a spec: which block needs which, before anything is expanded into instances.
//!
//! Nodes are the blocks of every module call ("static" modules: `module.a.module.b` without instance keys).
//! Only edges that are written become edges of the graph; whatever stands in a module also follows the module's
//! expansion. The graph grows linearly with the text of the configuration and the number of module calls.

mod build;
mod cycle;
mod dependencies;
mod providers;
mod references;
mod summary;
mod tree;

pub use build::{Graph, Node, NodeId, NodeKind, build};
pub use cycle::cycles;
pub use dependencies::Dependencies;
pub use providers::{ProviderKey, ProviderNode, ProviderUse, real_name, resolve};
pub use references::{block_references, body_references};
pub use summary::{Summary, reduced, summary};
pub use tree::{StaticModule, StaticModuleId, Tree, static_module};
