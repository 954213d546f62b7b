//! `terrane graph`: what depends on what, in the DOT language or as a picture.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use super::show::read_saved;
use crate::graph::cycles;
use crate::model::Diagnostic;
use crate::ops::graphs::{operation, resources};
use crate::ops::saved_plan::Shown;
use crate::ops::{Access, Providers, Session, SessionError, Settings};
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

    /// Shows a saved plan instead of the configuration in this folder: with DOT everything that its apply evaluates.
    #[arg(long, value_name = "FILE", conflicts_with = "operation")]
    pub plan: Option<PathBuf>,

    /// Shows a configuration with cycles too, with -type and DOT the edges of the cycles in red.
    #[arg(long)]
    pub draw_cycles: bool,

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
        if let Some(path) = &self.plan {
            return self.saved(path, &self.common.settings(call.environment, &place)?, call);
        }
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
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(SessionError::Runtime)?;
        let providers = Providers::new(runtime.handle().clone(), None);
        let loaded = self.common.settings(call.environment, &place)?.load(&providers);
        let only_cycles = loaded.is_understood && !cycles(&loaded.graph).is_empty();
        if !(self.draw_cycles && only_cycles) {
            call.terminal.diagnostics(&loaded.diagnostics, &loaded.spec.sources);
            if loaded.diagnostics.has_errors() {
                return Ok(1);
            }
        }
        let text = match (self.format, self.operation) {
            (Format::Svg, _) => picture(&resources(&loaded, None))?,
            (Format::Dot, None) => resources_dot(&resources(&loaded, None)),
            (Format::Dot, Some(_)) => operation_dot(&operation(&loaded)),
        };
        call.terminal.print(&text);
        Ok(0)
    }

    fn saved(&self, path: &Path, settings: &Settings, call: &mut Call) -> Result<u8, Failure> {
        let (file, _) = read_saved(path, settings)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(SessionError::Runtime)?;
        let Shown { plan, loaded, .. } = Shown::of(file, runtime.handle())?;
        let text = match self.format {
            Format::Svg => picture(&resources(&loaded, Some(&plan)))?,
            Format::Dot => operation_dot(&operation(&loaded)),
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
