//! One file an output format. Renderers are pure: they give text or JSON, and never print.

pub mod configuration_text;
pub mod diagnostic;
pub mod graph_dot;
pub mod graph_svg;
pub mod human;
pub mod json;
pub mod outputs;
pub mod progress_text;
pub mod provider_tree;
pub mod quote;
pub mod resource_graph;
pub mod schema_page;
pub mod style;
pub mod value_text;

pub use style::{Role, Style};
