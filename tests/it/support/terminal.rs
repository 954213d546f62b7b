//! Runs the built command on a terminal of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use super::cli::Stack;

/// What stood on the terminal, and the exit status.
pub struct Seen {
    pub text: String,
    pub status: Option<i32>,
}

/// Runs the command with these variables and types a line at each question. Carriage returns are left out.
pub fn on_terminal(stack: &Stack, arguments: &[&str], variables: &[(&str, &str)], typed: &str) -> Seen {
    at_prompts(stack, arguments, variables, "Enter a value: ", typed)
}

/// The same for another prompt.
pub fn at_prompts(stack: &Stack, arguments: &[&str], variables: &[(&str, &str)], prompt: &str, typed: &str) -> Seen {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/on_terminal.py");
    let output = Command::new("python3")
        .arg(script)
        .args([prompt, typed, env!("CARGO_BIN_EXE_terrane")])
        .args(arguments)
        .current_dir(stack.dir())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", stack.home())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("python3 is there");
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    Seen { text: text + &String::from_utf8_lossy(&output.stderr), status: output.status.code() }
}
