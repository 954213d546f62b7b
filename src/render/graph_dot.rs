//! Graphs in the DOT language, for Graphviz.

use std::collections::HashSet;
use std::fmt::Write;

use super::resource_graph::ResourceGraph;
use crate::model::ModulePath;

/// Resources, those of a module in a cluster of their own.
pub fn resources_dot(graph: &ResourceGraph) -> String {
    let mut out = String::from("digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n");
    let mut cluster: Option<&ModulePath> = None;
    // Writing to a string cannot fail.
    for node in &graph.nodes {
        if cluster.is_some_and(|module| *module != node.module) {
            out.push_str("  }\n");
        }
        let indent = if node.module.is_root() { "  " } else { "    " };
        if !node.module.is_root() && cluster != Some(&node.module) {
            let module = node.module.to_string();
            let _ = writeln!(out, "  subgraph {} {{", dot_string(&format!("cluster_{module}")));
            let _ = writeln!(out, "    label = {}\n    fontname = \"sans-serif\"", dot_string(&module));
        }
        cluster = Some(&node.module).filter(|module| !module.is_root());
        let _ = writeln!(out, "{indent}{} [label={}];", dot_string(&node.address()), dot_string(&node.name));
    }
    if cluster.is_some() {
        out.push_str("  }\n");
    }
    let name = |i: &usize| graph.nodes.get(*i).map(|n| dot_string(&n.address()));
    for (from, to) in graph.edges.iter().filter_map(|(from, to)| name(from).zip(name(to))) {
        let _ = writeln!(out, "  {from} -> {to};");
    }
    out.push_str("}\n");
    out
}

/// Everything that an operation evaluates: values, providers and modules among the resources.
#[derive(Clone, Debug, Default)]
pub struct OperationGraph {
    pub nodes: Vec<OperationNode>,
    /// From what waits to what it waits for; sorted.
    pub edges: Vec<(usize, usize)>,
    /// Those of the edges that are part of a cycle.
    pub cyclic: HashSet<(usize, usize)>,
}

#[derive(Clone, Debug)]
pub struct OperationNode {
    /// Unique, such as `aws_vpc.main (expand)`.
    pub name: String,
    /// The label and Graphviz shape, of nodes that stand for something of the sources.
    pub shown: Option<(String, &'static str)>,
}

/// The graph of an operation in the form that tools are used to: names behind `[root]`.
pub fn operation_dot(graph: &OperationGraph) -> String {
    let mut out = String::from("digraph {\n\tcompound = \"true\"\n\tnewrank = \"true\"\n\tsubgraph \"root\" {\n");
    let name = |i: &usize| graph.nodes.get(*i).map(|n| dot_string(&format!("[root] {}", n.name)));
    // Writing to a string cannot fail.
    for (i, node) in graph.nodes.iter().enumerate() {
        if let (Some((label, shape)), Some(name)) = (&node.shown, name(&i)) {
            let _ = writeln!(out, "\t\t{name} [label = {}, shape = \"{shape}\"]", dot_string(label));
        }
    }
    for edge in &graph.edges {
        let Some((from, to)) = name(&edge.0).zip(name(&edge.1)) else { continue };
        let drawn = if graph.cyclic.contains(edge) { " [color = \"red\", penwidth = \"2.0\"]" } else { "" };
        let _ = writeln!(out, "\t\t{from} -> {to}{drawn}");
    }
    out.push_str("\t}\n}\n");
    out
}

/// In DOT only the quote is escaped, and a backslash could begin an escape of its own.
fn dot_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
