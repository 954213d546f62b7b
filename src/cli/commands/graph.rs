//! `terrane graph`: what depends on what, in the DOT language.

use std::path::PathBuf;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::super::show::resource_graph;
use super::Call;
use crate::ops::{Providers, load};
use crate::render::graph_dot::graph_dot;

/// Prints which resource depends on which, in the DOT language.
///
/// Example: terrane graph | dot -Tsvg > graph.svg
#[derive(Debug, clap::Args)]
pub struct Graph {
    #[command(flatten)]
    pub common: Common,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Graph {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(crate::ops::SessionError::from)?;
        let providers = Providers::new(runtime.handle().clone(), None);
        let loaded = load(std::path::Path::new("."), &providers);
        call.terminal.diagnostics(&loaded.diagnostics, &loaded.spec.sources);
        if loaded.diagnostics.has_errors() {
            return Ok(1);
        }
        call.terminal.print(&graph_dot(&resource_graph(&loaded)));
        Ok(0)
    }
}
