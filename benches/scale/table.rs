//! The table of what was measured, as Markdown.

use std::path::Path;
use std::time::Duration;

use super::Phase;
use super::measure::Usage;
use super::stacks::Shape;
use super::targets::{self, Judged};

/// What one tool took for one phase; the error is what it said.
pub type Measured = Result<Usage, String>;

pub struct Row {
    pub shape: Shape,
    pub size: usize,
    pub phase: Phase,
    pub ours: Measured,
    pub terraform: Option<Measured>,
}

/// What `terrane version` takes.
pub struct Startup {
    pub cpu: Duration,
    pub wall: Duration,
    pub memory: u64,
}

pub struct Table {
    pub startup: Startup,
    /// What Terraform calls itself, where it ran beside.
    terraform: Option<String>,
    pub rows: Vec<Row>,
}

const COLUMNS: [&str; 11] =
    ["shape", "instances", "phase", "wall s", "CPU s", "RSS MB", "tf wall", "tf CPU", "tf RSS", "faster", "smaller"];
const WIDTHS: [usize; 11] = [8, 9, 10, 8, 8, 8, 8, 8, 8, 7, 7];

impl Row {
    /// How many times the wall time, and how many times the memory, Terraform took.
    pub fn ratios(&self) -> Option<(f64, f64)> {
        let (Ok(ours), Some(Ok(theirs))) = (&self.ours, &self.terraform) else { return None };
        Some((theirs.wall.as_secs_f64() / ours.wall.as_secs_f64(), theirs.memory as f64 / ours.memory as f64))
    }

    pub fn line(&self) -> String {
        let terraform = self.terraform.as_ref().and_then(|measured| measured.as_ref().ok());
        let (faster, smaller) = self.ratios().unzip();
        let times = |ratio: Option<f64>, digits| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.digits$}x"));
        let mut cells = vec![self.shape.name().to_owned(), self.size.to_string(), self.phase.name().to_owned()];
        cells.extend(numbers(self.ours.as_ref().ok()));
        cells.extend(numbers(terraform));
        cells.extend([times(faster, 0), times(smaller, 1)]);
        aligned(&cells)
    }
}

impl Table {
    pub fn new(startup: Startup, terraform: Option<String>) -> Table {
        Table { startup, terraform, rows: Vec::new() }
    }

    /// What stands above the rows.
    pub fn head(&self) -> String {
        let Startup { cpu, wall, memory } = self.startup;
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let beside = self.terraform.as_deref().map(|name| format!(" Beside: {name}.")).unwrap_or_default();
        let rule: Vec<String> = WIDTHS.iter().enumerate().map(|(i, width)| ruled(i, *width)).collect();
        format!(
            "`terrane version`: {:.1} ms CPU, {:.1} ms wall, {:.1} MB.{beside}\n\n{}\n|{}|",
            ms(cpu),
            ms(wall),
            megabytes(memory),
            aligned(&COLUMNS.map(str::to_owned)),
            rule.join("|")
        )
    }

    /// What did not run to its end, and what it said.
    pub fn failures(&self) -> Option<String> {
        let mut failed = Vec::new();
        for row in &self.rows {
            let tools = [("terrane", Some(&row.ours)), ("terraform", row.terraform.as_ref())];
            for (tool, measured) in tools {
                if let Some(Err(said)) = measured {
                    let (phase, shape, size) = (row.phase.name(), row.shape.name(), row.size);
                    failed.push(format!("{tool} {phase} on {shape} {size}:\n{said}"));
                }
            }
        }
        (!failed.is_empty()).then(|| failed.join("\n\n"))
    }
}

fn numbers(usage: Option<&Usage>) -> [String; 3] {
    match usage {
        Some(usage) => [
            format!("{:.3}", usage.wall.as_secs_f64()),
            format!("{:.3}", usage.cpu.as_secs_f64()),
            format!("{:.1}", megabytes(usage.memory)),
        ],
        None => [(); 3].map(|()| "-".to_owned()),
    }
}

/// The shape and the phase stand to the left, numbers to the right.
fn is_text(column: usize) -> bool {
    column == 0 || column == 2
}

fn ruled(column: usize, width: usize) -> String {
    if is_text(column) { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
}

fn aligned(cells: &[String]) -> String {
    let cell = |(i, (text, width)): (usize, (&String, usize))| match is_text(i) {
        true => format!(" {text:<width$} "),
        false => format!(" {text:>width$} "),
    };
    format!("|{}|", cells.iter().zip(WIDTHS).enumerate().map(cell).collect::<Vec<_>>().join("|"))
}

const BEGIN: &str = "<!-- measured: make bench WRITE=1 -->\n";
const END: &str = "<!-- end of what is measured -->\n";

/// Puts the table in the place of the last one.
pub fn write_into(path: &Path, table: &Table, judged: &[Judged]) -> Result<(), String> {
    let page = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let place = page.split_once(BEGIN).and_then(|(above, rest)| Some((above, rest.split_once(END)?.1)));
    let (above, below) = place.ok_or_else(|| format!("{} has no place for the table", path.display()))?;
    let rows: Vec<String> = table.rows.iter().map(Row::line).collect();
    let (head, rows, targets) = (table.head(), rows.join("\n"), targets::text(judged));
    let page = format!("{above}{BEGIN}\n{head}\n{rows}\n\n{targets}\n{END}{below}");
    std::fs::write(path, page).map_err(|error| format!("{}: {error}", path.display()))
}

pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
