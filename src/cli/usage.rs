//! A command line that can't be read: what is wrong with it, and what was probably meant.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::context::Environment;
use super::terminal::Terminal;
use crate::model::{Diagnostic, SourceMap};

/// `command` holds its words, such as `state list`. Prints help or the version where that was asked for, which is no failure; else tells what is wrong.
pub fn tell(problem: &clap::Error, command: &[String], environment: &Environment) -> ExitCode {
    if !problem.use_stderr() {
        // There is nobody to tell where even this fails.
        let _told = problem.print();
        return ExitCode::SUCCESS;
    }
    match diagnostic(problem) {
        Some(found) => {
            let diagnostic = with_next_steps(found, problem, command);
            Terminal::new(environment, None).diagnostics(&diagnostic.into(), &SourceMap::default());
        }
        None => {
            let _told = problem.print();
        }
    }
    ExitCode::from(1)
}

/// Arguments are text: names, addresses and paths that a plan file and messages can hold.
pub fn not_text(word: &OsStr, environment: &Environment) -> ExitCode {
    let problem = Diagnostic::error(format!("the argument \"{}\" is not UTF-8", word.to_string_lossy()));
    Terminal::new(environment, None).diagnostics(&problem.into(), &SourceMap::default());
    ExitCode::from(1)
}

/// Nothing where the parser's own words are what helps most, such as the list of commands.
fn diagnostic(problem: &clap::Error) -> Option<Diagnostic> {
    let text = |kind| one(problem.get(kind)?);
    let argument = || text(ContextKind::InvalidArg).map(|a| spelled(&a));
    let value = || text(ContextKind::InvalidValue).unwrap_or_default();
    let found = match problem.kind() {
        ErrorKind::InvalidSubcommand => {
            Diagnostic::error(format!("there is no command \"{}\"", text(ContextKind::InvalidSubcommand)?))
        }
        ErrorKind::UnknownArgument => match argument()? {
            flag if flag.starts_with('-') => Diagnostic::error(format!("there is no option \"{flag}\"")),
            word => Diagnostic::error(format!("\"{word}\" is one argument too many")),
        },
        ErrorKind::InvalidValue if value().is_empty() => {
            Diagnostic::error(format!("\"{}\" needs a value", argument()?))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let problem_of_value = Diagnostic::error(format!("\"{}\" can't be \"{}\"", argument()?, value()));
            match problem.get(ContextKind::ValidValue).map(all).filter(|v| !v.is_empty()) {
                Some(valid) => problem_of_value.help(format!("it can be {}", valid.join(", "))),
                None => match std::error::Error::source(problem) {
                    Some(cause) => problem_of_value.detail(cause.to_string()),
                    None => problem_of_value,
                },
            }
        }
        ErrorKind::NoEquals => Diagnostic::error(format!("\"{}\" takes its value behind a \"=\"", argument()?)),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues => {
            Diagnostic::error(format!("\"{}\" is one value too many for \"{}\"", value(), argument()?))
        }
        ErrorKind::ArgumentConflict => {
            let prior = problem.get(ContextKind::PriorArg).map(all).unwrap_or_default();
            let prior: Vec<String> = prior.iter().map(|a| format!("\"{}\"", spelled(a))).collect();
            match prior.is_empty() || prior == [format!("\"{}\"", argument()?)] {
                true => Diagnostic::error(format!("\"{}\" is given more than once", argument()?)),
                false => {
                    Diagnostic::error(format!("\"{}\" can't go together with {}", argument()?, prior.join(" and ")))
                }
            }
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = problem.get(ContextKind::InvalidArg).map(all)?;
            let missing: Vec<String> = missing.iter().map(|a| format!("\"{}\"", spelled(a))).collect();
            Diagnostic::error(format!("{} is missing", missing.join(" and ")))
        }
        _ => return None,
    };
    Some(found)
}

fn with_next_steps(mut found: Diagnostic, problem: &clap::Error, command: &[String]) -> Diagnostic {
    let suggestions = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let suggested = suggestions.into_iter().filter_map(|kind| all(problem.get(kind)?).into_iter().next()).next();
    if let Some(best) = suggested {
        found = found.help(format!("did you mean \"{}\"?", spelled(&best)));
    }
    match command.join(" ") {
        words if words.is_empty() => found.help("\"terrane -help\" shows the commands"),
        words => found.help(format!("\"terrane {words} -help\" shows what it takes")),
    }
}

/// An option with one dash, as most people write it, without what stands for its value.
fn spelled(argument: &str) -> String {
    let name = argument.split([' ', '=', '[']).next().unwrap_or(argument);
    match name.strip_prefix("--") {
        Some(long) => format!("-{long}"),
        None => argument.trim_matches(['<', '>']).to_string(),
    }
}

fn one(value: &ContextValue) -> Option<String> {
    all(value).into_iter().next()
}

fn all(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(text) => vec![text.clone()],
        ContextValue::Strings(texts) => texts.clone(),
        ContextValue::StyledStr(text) => vec![text.to_string()],
        ContextValue::StyledStrs(texts) => texts.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}
