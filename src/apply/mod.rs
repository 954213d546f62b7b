//! Runs the steps of a plan and journals each one.
