//! Live progress of apply, and of what is read while a plan is made.
//!
//! On a terminal, finished lines scroll above a short block that tells what is in flight, for how long, and what
//! is waited for. Elsewhere it is plain lines. What is read has no lines of its own: only the block, and elsewhere a line
//! now and then where it takes long. Everything goes through one buffer: an event costs a line of text,
//! and the terminal is written at most ten times a second.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthChar;

use super::in_flight::{Entry, InFlight, STILL};
use crate::model::Address;
use crate::render::progress_text::{self, Doing, elapsed_text};
use crate::render::quote::printable;
use crate::render::{Role, Style};

/// Redrawing more often than this flickers and costs more than it tells.
const REDRAW: Duration = Duration::from_millis(100);
/// Lines of the live block, the one that counts the rest among them.
const MAX_LIVE: usize = 8;
/// Bytes that are kept back at most before they are written.
const BUFFER: usize = 64 * 1024;

/// Shows what happens to each object. Events come with the time at which they happened, so that it needs no clock.
///
/// Call [`Progress::tick`] a few times a second while nothing else happens, and [`Progress::finish`] at the end.
pub struct Progress<W: Write> {
    out: W,
    style: Style,
    /// Whether there is a terminal to redraw a block on.
    live: bool,
    buffer: String,
    in_flight: InFlight,
    /// Lines of the block that stand on the terminal now.
    drawn: usize,
    last_draw: Option<Instant>,
    done: usize,
    /// How many there are in all, where it is known.
    total: Option<usize>,
    /// Whether objects are only read, which is worth a line where it takes long.
    reads: bool,
    last_still: Option<Instant>,
}

impl<W: Write> Progress<W> {
    /// `live` where `out` is a terminal that can move its cursor.
    pub fn new(out: W, style: Style, live: bool, total: Option<usize>) -> Self {
        Progress {
            out,
            style,
            live,
            buffer: String::new(),
            in_flight: InFlight::default(),
            drawn: 0,
            last_draw: None,
            done: 0,
            total,
            reads: false,
            last_still: None,
        }
    }

    /// The same for objects that are only read.
    pub fn reading(out: W, style: Style, live: bool) -> Self {
        Progress { reads: true, ..Progress::new(out, style, live, None) }
    }

    pub fn started(&mut self, address: &Address, doing: Doing, id: Option<&str>, now: Instant) -> io::Result<()> {
        self.in_flight.start(address, doing, now);
        // The live block tells it while it lasts; elsewhere a line must.
        if !self.live && !self.reads {
            self.line(address, Role::Plain, &progress_text::started(doing, id));
        }
        self.show(now)
    }

    /// What the object's operation waits for, such as `waiting for "available", now "pending"`.
    pub fn waiting(&mut self, address: &Address, text: &str, now: Instant) -> io::Result<()> {
        self.in_flight.waiting(address, text);
        self.show(now)
    }

    /// A provisioner begins, such as `local-exec`.
    pub fn provisioning(&mut self, address: &Address, provisioner: &str, now: Instant) -> io::Result<()> {
        self.line(address, Role::Plain, &progress_text::provisioning(provisioner));
        self.show(now)
    }

    /// A line that a provisioner printed.
    pub fn provisioned(&mut self, address: &Address, provisioner: &str, line: &str, now: Instant) -> io::Result<()> {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = writeln!(self.buffer, "{address} ({provisioner}): {}", printable(line));
        self.show(now)
    }

    pub fn done(&mut self, address: &Address, id: Option<&str>, now: Instant) -> io::Result<()> {
        if let Some((doing, elapsed)) = self.end(address, now).filter(|_| !self.reads) {
            self.line(address, Role::Plain, &progress_text::completed(doing, elapsed, id));
        }
        self.show(now)
    }

    /// Why it failed is a diagnostic, which is told at the end.
    pub fn failed(&mut self, address: &Address, now: Instant) -> io::Result<()> {
        if let Some((doing, elapsed)) = self.end(address, now).filter(|_| !self.reads) {
            self.line(address, Role::Error, &progress_text::errored(doing, elapsed));
        }
        self.show(now)
    }

    /// Time passes.
    pub fn tick(&mut self, now: Instant) -> io::Result<()> {
        match (self.live, self.reads) {
            (true, _) => (),
            (false, true) => self.tell_still_reading(now),
            (false, false) => self.tell_still(now),
        }
        self.show(now)
    }

    /// Takes the block away and writes what is left.
    pub fn finish(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.buffer);
        let erase = self.erase();
        self.out.write_all(erase.as_bytes())?;
        self.out.write_all(lines.as_bytes())?;
        self.out.flush()
    }

    fn end(&mut self, address: &Address, now: Instant) -> Option<(Doing, Duration)> {
        let ended = self.in_flight.end(address, now)?;
        self.done += 1;
        Some(ended)
    }

    fn line(&mut self, address: &Address, role: Role, text: &str) {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = writeln!(self.buffer, "{address}: {}", self.style.paint(role, text));
    }

    /// For pipes and logs: what has been in flight for another ten seconds.
    fn tell_still(&mut self, now: Instant) {
        for still in self.in_flight.due(now) {
            let text = progress_text::still(still.doing, still.elapsed, still.waiting.as_deref());
            self.line(&still.address, Role::Plain, &text);
        }
    }

    /// One line for all that is read: which has been waited for longest, and how far the rest is.
    fn tell_still_reading(&mut self, now: Instant) {
        let due = self.in_flight.due(now);
        let Some(first) = due.first() else { return };
        if self.last_still.is_some_and(|at| now.saturating_duration_since(at) < STILL) {
            return;
        }
        self.last_still = Some(now);
        let far = format!("{} read, {} in flight", self.done, self.in_flight.len());
        let waiting = first.waiting.as_ref().map_or_else(|| far.clone(), |what| format!("{what}; {far}"));
        let text = progress_text::still(first.doing, first.elapsed, Some(&waiting));
        self.line(&first.address, Role::Plain, &text);
    }

    /// Writes what is due: on a terminal the lines and the block in one piece, so that nothing flickers.
    fn show(&mut self, now: Instant) -> io::Result<()> {
        // What is read at once is not worth a block that comes and goes.
        if self.reads && self.last_draw.is_none() {
            self.last_draw = Some(now);
            return Ok(());
        }
        let due = self.last_draw.is_none_or(|at| now.saturating_duration_since(at) >= REDRAW);
        if !due && self.buffer.len() < BUFFER {
            return Ok(());
        }
        if !self.live && self.buffer.is_empty() {
            return Ok(());
        }
        self.last_draw = Some(now);
        let mut frame = self.erase();
        frame.push_str(&std::mem::take(&mut self.buffer));
        if self.live {
            let block = self.block(now);
            self.drawn = block.len();
            for line in block {
                frame.push_str(&line);
                frame.push('\n');
            }
        }
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }

    /// What takes the block away: up to its first line, then everything below.
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            n => format!("\u{1b}[{n}A\r\u{1b}[J"),
        }
    }

    /// The block: the longest in flight first, then how many more, and how far it is.
    fn block(&self, now: Instant) -> Vec<String> {
        if self.in_flight.is_empty() {
            return Vec::new();
        }
        let mut entries: Vec<(&Address, &Entry)> = self.in_flight.iter().collect();
        let shown = MAX_LIVE - 1;
        if entries.len() > shown {
            entries.select_nth_unstable_by_key(shown, |(_, e)| e.order);
            entries.truncate(shown);
        }
        entries.sort_unstable_by_key(|(_, e)| e.order);
        let mut lines: Vec<String> =
            entries.iter().map(|(address, entry)| self.block_line(address, entry, now)).collect();
        let total = self.total.map(|t| format!(" of {t}")).unwrap_or_default();
        let summary = format!("  {}{total} done, {} in flight", self.done, self.in_flight.len());
        lines.push(self.style.paint(Role::Faint, &fit(&summary, self.style.width)).to_string());
        lines
    }

    fn block_line(&self, address: &Address, entry: &Entry, now: Instant) -> String {
        let elapsed = elapsed_text(now.saturating_duration_since(entry.since));
        let waiting =
            entry.waiting.as_deref().map(|w| format!(", {}", printable(w).replace('\n', " "))).unwrap_or_default();
        let text = format!("  {address}: {} for {elapsed}{waiting}", entry.doing.present().to_lowercase());
        fit(&text, self.style.width)
    }
}

/// At most the columns of the terminal, since a line that wraps would be taken away only in part.
fn fit(text: &str, columns: usize) -> String {
    let mut width = 0;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        width += c.width().unwrap_or(0);
        if width >= columns {
            end = at;
            break;
        }
    }
    if end < text.len() { format!("{}…", &text[..end]) } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    /// What a terminal of any width shows after these bytes: cursor up, erase below, lines.
    fn screen(bytes: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut lines: Vec<String> = vec![String::new()];
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '\n' => lines.push(String::new()),
                '\r' => (),
                '\u{1b}' => {
                    let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                    if &rest[end..=end] == "A" {
                        let up: usize = rest[1..end].parse().unwrap();
                        lines.truncate(lines.len() - 1 - up);
                        lines.push(String::new());
                    }
                    rest = &rest[end + 1..];
                }
                c => lines.last_mut().unwrap().push(c),
            }
        }
        lines
    }

    #[test]
    fn plain_lines_have_the_established_texts() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, Style::plain(80), false, None);
        let (vpc, eip) = (address("aws_vpc.main"), address("aws_eip.x"));
        progress.started(&vpc, Doing::Create, None, at(0)).unwrap();
        progress.started(&eip, Doing::Delete, Some("eip-1"), at(1)).unwrap();
        progress.waiting(&vpc, "waiting for \"available\", now \"pending\"", at(2)).unwrap();
        for s in 3..=10 {
            progress.tick(at(s)).unwrap();
        }
        progress.done(&vpc, Some("vpc-123"), at(12)).unwrap();
        progress.failed(&eip, at(90)).unwrap();
        progress.finish().unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        aws_vpc.main: Creating...
        aws_eip.x: Destroying... [id=eip-1]
        aws_vpc.main: Still creating... [10s elapsed] (waiting for "available", now "pending")
        aws_vpc.main: Creation complete after 12s [id=vpc-123]
        aws_eip.x: Destruction errored after 1m29s
        "#);
    }

    #[test]
    fn finished_lines_scroll_above_a_block_that_fits() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, Style::plain(60), true, Some(12));
        for i in 0..12 {
            progress.started(&address(&format!("aws_eip.x[{i}]")), Doing::Create, None, at(i)).unwrap();
        }
        progress.waiting(&address("aws_eip.x[1]"), &format!("waiting for {}", "long ".repeat(20)), at(20)).unwrap();
        progress.done(&address("aws_eip.x[0]"), Some("e-0"), at(21)).unwrap();
        let before_end = progress.block(at(21));
        assert!(before_end.len() <= MAX_LIVE && before_end.iter().all(|l| l.chars().count() <= 60), "{before_end:?}");
        let shown = screen(progress.out);
        assert_eq!(shown[0], "aws_eip.x[0]: Creation complete after 21s [id=e-0]");
        assert!(shown[1].starts_with("  aws_eip.x[1]: creating for 20s, waiting for long"), "{shown:?}");
        assert_eq!(shown[8], "  1 of 12 done, 11 in flight");
        progress.finish().unwrap();
        assert_eq!(screen(&out).join("\n").trim_end(), "aws_eip.x[0]: Creation complete after 21s [id=e-0]");
    }

    #[test]
    fn what_is_read_is_told_where_it_takes_long() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let run = |live: bool| {
            let mut out = Vec::new();
            let mut progress = Progress::reading(&mut out, Style::plain(70), live);
            for i in 0..4 {
                progress.started(&address(&format!("aws_eip.x[{i}]")), Doing::Refresh, Some("e"), at(i)).unwrap();
            }
            progress.done(&address("aws_eip.x[0]"), Some("e"), at(5)).unwrap();
            for s in 6..=24 {
                progress.tick(at(s)).unwrap();
            }
            let block = progress.block(at(24));
            (1..4).for_each(|i| progress.failed(&address(&format!("aws_eip.x[{i}]")), at(25)).unwrap());
            progress.finish().unwrap();
            (screen(&out).join("\n"), block)
        };
        insta::assert_snapshot!(run(false).0, @r"
        aws_eip.x[1]: Still refreshing state... [10s elapsed] (1 read, 3 in flight)
        aws_eip.x[1]: Still refreshing state... [20s elapsed] (1 read, 3 in flight)
        ");
        let (left, block) = run(true);
        assert_eq!(left, "", "nothing stays on the terminal");
        assert_eq!((&*block[0], &*block[3]), ("  aws_eip.x[1]: refreshing state for 23s", "  1 done, 3 in flight"));
    }

    /// Ten thousand events within a second make at most ten frames, whatever else they do.
    #[test]
    fn many_events_cost_few_writes() {
        struct Counting(usize);
        impl Write for Counting {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let start = Instant::now();
        for live in [true, false] {
            let mut progress = Progress::new(Counting(0), Style::plain(80), live, None);
            for i in 0..5_000u64 {
                let now = start + Duration::from_micros(200 * i);
                let one = address(&format!("aws_eip.x[{i}]"));
                progress.started(&one, Doing::Create, None, now).unwrap();
                progress.done(&one, Some("e"), now).unwrap();
            }
            progress.finish().unwrap();
            assert!(progress.out.0 <= 30, "{} writes", progress.out.0);
        }
    }
}
