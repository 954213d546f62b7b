//! A graph in the DOT language, for Graphviz.

use std::fmt::Write;

/// A directed graph; an edge goes from what waits to what it waits for, by index of the nodes.
#[derive(Clone, Debug, Default)]
pub struct DotGraph {
    pub nodes: Vec<DotNode>,
    pub edges: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
pub struct DotNode {
    pub label: String,
    /// A Graphviz shape, such as `box` or `diamond`.
    pub shape: &'static str,
}

/// The DOT text; edges to nodes that do not exist are left out.
pub fn graph_dot(graph: &DotGraph) -> String {
    let mut out = String::from("digraph {\n  rankdir = \"RL\"\n  node [fontname = \"sans-serif\"]\n");
    for (i, node) in graph.nodes.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  n{i} [label = {}, shape = {}]", dot_string(&node.label), node.shape);
    }
    for (from, to) in &graph.edges {
        if *from < graph.nodes.len() && *to < graph.nodes.len() {
            let _ = writeln!(out, "  n{from} -> n{to}");
        }
    }
    out.push_str("}\n");
    out
}

/// In DOT only the quote is escaped, and a backslash could begin an escape of its own.
fn dot_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_edges_are_written() {
        let node = |label: &str| DotNode { label: label.into(), shape: "box" };
        let graph = DotGraph { nodes: vec![node("a.b[\"x\"]"), node("c.d")], edges: vec![(0, 1), (0, 7)] };
        let text = graph_dot(&graph);
        assert!(text.contains(r#"n0 [label = "a.b[\"x\"]", shape = box]"#), "{text}");
        assert_eq!(text.matches("->").count(), 1);
    }
}
