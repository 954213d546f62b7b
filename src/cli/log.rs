//! The log, for whoever looks for a cause: off unless `TERRANE_LOG` or `TF_LOG` names a level.
//!
//! It goes to stderr, or to the end of the file that `TERRANE_LOG_PATH` names. Only this program's own lines are in
//! it, because what libraries log may hold requests with secrets.

use std::fs::{File, OpenOptions};
use std::sync::Mutex;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::context::Environment;
use crate::model::{Diagnostic, Diagnostics};

/// Levels as people write them.
const LEVELS: &[(&str, LevelFilter)] = &[
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// Starts the log if it is asked for. What is wrong with the request is a warning: the run goes on.
pub fn start(environment: &Environment) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let Some(asked) = environment.setting("LOG") else { return problems };
    let asked = asked.to_lowercase();
    let json = asked == "json";
    let level = match LEVELS.iter().find(|(name, _)| *name == asked) {
        Some((_, level)) => *level,
        None if json => LevelFilter::TRACE,
        None => {
            let names: Vec<&str> = LEVELS.iter().map(|(name, _)| *name).collect();
            let problem = Diagnostic::warning(format!("there is no log level \"{asked}\", everything is logged"))
                .did_you_mean(&asked, names.iter().copied())
                .help(format!("the levels are {}, and json for everything as JSON", names.join(", ")));
            problems.push(problem);
            LevelFilter::TRACE
        }
    };
    if level == LevelFilter::OFF {
        return problems;
    }
    let writer = match environment.setting("LOG_PATH").map(|path| (path, append(path))) {
        None => BoxMakeWriter::new(std::io::stderr),
        Some((_, Ok(file))) => BoxMakeWriter::new(Mutex::new(file)),
        Some((path, Err(error))) => {
            let problem = Diagnostic::warning(format!("the log can't be written to \"{path}\", it goes to stderr"))
                .detail(error.to_string());
            problems.push(problem);
            BoxMakeWriter::new(std::io::stderr)
        }
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = if json { lines.json().with_filter(own).boxed() } else { lines.with_filter(own).boxed() };
    // Fails only where a log is running already.
    let _started = tracing_subscriber::registry().with(lines).try_init();
    problems
}

/// Opens a file to write at its end. Nobody else may read what a run did.
fn append(path: &str) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
