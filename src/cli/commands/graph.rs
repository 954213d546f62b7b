//! `terrane graph`: what depends on what, in the DOT language or as a picture.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use crate::model::Diagnostic;
use crate::ops::graphs::{operation, resources};
use crate::ops::{Access, Providers, Session};
use crate::plan::{Options, PlanMode};
use crate::render::graph_dot::{operation_dot, resources_dot};
use crate::render::graph_svg::{MAX_BLOCKS, graph_svg};

/// Shows what depends on what: for Graphviz, or as a picture.
///
/// Example: terrane graph -format=svg -type=plan > graph.svg
#[derive(Debug, clap::Args)]
pub struct Graph {
    #[command(flatten)]
    pub common: Common,

    /// The operation: with DOT everything that it evaluates is shown, in a picture the colours say what it does.
    #[arg(long = "type", value_name = "OPERATION")]
    pub operation: Option<Operation>,

    /// The DOT language of Graphviz, or a picture.
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    pub format: Format,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Operation {
    Plan,
    PlanRefreshOnly,
    PlanDestroy,
    Apply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Dot,
    Svg,
}

impl Graph {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let place = enter(call.chdir.as_deref(), self.folder.as_deref())?;
        if let (Format::Svg, Some(operation)) = (self.format, self.operation) {
            let settings = self.common.settings(call.environment, &place)?;
            let options = Options { mode: operation.mode(), refresh: true, ..Options::default() };
            let mut session = Session::open(settings, Access::Read)?;
            let (planned, _) = session.plan(options);
            call.terminal.diagnostics(&planned.plan.diagnostics, &session.sources);
            if planned.plan.errored() {
                return Ok(1);
            }
            call.terminal.print(&picture(&resources(&session.loaded, Some(&planned.plan)))?);
            return Ok(0);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(crate::ops::SessionError::from)?;
        let providers = Providers::new(runtime.handle().clone(), None);
        let loaded = self.common.settings(call.environment, &place)?.load(&providers);
        call.terminal.diagnostics(&loaded.diagnostics, &loaded.spec.sources);
        if loaded.diagnostics.has_errors() {
            return Ok(1);
        }
        let text = match (self.format, self.operation) {
            (Format::Svg, _) => picture(&resources(&loaded, None))?,
            (Format::Dot, None) => resources_dot(&resources(&loaded, None)),
            (Format::Dot, Some(_)) => operation_dot(&operation(&loaded)),
        };
        call.terminal.print(&text);
        Ok(0)
    }
}

impl Operation {
    fn mode(self) -> PlanMode {
        match self {
            Operation::Plan | Operation::Apply => PlanMode::Normal,
            Operation::PlanRefreshOnly => PlanMode::RefreshOnly,
            Operation::PlanDestroy => PlanMode::Destroy,
        }
    }
}

fn picture(graph: &crate::render::resource_graph::ResourceGraph) -> Result<String, Failure> {
    graph_svg(graph).map_err(|module| {
        Diagnostic::error(format!("{module} has more than {MAX_BLOCKS} blocks, too many for a picture"))
            .help("use -format=dot and a tool for large graphs")
            .into()
    })
}
