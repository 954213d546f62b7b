//! Arguments, environment, exit codes, progress; commands/ has one file a command.

pub mod progress;
pub mod style;
