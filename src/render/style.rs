//! How output may look: colour or none, and how wide the page is. Colour only repeats what the text says.

use std::fmt;

use anstyle::{AnsiColor, Style as Ansi};

/// What the reader's terminal takes. The command line finds it out; renderers only follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
    /// Columns of the page; lines are folded to it where they can be.
    pub width: usize,
}

/// What a piece of text means, and so how it is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Plain,
    Added,
    Removed,
    Changed,
    Read,
    /// What matters less: hidden parts, comments.
    Faint,
    Strong,
    Error,
    Warning,
}

/// The narrowest page that is still laid out; narrower terminals wrap by themselves.
const MIN_WIDTH: usize = 40;

impl Default for Style {
    fn default() -> Self {
        Style::plain(80)
    }
}

impl Style {
    pub fn plain(width: usize) -> Style {
        Style { color: false, width: width.max(MIN_WIDTH) }
    }

    pub fn colored(width: usize) -> Style {
        Style { color: true, width: width.max(MIN_WIDTH) }
    }

    /// The text in the role's colour, as something to write.
    pub fn paint<'t>(&self, role: Role, text: &'t str) -> Painted<'t> {
        Painted { ansi: if self.color { role.ansi() } else { None }, text }
    }
}

impl Role {
    fn ansi(self) -> Option<Ansi> {
        let of = |c: AnsiColor| Some(Ansi::new().fg_color(Some(c.into())));
        match self {
            Role::Plain => None,
            Role::Added => of(AnsiColor::Green),
            Role::Removed => of(AnsiColor::Red),
            Role::Changed => of(AnsiColor::Yellow),
            Role::Read => of(AnsiColor::Cyan),
            Role::Faint => Some(Ansi::new().dimmed()),
            Role::Strong => Some(Ansi::new().bold()),
            Role::Error => of(AnsiColor::Red).map(Ansi::bold),
            Role::Warning => of(AnsiColor::Yellow).map(Ansi::bold),
        }
    }
}

/// Text with its colour around it.
pub struct Painted<'t> {
    ansi: Option<Ansi>,
    text: &'t str,
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ansi {
            Some(ansi) if !self.text.is_empty() => write!(f, "{ansi}{}{ansi:#}", self.text),
            _ => f.write_str(self.text),
        }
    }
}
