//! From a folder to a checked configuration and its graph.

use std::path::Path;
use std::sync::Arc;

use crate::graph::{self, Graph};
use crate::model::{Diagnostics, Str};
use crate::spec::{self, Schemas, Spec};

pub struct Loaded {
    pub spec: Arc<Spec>,
    pub graph: Arc<Graph>,
    pub diagnostics: Diagnostics,
}

/// Loads a folder, checks it, and builds its graph.
pub fn load(folder: &Path, schemas: &dyn Schemas) -> Loaded {
    build(spec::load(folder, schemas, &spec::Options::default()))
}

/// The same from the sources that a saved plan carries.
pub fn load_bundle(files: Vec<(String, Str)>, root: &str, schemas: &dyn Schemas) -> Loaded {
    build(spec::load_bundle(files, root, schemas, &spec::Options::default()))
}

fn build((spec, mut diagnostics): (Spec, Diagnostics)) -> Loaded {
    // A configuration with errors may lack what the graph takes for granted, but its cycles are worth telling.
    let (graph, problems) = graph::build(&spec);
    diagnostics.extend(problems);
    Loaded { spec: Arc::new(spec), graph: Arc::new(graph), diagnostics: diagnostics.sorted() }
}
