//! Colour and width of this run's terminal.

use std::io::IsTerminal;

use crate::render::Style;

/// Columns where the width is not known, such as in a pipe.
const DEFAULT_WIDTH: usize = 80;
/// Longer lines tire the eye, however wide the terminal is.
const MAX_WIDTH: usize = 120;

/// What decides about colour, as the environment and the flags have it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// `-no-color`
    pub no_color_flag: bool,
    /// `NO_COLOR` is set to something.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set to something other than 0.
    pub force: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
    pub is_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub columns: Option<usize>,
}

impl Wishes {
    /// What the environment says of what goes to standard output.
    pub fn of_stdout(no_color_flag: bool) -> Wishes {
        Wishes::of(no_color_flag, std::io::stdout().is_terminal())
    }

    /// The same of standard error.
    pub fn of_stderr(no_color_flag: bool) -> Wishes {
        Wishes::of(no_color_flag, std::io::stderr().is_terminal())
    }

    fn of(no_color_flag: bool, is_terminal: bool) -> Wishes {
        let var = |name| std::env::var_os(name).filter(|v| !v.is_empty());
        let columns = terminal_size::terminal_size().map(|(w, _)| usize::from(w.0));
        Wishes {
            no_color_flag,
            no_color: var("NO_COLOR").is_some(),
            force: var("CLICOLOR_FORCE").is_some_and(|v| v != "0"),
            dumb: var("TERM").is_some_and(|v| v == "dumb"),
            is_terminal,
            columns: columns.filter(|_| is_terminal),
        }
    }

    /// The flag wins over everything, a refusal in the environment over a wish in it.
    pub fn style(self) -> Style {
        let color = !self.no_color_flag && !self.no_color && (self.force || (self.is_terminal && !self.dumb));
        let width = self.columns.unwrap_or(DEFAULT_WIDTH).min(MAX_WIDTH);
        if color { Style::colored(width) } else { Style::plain(width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let terminal = Wishes { is_terminal: true, columns: Some(200), ..Wishes::default() };
        assert_eq!(terminal.style(), Style::colored(120));
        assert!(!Wishes { no_color: true, force: true, ..terminal }.style().color);
        assert!(!Wishes { dumb: true, ..terminal }.style().color);
        assert!(!Wishes { no_color_flag: true, force: true, ..terminal }.style().color);
        assert!(Wishes { force: true, ..Wishes::default() }.style().color);
        assert_eq!(Wishes::default().style(), Style::plain(80));
    }
}
