//! Where output goes and how it looks: data on stdout, talk on stderr, colour where it is wanted.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use super::Cli;
use super::context::Environment;
use super::stream::Stream;
use crate::apply::{Observer, Silent};
use crate::model::{Diagnostics, SourceMap};
use crate::render::diagnostic::{compact_text, diagnostics_text};
use crate::render::style::Style;

pub struct Terminal {
    pub out: Style,
    pub err: Style,
    /// Whether somebody can answer questions.
    pub interactive: bool,
    /// Whether live progress may redraw lines.
    pub live: bool,
    /// Whether people are told what happens; a line stream on stdout takes their place.
    pub talks: bool,
    /// Where the line stream goes, if one was asked for.
    pub stream: Option<Arc<Stream>>,
    /// Whether warnings are told in one line each.
    pub compact_warnings: bool,
}

impl Terminal {
    pub fn new(environment: &Environment, given: Option<&Cli>) -> Terminal {
        let columns = environment.get("COLUMNS").and_then(|c| c.parse().ok());
        let width = columns.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))).unwrap_or(80);
        let dumb = environment.get("TERM") == Some("dumb");
        let no_color = dumb
            || environment.get("NO_COLOR").is_some_and(|v| !v.is_empty())
            || given.is_some_and(|given| given.no_color);
        let asks = given.and_then(|given| given.command.common()).is_none_or(|c| c.input) && environment.input();
        let style = |is_terminal: bool| match is_terminal && !no_color {
            true => Style::colored(width),
            false => Style::plain(width),
        };
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Terminal {
            out: style(out),
            err: style(err),
            interactive: std::io::stdin().is_terminal() && out && asks,
            live: out && !dumb && !environment.in_automation(),
            talks: true,
            stream: None,
            compact_warnings: false,
        }
    }

    /// Who is told what is read while a plan is made.
    pub fn reading(&self) -> Arc<dyn Observer> {
        match &self.stream {
            Some(stream) => stream.clone(),
            None => Arc::new(Silent),
        }
    }

    /// Tells people something on stdout, unless programs are told there.
    pub fn say(&self, text: &str) {
        if self.talks {
            self.print(text);
        }
    }

    /// Writes to stdout. A reader that went away is no failure of ours.
    pub fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    pub fn line(&self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    pub fn diagnostics(&self, diagnostics: &Diagnostics, sources: &SourceMap) {
        if let Some(stream) = &self.stream {
            stream.diagnostics(diagnostics, sources);
        }
        if self.talks && !diagnostics.is_empty() {
            let text = match self.compact_warnings {
                true => compact_text(diagnostics, sources, self.err),
                false => diagnostics_text(diagnostics, sources, self.err),
            };
            let _written = std::io::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// Asks a question that only "yes" says yes to.
    pub fn confirm(&self, question: &str) -> bool {
        self.ask(&format!("{question}\n  Only \"yes\" is accepted.")).is_some_and(|answer| answer.trim() == "yes")
    }

    /// Asks a question; nothing where the input ends before an answer.
    pub fn ask(&self, question: &str) -> Option<String> {
        self.print(&format!("{question}\n\n  Enter a value: "));
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        self.print("\n");
        match read {
            Ok(1..) => Some(answer.trim_end_matches(['\r', '\n']).to_string()),
            Ok(0) | Err(_) => None,
        }
    }
}
