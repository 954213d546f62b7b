//! The JSON forms that tools read: plans 1.2, states 1.0, diagnostics 1.0 and the line stream.

mod change;
mod cover;
mod diagnostic;
mod plan;
mod schema;
mod shape;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod tree;

pub use change::{change_json, full_source, output_change, provider_name, resource_change};
pub use cover::{cover, cover_plan};
pub use diagnostic::{diagnostic_json, validate_json};
pub use plan::{PlanContext, PriorNote, RelevantAttribute, plan_json};
pub use schema::{ProviderSchemas, provider_schemas_json};
pub use state::{StateObject, state_json};
pub use stream::{Event, Hook, Incomplete, Provision, StreamOutput, Undone, stream_line};
