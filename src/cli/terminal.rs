//! Where output goes and how it looks: data on stdout, talk on stderr, colour where it is wanted.

use std::io::{IsTerminal, Write};

use super::commands::Command;
use super::context::Environment;
use crate::model::{Diagnostics, SourceMap};
use crate::render::diagnostic::diagnostics_text;
use crate::render::style::Style;

pub struct Terminal {
    pub out: Style,
    pub err: Style,
    /// Whether somebody can answer questions.
    pub interactive: bool,
    /// Whether live progress may redraw lines.
    pub live: bool,
}

impl Terminal {
    pub fn new(environment: &Environment, command: &Command) -> Terminal {
        let columns = environment.get("COLUMNS").and_then(|c| c.parse().ok());
        let width = columns.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))).unwrap_or(80);
        let no_color = environment.get("NO_COLOR").is_some_and(|v| !v.is_empty())
            || environment.get("TERM") == Some("dumb")
            || command.no_color();
        let style = |is_terminal: bool| match is_terminal && !no_color {
            true => Style::colored(width),
            false => Style::plain(width),
        };
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Terminal {
            out: style(out),
            err: style(err),
            interactive: std::io::stdin().is_terminal() && out,
            live: out && !no_color && !environment.in_automation(),
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
        if !diagnostics.is_empty() {
            let text = diagnostics_text(diagnostics, sources, self.err);
            let _written = std::io::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// Asks a question that only "yes" says yes to.
    pub fn confirm(&self, question: &str) -> bool {
        self.print(&format!("{question}\n  Only \"yes\" is accepted.\n\n  Enter a value: "));
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        self.print("\n");
        read.is_ok() && answer.trim() == "yes"
    }
}
