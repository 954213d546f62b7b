//! From a folder to a checked configuration and its graph.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::early::Early;
use super::variables::{self, Given};
use crate::graph::{self, Graph};
use crate::lang::expr::Expr;
use crate::model::{Diagnostics, SourceMap, Str, Value};
use crate::spec::files::{Bundle, Disk};
use crate::spec::{self, Module, Schemas, Spec};
use crate::state::Workspace;

pub struct Loaded {
    pub spec: Arc<Spec>,
    pub graph: Arc<Graph>,
    pub diagnostics: Diagnostics,
    /// Whether the sources say nothing that is wrong by itself: then all that can be wrong is what they come to together,
    /// such as cycles.
    pub is_understood: bool,
}

/// Loads a folder, checks it, and builds its graph. What is given for variables may say where modules are.
pub fn load(folder: &Path, given: &[Given], workspace: &Workspace, schemas: &dyn Schemas) -> Loaded {
    let before = |module: &Module, expr: &Expr| {
        // What is wrong with the values is told when they are read for the plan.
        let (inputs, _) = variables::read(given, module, &mut SourceMap::default());
        known(module, expr, &inputs, workspace.name())
    };
    let root = folder.to_string_lossy();
    build(spec::load_with(&Disk, &root, schemas, &spec::Options::default(), &before))
}

/// The same from the sources that a saved plan carries, with the inputs that it was made with.
pub fn load_bundle(
    files: Vec<(String, Str)>,
    schemas: &dyn Schemas,
    inputs: &HashMap<Str, Value>,
    workspace: &str,
) -> Loaded {
    let before = |module: &Module, expr: &Expr| known(module, expr, inputs, workspace);
    build(spec::load_with(&Bundle::new(files), ".", schemas, &spec::Options::default(), &before))
}

/// The value of an expression over variables and locals alone. A folder is loaded once, whoever calls it, so only the
/// root module's variables have values by then.
fn known(module: &Module, expr: &Expr, inputs: &HashMap<Str, Value>, workspace: &str) -> Result<Value, Diagnostics> {
    if &*module.dir == "." {
        return expr.eval(&Early::new(module, inputs, workspace));
    }
    expr.eval(&Early::new(module, &HashMap::new(), workspace).without_variables())
}

fn build((spec, mut diagnostics): (Spec, Diagnostics)) -> Loaded {
    // A configuration with errors may lack what the graph takes for granted, but its cycles are worth telling.
    let is_understood = !diagnostics.has_errors();
    let (graph, problems) = graph::build(&spec);
    diagnostics.extend(problems);
    Loaded { spec: Arc::new(spec), graph: Arc::new(graph), diagnostics: diagnostics.sorted(), is_understood }
}
