//! The `terrane` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    terrane::cli::main()
}
