//! What the commands do: load, validate, plan, apply, refresh. Wires the rooms together and prints nothing.

pub mod configuration;
pub mod host;
pub mod load;
pub mod lock;
pub mod plan_file;
pub mod planning;
pub mod prior;
pub mod providers;
pub mod record;
pub mod recover;
pub mod variables;
pub mod written;

pub use load::{Loaded, load};
pub use planning::{Access, Session, SessionError, Settings};
pub use providers::Providers;
