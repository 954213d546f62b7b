//! What the commands do: load, validate, plan, apply, refresh. Wires the rooms together and prints nothing.

pub mod host;
pub mod load;
pub mod prior;
pub mod providers;
pub mod variables;

pub use load::{Loaded, load};
pub use providers::Providers;
