//! Where states are kept: one file a backend. So far there is one, so there is no trait over them yet.

pub mod local;

pub use local::Local;
