//! Line editing, history and completion of the console.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Helper};

use super::unfinished::is_unfinished;
use crate::ops::console::Console;

/// Lines of history that are kept.
const KEPT: usize = 1000;

pub struct Editor {
    lines: rustyline::Editor<Assistant, FileHistory>,
    history: PathBuf,
}

impl Editor {
    pub fn open(console: Console, history: &Path) -> rustyline::Result<Editor> {
        let config = Config::builder()
            .max_history_size(KEPT)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let mut lines = rustyline::Editor::with_config(config)?;
        lines.set_helper(Some(Assistant { console: RefCell::new(console) }));
        // The first time there is none.
        let _none = lines.load_history(history);
        Ok(Editor { lines, history: history.to_path_buf() })
    }

    /// The next expression; nothing where the user leaves.
    pub fn line(&mut self) -> rustyline::Result<Option<String>> {
        match self.lines.readline("> ") {
            Ok(line) => Ok(Some(line)),
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn with_console<T>(&mut self, ask: impl FnOnce(&mut Console) -> T) -> Option<T> {
        self.lines.helper_mut().map(|assistant| ask(assistant.console.get_mut()))
    }

    /// Keeps the history.
    pub fn close(mut self) -> rustyline::Result<()> {
        if let Some(folder) = self.history.parent() {
            std::fs::create_dir_all(folder)?;
        }
        self.lines.save_history(&self.history)
    }
}

/// Completes words, and knows when a line goes on.
struct Assistant {
    console: RefCell<Console>,
}

impl Helper for Assistant {}
impl Highlighter for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..at).unwrap_or_default();
        let start = word_start(before);
        let found = match self.console.try_borrow_mut() {
            Ok(mut console) => console.completions(&before[start..]),
            Err(_) => Vec::new(),
        };
        Ok((start, found))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_unfinished(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

/// Where the name at the end of a text begins; constant keys such as `[0]` and `["a"]` belong to it.
fn word_start(text: &str) -> usize {
    let mut start = text.len();
    let mut brackets = 0usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            ']' => brackets += 1,
            '[' if brackets > 0 => brackets -= 1,
            _ if brackets > 0 => (),
            c if c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':') => (),
            _ => break,
        }
        start = at;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::word_start;

    #[test]
    fn a_word_is_a_name_with_its_keys() {
        let word = |text: &'static str| &text[word_start(text)..];
        assert_eq!(word("1 + var.re"), "var.re");
        assert_eq!(word("upper(aws_vpc.main[\"a b\"].ta"), "aws_vpc.main[\"a b\"].ta");
        assert_eq!(word("[fi"), "fi");
        assert_eq!(word("é.x "), "");
    }
}
