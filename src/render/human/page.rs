//! Lays a tree of differences out on the page: gutters with signs, aligned names, folded lines.

use super::delta::{Body, Delta, Entry, EntryKind, Hidden, Item, Line, Sign};
use crate::render::quote::{self, counted};
use crate::render::style::{Role, Style};

/// Columns by which each level is indented, the sign's gutter among them.
const STEP: usize = 4;

/// What is being written, and how wide the line is so far.
pub struct Page {
    out: String,
    style: Style,
    column: usize,
}

impl Sign {
    pub fn symbol(self) -> &'static str {
        match self {
            Sign::Same => " ",
            Sign::Add => "+",
            Sign::Remove => "-",
            Sign::Change => "~",
        }
    }

    pub fn role(self) -> Role {
        match self {
            Sign::Same => Role::Plain,
            Sign::Add => Role::Added,
            Sign::Remove => Role::Removed,
            Sign::Change => Role::Changed,
        }
    }
}

impl Page {
    pub fn new(style: Style) -> Page {
        Page { out: String::new(), style, column: 0 }
    }

    pub fn finish(self) -> String {
        self.out
    }

    pub fn put(&mut self, role: Role, text: &str) {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{}", self.style.paint(role, text));
        self.column += quote::width(text);
    }

    pub fn text(&mut self, text: &str) {
        self.put(Role::Plain, text);
    }

    pub fn end_line(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    pub fn blank(&mut self) {
        self.out.push('\n');
    }

    pub fn line(&mut self, role: Role, text: &str) {
        self.put(role, text);
        self.end_line();
    }

    /// Lines of a paragraph, folded at the width behind a common beginning.
    pub fn paragraph(&mut self, role: Role, first: &str, rest: &str, text: &str) {
        let room = self.style.width.saturating_sub(quote::width(first)).max(20);
        for (i, line) in quote::wrap(text, room).iter().enumerate() {
            self.put(role, &format!("{}{line}", if i == 0 { first } else { rest }));
            self.end_line();
        }
    }

    /// The gutter with its sign, which ends where what is told begins.
    fn gutter(&mut self, indent: usize, sign: Sign) {
        self.pad(indent.saturating_sub(2));
        self.put(sign.role(), sign.symbol());
        self.text(" ");
    }

    fn pad(&mut self, spaces: usize) {
        self.out.extend(std::iter::repeat_n(' ', spaces));
        self.column += spaces;
    }

    fn comment(&mut self, indent: usize, text: &str) {
        self.pad(indent);
        self.put(Role::Faint, &format!("# ({text})"));
        self.end_line();
    }

    fn notes(&mut self, delta: &Delta) {
        for note in &delta.notes {
            let role = if *note == super::delta::FORCES { Role::Removed } else { Role::Faint };
            self.text(" ");
            self.put(role, &format!("# {note}"));
        }
    }

    /// The inside of a block: arguments with their `=` aligned, blocks apart from them, what is hidden last.
    /// `nulls` tells that what is removed turns into null, rather than going with the whole.
    pub fn inside(&mut self, entries: &[Entry], hidden: &Hidden, indent: usize, nulls: bool) {
        let (blocks, arguments): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|e| e.kind == EntryKind::Block);
        let column = arguments.iter().map(|e| quote::width(&e.name)).max().unwrap_or(0);
        for entry in &arguments {
            self.argument(entry, column, indent, nulls);
        }
        for (n, one) in [(hidden.attributes, "attribute"), (hidden.elements, "element")] {
            if n > 0 {
                self.comment(indent, &format!("{} hidden", counted(n, &format!("unchanged {one}"))));
            }
        }
        if hidden.unknown > 0 {
            self.comment(indent, &format!("{} known after apply", counted(hidden.unknown, "more attribute")));
        }
        let above_blocks = !arguments.is_empty() || hidden.attributes + hidden.unknown > 0;
        let mut above = above_blocks.then_some("");
        for entry in &blocks {
            if above.is_some_and(|name| name != entry.name) {
                self.blank();
            }
            above = Some(&entry.name);
            self.nested_block(entry, indent);
        }
        if hidden.blocks > 0 {
            if above.is_some() {
                self.blank();
            }
            self.comment(indent, &format!("{} hidden", counted(hidden.blocks, "unchanged block")));
        }
    }

    pub fn argument(&mut self, entry: &Entry, column: usize, indent: usize, nulls: bool) {
        self.gutter(indent, entry.delta.sign);
        self.text(&entry.name);
        self.pad(column.saturating_sub(quote::width(&entry.name)));
        self.text(" = ");
        self.value(&entry.delta, indent);
        if nulls && entry.delta.sign == Sign::Remove {
            self.put(Role::Faint, " -> null");
        }
        self.notes(&entry.delta);
        self.end_line();
    }

    fn nested_block(&mut self, entry: &Entry, indent: usize) {
        self.gutter(indent, entry.delta.sign);
        self.text(&entry.name);
        match &entry.delta.body {
            Body::Fields { entries, hidden } => {
                self.text(" {");
                self.notes(&entry.delta);
                self.end_line();
                self.inside(entries, hidden, indent + STEP, true);
                self.pad(indent);
                self.text("}");
            }
            _ => {
                self.text(" ");
                self.value(&entry.delta, indent);
                self.notes(&entry.delta);
            }
        }
        self.end_line();
    }

    /// A value from where the line stands; its further lines are indented below `indent`.
    pub fn value(&mut self, delta: &Delta, indent: usize) {
        match &delta.body {
            Body::Text(text) => self.text(text),
            Body::Fields { entries, hidden } => self.fields(entries, hidden, delta.sign, indent),
            Body::Items(items) => self.items(items, indent),
            Body::Json(inner) => {
                self.text("jsonencode(");
                self.end_line();
                self.gutter(indent + STEP, if delta.sign == Sign::Change { inner.sign } else { Sign::Same });
                self.value(inner, indent + STEP);
                self.end_line();
                self.pad(indent);
                self.text(")");
            }
            Body::Lines(lines) => self.lines(lines, delta.sign, indent),
            Body::Turned(before, after) => self.turned(before, after, indent),
        }
    }

    fn fields(&mut self, entries: &[Entry], hidden: &Hidden, sign: Sign, indent: usize) {
        if entries.is_empty() && *hidden == Hidden::default() {
            return self.text("{}");
        }
        self.text("{");
        self.end_line();
        self.inside(entries, hidden, indent + STEP, sign == Sign::Change);
        self.pad(indent);
        self.text("}");
    }

    fn items(&mut self, items: &[Item], indent: usize) {
        if items.is_empty() {
            return self.text("[]");
        }
        self.text("[");
        self.end_line();
        for item in items {
            match item {
                Item::Element(delta) => {
                    self.gutter(indent + STEP, delta.sign);
                    self.value(delta, indent + STEP);
                    self.text(",");
                    self.notes(delta);
                    self.end_line();
                }
                Item::Hidden(n) => {
                    self.comment(indent + STEP, &format!("{} hidden", counted(*n, "unchanged element")));
                }
            }
        }
        self.pad(indent);
        self.text("]");
    }

    fn lines(&mut self, lines: &[Line], sign: Sign, indent: usize) {
        self.text("<<-EOT");
        self.end_line();
        for line in lines {
            match line {
                // Where the whole text comes or goes, its name has the sign already.
                Line::Text(own, text) => {
                    let own = if sign == Sign::Change { *own } else { Sign::Same };
                    match text.is_empty() && own == Sign::Same {
                        true => (),
                        false => self.gutter(indent + STEP, own),
                    }
                    self.put(own.role(), text);
                    self.end_line();
                }
                Line::Hidden(n) => self.comment(indent + STEP, &format!("{} hidden", counted(*n, "unchanged line"))),
            }
        }
        self.pad(indent);
        self.text("EOT");
    }

    /// `before -> after`, on two lines where one is too narrow.
    fn turned(&mut self, before: &Delta, after: &Delta, indent: usize) {
        let start = self.column;
        self.value(before, indent);
        if let (Body::Text(b), Body::Text(a)) = (&before.body, &after.body)
            && start + quote::width(b) + 4 + quote::width(a) > self.style.width
        {
            self.end_line();
            // Under the `=`, so that both values begin in one column.
            self.pad(start.saturating_sub(3));
            self.put(Role::Changed, "-> ");
            return self.value(after, indent);
        }
        self.put(Role::Changed, " -> ");
        self.value(after, indent);
    }
}
