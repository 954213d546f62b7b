//! Where a state lives: one file a backend.
