//! The `terrane` command.

use std::process::ExitCode;

/// Values are many and small; the system's allocator would take a fifth of a plan's time.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    terrane::cli::main()
}
