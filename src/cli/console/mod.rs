//! The console: reads expressions from a terminal or a pipe, and shows what they come to.

mod editor;
mod unfinished;

use std::io::BufRead;
use std::path::Path;

use super::terminal::Terminal;
use crate::ops::console::{Answer, Console};
use crate::render::value_text::{type_text, value_text};

use unfinished::is_unfinished;

/// What a line asks for.
enum Line<'l> {
    Nothing,
    Exit,
    Help,
    Expression(&'l str),
}

impl Line<'_> {
    fn read(text: &str) -> Line<'_> {
        match text.trim() {
            "" => Line::Nothing,
            "exit" | "quit" => Line::Exit,
            "help" => Line::Help,
            _ => Line::Expression(text),
        }
    }
}

/// Shows what one expression comes to. Gives whether it could be evaluated.
pub fn evaluate(console: &mut Console, text: &str, terminal: &Terminal) -> bool {
    match console.evaluate(text) {
        Ok(Answer::Value(value)) => terminal.line(&value_text(&value)),
        Ok(Answer::Type(ty)) => terminal.line(&type_text(&ty)),
        Err(problems) => {
            terminal.diagnostics(&problems, &console.sources);
            return false;
        }
    }
    true
}

/// Evaluates what comes through a pipe: an expression a line, or over several lines as long as brackets are open.
/// Gives whether all could be evaluated.
pub fn piped(console: &mut Console, input: &mut dyn BufRead, terminal: &Terminal) -> std::io::Result<bool> {
    let (mut text, mut well) = (String::new(), true);
    loop {
        let ended = input.read_line(&mut text)? == 0;
        if !ended && is_unfinished(&text) {
            continue;
        }
        match Line::read(text.trim_end_matches(['\r', '\n'])) {
            Line::Nothing => (),
            Line::Exit => return Ok(well),
            Line::Help => terminal.line(HELP),
            Line::Expression(expression) => well &= evaluate(console, expression, terminal),
        }
        if ended {
            return Ok(well);
        }
        text.clear();
    }
}

/// Reads from a terminal until the user leaves. What was typed is kept in `history`.
pub fn interactive(console: Console, history: &Path, terminal: &Terminal) -> rustyline::Result<()> {
    let mut editor = editor::Editor::open(console, history)?;
    while let Some(text) = editor.line()? {
        match Line::read(&text) {
            Line::Nothing => (),
            Line::Exit => break,
            Line::Help => terminal.line(HELP),
            Line::Expression(expression) => {
                editor.with_console(|console| evaluate(console, expression, terminal));
            }
        }
    }
    editor.close()
}

const HELP: &str = "\
Type an expression to see what it comes to: 1 + 2, var.region, aws_vpc.main.id, upper(\"a\").
Values are those of the state; with -plan they are what a plan would bring about.
type(EXPRESSION) shows a type. The tab key completes names. \"exit\" or Ctrl-D leaves.";
