//! Diagnostics for people: the problem, the line of the source with the place marked, and the next step.
//!
//! ```text
//! Error: unknown argument "cidr_blok"
//!    ╷ network.tf:12:3
//! 12 │   cidr_blok = "10.0.0.0/16"
//!    │   ^^^^^^^^^ aws_vpc has no argument of this name
//!    ╵
//! help: did you mean "cidr_block"?
//! ```

use std::fmt::Write;

use super::quote::{self, char_width};
use super::style::{Role, Style};
use crate::model::{Diagnostic, Diagnostics, Severity, SourceFile, SourceMap, Span};

/// Columns that a tab is shown as.
const TAB: usize = 4;
/// Of a span of more lines only the first and the last are shown.
const MAX_LINES: usize = 4;

/// All diagnostics, warnings after errors, an empty line between them. Ends with a line break unless empty.
pub fn diagnostics_text(diagnostics: &Diagnostics, sources: &SourceMap, style: Style) -> String {
    let of = |severity| diagnostics.iter().filter(move |d| d.severity == severity);
    let all = of(Severity::Error).chain(of(Severity::Warning));
    all.map(|d| diagnostic_text(d, sources, style)).collect::<Vec<_>>().join("\n")
}

/// Warnings in one line each, equal ones counted. Beside errors they are told in full, because they may be why.
pub fn compact_text(diagnostics: &Diagnostics, sources: &SourceMap, style: Style) -> String {
    if diagnostics.is_empty() || diagnostics.has_errors() {
        return diagnostics_text(diagnostics, sources, style);
    }
    let mut groups: Vec<(&Diagnostic, usize)> = Vec::new();
    for diagnostic in diagnostics.iter() {
        match groups.iter_mut().find(|(first, _)| first.summary == diagnostic.summary) {
            Some((_, more)) => *more += 1,
            None => groups.push((diagnostic, 0)),
        }
    }
    let mut text = format!("{}\n", style.paint(Role::Warning, "Warnings:"));
    for (first, more) in groups {
        let place = first.span.and_then(|s| sources.place(s)).map(|p| format!(" ({p})")).unwrap_or_default();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        for (i, line) in quote::wrap(&first.summary, style.width.saturating_sub(2)).iter().enumerate() {
            let _ = write!(text, "{}{}{line}", if i == 0 { "" } else { "\n" }, if i == 0 { "- " } else { "  " });
        }
        let _ = writeln!(text, "{place}{more}");
    }
    text + "help: run without -compact-warnings to see them in full\n"
}

/// One diagnostic. Ends with a line break.
pub fn diagnostic_text(diagnostic: &Diagnostic, sources: &SourceMap, style: Style) -> String {
    let mut text =
        Text { out: String::new(), style, gutter: gutter(diagnostic, sources), severity: diagnostic.severity };
    text.heading(diagnostic);
    if let Some(file) = diagnostic.span.and_then(|s| sources.get(s.source)).zip(diagnostic.span) {
        text.source(file.0, file.1, diagnostic.label.as_deref().unwrap_or(""));
    } else if let Some(label) = &diagnostic.label {
        text.paragraph("  ", label);
    }
    for (span, note) in &diagnostic.related {
        match sources.get(span.source) {
            Some(file) => text.source(file, *span, note),
            None => text.paragraph("  ", note),
        }
    }
    if let Some(address) = &diagnostic.address {
        let path = diagnostic.path.as_ref().filter(|p| !p.0.is_empty()).map(|p| format!(", {p}")).unwrap_or_default();
        text.paragraph("  ", &format!("in {address}{path}"));
    }
    if let Some(detail) = diagnostic.detail.as_ref().filter(|d| !d.trim().is_empty()) {
        text.out.push('\n');
        text.paragraph("  ", detail);
    }
    for help in &diagnostic.help {
        text.help(help);
    }
    text.out
}

/// Columns of the line numbers, so that all places of one diagnostic align.
fn gutter(diagnostic: &Diagnostic, sources: &SourceMap) -> usize {
    let spans = diagnostic.span.iter().chain(diagnostic.related.iter().map(|(s, _)| s));
    let last = |s: &Span| Some(last_line(sources.get(s.source)?, *s));
    spans.filter_map(last).max().unwrap_or(1).to_string().len()
}

/// The line of the last character of the span, so that a line break at its end does not count.
fn last_line(file: &SourceFile, span: Span) -> usize {
    file.position(span.end.saturating_sub(1).max(span.start)).line
}

struct Text {
    out: String,
    style: Style,
    gutter: usize,
    severity: Severity,
}

impl Text {
    fn put(&mut self, role: Role, text: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{}", self.style.paint(role, text));
    }

    fn role(&self) -> Role {
        match self.severity {
            Severity::Error => Role::Error,
            Severity::Warning => Role::Warning,
        }
    }

    fn heading(&mut self, diagnostic: &Diagnostic) {
        let word = match diagnostic.severity {
            Severity::Error => "Error:",
            Severity::Warning => "Warning:",
        };
        let lines = quote::wrap(&diagnostic.summary, self.style.width.saturating_sub(word.len() + 1));
        for (i, line) in lines.iter().enumerate() {
            match i {
                0 => self.put(self.role(), word),
                _ => self.out.extend(std::iter::repeat_n(' ', word.len())),
            }
            self.out.push(' ');
            self.put(Role::Strong, line);
            self.out.push('\n');
        }
        if lines.is_empty() {
            self.put(self.role(), word);
            self.out.push('\n');
        }
    }

    fn paragraph(&mut self, indent: &str, text: &str) {
        for line in quote::wrap(text, self.style.width.saturating_sub(indent.len())) {
            if !line.is_empty() {
                self.out.push_str(indent);
                self.out.push_str(&line);
            }
            self.out.push('\n');
        }
    }

    fn help(&mut self, help: &str) {
        for (i, line) in quote::wrap(help, self.style.width.saturating_sub(6)).iter().enumerate() {
            self.put(Role::Read, if i == 0 { "help:" } else { "     " });
            self.out.push(' ');
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    /// The beginning of a line in the frame: the line's number or nothing, and the rule.
    fn frame(&mut self, number: Option<usize>, rule: &str) {
        let number = number.map(|n| n.to_string()).unwrap_or_default();
        self.put(Role::Faint, &format!("{number:>width$} {rule}", width = self.gutter));
    }

    fn source(&mut self, file: &SourceFile, span: Span, label: &str) {
        let start = file.position(span.start);
        self.frame(None, "╷");
        let _ = writeln!(self.out, " {}:{}:{}", quote::printable(&file.name), start.line, start.column);
        let last = last_line(file, span);
        let count = last + 1 - start.line.min(last);
        for line in start.line..=last {
            let inner = line != start.line && line != last;
            if inner && count > MAX_LINES {
                if line == start.line + 1 {
                    self.frame(None, "┆");
                    self.out.push('\n');
                }
                continue;
            }
            self.source_line(file, span, line, if line == last { label } else { "" }, inner);
        }
        self.frame(None, "╵");
        self.out.push('\n');
    }

    /// One line of the source and, below it, the marks of what the span has of it.
    fn source_line(&mut self, file: &SourceFile, span: Span, line: usize, label: &str, inner: bool) {
        let text = file.line(line);
        let offset = text.as_ptr() as usize - file.text.as_ptr() as usize;
        let within = |at: u32| (at as usize).saturating_sub(offset).min(text.len());
        let indent = text.len() - text.trim_start().len();
        let cells = Cells::of(text);
        let mark = (cells.column(within(span.start).max(indent)), cells.column(within(span.end)));
        let mark = (mark.0, mark.1.max(mark.0 + 1));
        let (shown, mark) = cells.window(mark, self.style.width.saturating_sub(self.gutter + 3));
        self.frame(Some(line), "│");
        let _ = writeln!(self.out, "{}{}", if shown.is_empty() { "" } else { " " }, shown.trim_end());
        if inner {
            return;
        }
        self.frame(None, "│");
        self.out.extend(std::iter::repeat_n(' ', mark.0 + 1));
        self.put(self.role(), &"^".repeat(mark.1 - mark.0));
        let label = quote::printable(label).replace('\n', " ");
        if self.gutter + 4 + mark.1 + quote::width(&label) <= self.style.width {
            let _ = writeln!(self.out, "{}{label}", if label.is_empty() { "" } else { " " });
            return;
        }
        self.out.push('\n');
        for line in quote::wrap(&label, self.style.width.saturating_sub(self.gutter + 3)) {
            self.frame(None, "│");
            let _ = writeln!(self.out, " {line}");
        }
    }
}

/// A line as terminal cells: tabs expanded, what cannot be shown replaced, and where each byte stands.
struct Cells {
    /// Each character as it is shown, the byte it begins at, and its columns.
    cells: Vec<(char, usize, usize)>,
    columns: usize,
}

impl Cells {
    fn of(line: &str) -> Cells {
        let mut cells = Vec::with_capacity(line.len());
        for (at, c) in line.char_indices() {
            match c {
                '\t' => cells.extend(std::iter::repeat_n((' ', at, 1), TAB)),
                c if quote::printable(c.encode_utf8(&mut [0; 4])).chars().count() != 1 => {
                    cells.push(('\u{fffd}', at, 1))
                }
                c => cells.push((c, at, char_width(c))),
            }
        }
        Cells { columns: cells.iter().map(|c| c.2).sum(), cells }
    }

    /// The column where the byte is shown.
    fn column(&self, byte: usize) -> usize {
        self.cells.iter().take_while(|c| c.1 < byte).map(|c| c.2).sum()
    }

    /// The part of the line that fits in the room and has the mark in it, and where the mark is in that part.
    fn window(&self, mark: (usize, usize), room: usize) -> (String, (usize, usize)) {
        if self.columns <= room {
            return (self.cells.iter().map(|c| c.0).collect(), mark);
        }
        let room = room.saturating_sub(2).max(1);
        // As much before the mark as leaves the mark whole; a third where even the mark is too long.
        let length = mark.1 - mark.0;
        let before = if length < room { (room - length) / 2 } else { room / 3 };
        let from = mark.0.saturating_sub(before).min(self.columns.saturating_sub(room));
        let (mut shown, mut column, mut start) = (String::new(), 0, None);
        for (c, _, width) in &self.cells {
            if column >= from && column + width <= from + room {
                start.get_or_insert(column);
                shown.push(*c);
            }
            column += width;
        }
        let start = start.unwrap_or(from);
        let cut_left = start > 0;
        let cut_right = from + room < self.columns;
        let text = format!("{}{shown}{}", if cut_left { "…" } else { "" }, if cut_right { "…" } else { "" });
        let place = |column: usize| column.saturating_sub(start).min(room) + usize::from(cut_left);
        let first = place(mark.0);
        (text, (first, place(mark.1).max(first + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Path};

    fn shown(source: &str, part: &str, with: impl FnOnce(Diagnostic, &SourceMap, Span) -> Diagnostic) -> String {
        let mut sources = SourceMap::default();
        let id = sources.add("network.tf", source);
        let start = source.find(part).unwrap();
        let span = Span::new(id, start, start + part.len());
        let d = with(Diagnostic::error("unknown argument \"cidr_blok\"").at(span), &sources, span);
        diagnostic_text(&d, &sources, Style::plain(60))
    }

    #[test]
    fn a_mistake_is_shown_in_its_line_with_the_next_step() {
        let source = "\n".repeat(11) + "  cidr_blok = \"10.0.0.0/16\"\n";
        let text = shown(&source, "cidr_blok", |d, _, _| {
            d.label("aws_vpc has no argument of this name").help("did you mean \"cidr_block\"?")
        });
        insta::assert_snapshot!(text, @r#"
        Error: unknown argument "cidr_blok"
           ╷ network.tf:12:3
        12 │   cidr_blok = "10.0.0.0/16"
           │   ^^^^^^^^^ aws_vpc has no argument of this name
           ╵
        help: did you mean "cidr_block"?
        "#);
    }

    #[test]
    fn wide_characters_and_tabs_keep_the_marks_in_place() {
        let text = shown("\tname = \"日本\" + oops\n", "oops", |d, _, _| d.label("here"));
        insta::assert_snapshot!(text, @r#"
        Error: unknown argument "cidr_blok"
          ╷ network.tf:1:16
        1 │     name = "日本" + oops
          │                     ^^^^ here
          ╵
        "#);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let source = format!("x = \"{}\" + oops + \"{}\"\n", "a".repeat(100), "b".repeat(100));
        let text = shown(&source, "oops", |d, _, _| {
            d.label("a label that is so long that it cannot stand beside the mark and folds")
        });
        insta::assert_snapshot!(text, @r#"
        Error: unknown argument "cidr_blok"
          ╷ network.tf:1:110
        1 │ …aaaaaaaaaaaaaaaaaaaaa" + oops + "bbbbbbbbbbbbbbbbbbbbb…
          │                           ^^^^
          │ a label that is so long that it cannot stand beside the
          │ mark and folds
          ╵
        "#);
    }

    #[test]
    fn spans_of_several_lines_show_their_ends_and_related_places_align() {
        let source = "first\nblock {\n  a = 1\n  b = 2\n  c = 3\n}\n\n\n\nlast\n";
        let text = shown(source, &source[6..source.find("}\n").unwrap() + 1], |d, _, span| {
            d.label("all of it")
                .related(Span::new(span.source, source.len() - 5, source.len() - 1), "first defined here")
                .address(Address::parse("aws_vpc.main[\"a\"]").unwrap())
                .path(Path::attr("tags"))
                .detail(
                    "The service said a lot, and what it said is longer than the page is wide.\n\n  code stays\nend",
                )
                .help("remove one of them")
        });
        insta::assert_snapshot!(text, @r#"
        Error: unknown argument "cidr_blok"
           ╷ network.tf:2:1
         2 │ block {
           │ ^^^^^^^
           ┆
         6 │ }
           │ ^ all of it
           ╵
           ╷ network.tf:10:1
        10 │ last
           │ ^^^^ first defined here
           ╵
          in aws_vpc.main["a"], tags

          The service said a lot, and what it said is longer than
          the page is wide.

            code stays
          end
        help: remove one of them
        "#);
    }

    #[test]
    fn no_place_past_the_end_or_in_an_unknown_file_breaks_it() {
        let mut sources = SourceMap::default();
        let id = sources.add("a.tf", "ä");
        for span in [Span::new(id, 1, 2), Span::new(id, 50, 60), Span::new(crate::model::SourceId(9), 0, 1)] {
            let text = diagnostic_text(&Diagnostic::warning("odd \u{1b}[2J").at(span), &sources, Style::plain(60));
            assert!(text.starts_with("Warning: odd \\u001b[2J\n"), "{text}");
        }
    }
}
