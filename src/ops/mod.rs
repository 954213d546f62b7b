//! What the commands do: load, validate, plan, apply, refresh. Wires the rooms together and prints nothing.

pub mod adopting;
pub mod backend;
pub mod claim;
pub mod configuration;
pub mod console;
mod early;
pub mod elsewhere;
pub mod encryption;
pub mod functions;
pub mod generate;
pub mod graphs;
pub mod host;
pub mod kms;
pub mod load;
pub mod lock;
pub mod migrate;
pub mod moving;
pub mod named;
pub mod opening;
mod other_states;
pub mod plan_file;
pub mod planning;
pub mod prior;
mod provider_functions;
pub mod providers;
pub mod record;
pub mod recover;
pub mod rehearsal;
pub mod relevant;
pub mod required;
pub mod rollback;
pub mod saved_plan;
pub mod saved_steps;
mod saved_value;
pub mod selection;
pub mod session_error;
pub mod typed;
pub mod variables;
pub mod written;

#[cfg(test)]
mod tests_host;

pub use load::{Loaded, load};
pub use planning::{Access, Session, Settings};
pub use providers::Providers;
pub use session_error::SessionError;
