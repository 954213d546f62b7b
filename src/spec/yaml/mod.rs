//! Reads YAML 1.2 into nodes: core schema, anchors, merge keys, and the tags `!expr` and `!literal`.

mod scalar;
mod text;
mod tree;

pub use tree::parse;
