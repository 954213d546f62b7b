//! Times the command on large stacks, beside Terraform if that is on the PATH: `make bench`.
//!
//! Each row is one whole process: wall time, CPU time, greatest resident memory. What to run is set by
//! - `BENCH_SHAPES`: of flat, each, dag, layers, modules (default `flat,layers,modules`),
//! - `BENCH_SIZES`: numbers of instances (default `1000,10000,100000`),
//! - `BENCH_TERRAFORM_MAX`: Terraform runs up to this size (default 1000; it takes minutes beyond). Above 1,000 it does not
//!   apply, which takes hours: its no-op plan reads the state that Terrane has made.

mod measure;
mod stacks;

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use measure::Usage;
use stacks::Shape;

const TERRANE: &str = env!("CARGO_BIN_EXE_terrane");

/// The phases of a stack's life, in order: name and arguments.
const PHASES: &[(&str, &[&str])] = &[
    ("validate", &["validate", "-no-color"]),
    ("plan", &["plan", "-input=false", "-no-color"]),
    ("apply", &["apply", "-auto-approve", "-input=false", "-no-color"]),
    ("no-op plan", &["plan", "-input=false", "-no-color"]),
];

/// Terraform applies up to so many instances.
const TERRAFORM_APPLIES: usize = 1000;

/// What one tool took for one phase; the error is what it said.
type Measured = Result<Usage, String>;

struct Row {
    shape: Shape,
    size: usize,
    phase: &'static str,
    ours: Measured,
    terraform: Option<Measured>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next() {
        Some(first) if first == measure::MEASURE => measure::measure(arguments).map_err(|error| error.to_string()),
        _ => compare(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), String> {
    let shapes = setting("BENCH_SHAPES", "flat,layers,modules", |name| {
        Shape::ALL
            .into_iter()
            .find(|shape| shape.name() == name)
            .ok_or_else(|| format!("no shape is called \"{name}\""))
    })?;
    let number = |text: &str| text.parse::<usize>().map_err(|error| format!("\"{text}\": {error}"));
    let sizes = setting("BENCH_SIZES", "1000,10000,100000", number)?;
    let terraform_max = setting("BENCH_TERRAFORM_MAX", "1000", number)?.into_iter().max().unwrap_or_default();
    let terraform_max = if terraform_is_there() { terraform_max } else { 0 };

    startup()?;
    println!(
        "\n| {:<8}| {:>9} | {:<11}| {:>8} | {:>8} | {:>8} | {:>8} | {:>8} | {:>8} | {:>7} | {:>7} |",
        "shape", "instances", "phase", "wall s", "CPU s", "RSS MB", "tf wall", "tf CPU", "tf RSS", "faster", "smaller"
    );
    println!("|{0}|{1}|{0}--|{2}|{2}|{2}|{2}|{2}|{2}|{0}|{0}|", "-".repeat(9), "-".repeat(11), "-".repeat(10));
    let mut rows = Vec::new();
    for &shape in &shapes {
        for &size in &sizes {
            for row in life(shape, size, size <= terraform_max)? {
                print_row(&row);
                rows.push(row);
            }
        }
    }
    growth(&rows);
    failures(&rows)
}

/// Reads a comma-separated setting from the environment.
fn setting<T>(name: &str, default: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|part| read(part.trim()).map_err(|error| format!("{name}: {error}"))).collect()
}

fn terraform_is_there() -> bool {
    Command::new("terraform").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// What it takes to start at all: the mean of some runs of `version`.
fn startup() -> Result<(), String> {
    const RUNS: u32 = 20;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut total = Duration::ZERO;
    let mut wall = Duration::ZERO;
    let mut memory = 0;
    for _ in 0..RUNS {
        let usage = measure::run(folder.path(), TERRANE, &["version"])?;
        total += usage.cpu;
        wall += usage.wall;
        memory = memory.max(usage.memory);
    }
    println!(
        "terrane version: {:.1} ms CPU, {:.1} ms wall (mean of {RUNS}), {:.1} MB",
        total.as_secs_f64() * 1000.0 / f64::from(RUNS),
        wall.as_secs_f64() * 1000.0 / f64::from(RUNS),
        megabytes(memory)
    );
    Ok(())
}

/// Takes one stack through its phases, with both tools in turn.
fn life(shape: Shape, size: usize, with_terraform: bool) -> Result<Vec<Row>, String> {
    let root = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (ours, theirs) = (root.path().join("terrane"), root.path().join("terraform"));
    shape.write(size, &ours).map_err(|error| error.to_string())?;
    if with_terraform {
        shape.write(size, &theirs).map_err(|error| error.to_string())?;
        measure::run(&theirs, "terraform", &["init", "-input=false", "-no-color"])?;
    }
    let mut rows = Vec::new();
    let mut terraform_stands = with_terraform;
    for (phase, arguments) in PHASES {
        let measured = measure::run(&ours, TERRANE, arguments);
        let skipped = *phase == "apply" && size > TERRAFORM_APPLIES;
        if skipped && terraform_stands && measured.is_ok() {
            hand_over(&ours, &theirs)?;
        }
        let terraform = (terraform_stands && !skipped).then(|| measure::run(&theirs, "terraform", arguments));
        terraform_stands = terraform_stands && !matches!(terraform, Some(Err(_)));
        let failed = measured.is_err();
        rows.push(Row { shape, size, phase, ours: measured, terraform });
        // A later phase says nothing after a failed one.
        if failed {
            break;
        }
    }
    Ok(rows)
}

/// Gives Terraform the state that Terrane has made of the same stack.
fn hand_over(ours: &Path, theirs: &Path) -> Result<(), String> {
    let file = File::create(theirs.join("terraform.tfstate")).map_err(|error| error.to_string())?;
    let pulled = Command::new(TERRANE).args(["state", "pull"]).current_dir(ours).stdout(file).status();
    match pulled {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("terrane state pull: {status}")),
        Err(error) => Err(error.to_string()),
    }
}

fn print_row(row: &Row) {
    let three = |measured: Option<&Usage>| match measured {
        Some(usage) => [
            format!("{:.3}", usage.wall.as_secs_f64()),
            format!("{:.3}", usage.cpu.as_secs_f64()),
            format!("{:.1}", megabytes(usage.memory)),
        ],
        None => [(); 3].map(|()| "-".to_owned()),
    };
    let ours = row.ours.as_ref().ok();
    let terraform = row.terraform.as_ref().and_then(|measured| measured.as_ref().ok());
    let [wall, cpu, memory] = three(ours);
    let [their_wall, their_cpu, their_memory] = three(terraform);
    let (faster, smaller) = match (ours, terraform) {
        (Some(ours), Some(theirs)) => (
            format!("{:.0}x", theirs.wall.as_secs_f64() / ours.wall.as_secs_f64()),
            format!("{:.1}x", theirs.memory as f64 / ours.memory as f64),
        ),
        _ => ("-".to_owned(), "-".to_owned()),
    };
    println!(
        "| {:<8}| {:>9} | {:<11}| {wall:>8} | {cpu:>8} | {memory:>8} | {their_wall:>8} | {their_cpu:>8} | {their_memory:>8} \
         | {faster:>7} | {smaller:>7} |",
        row.shape.name(),
        row.size,
        row.phase
    );
}

/// Whether cost grows with the number of instances alone: cost per instance at the largest size over the smallest.
fn growth(rows: &[Row]) {
    let sizes = rows.iter().map(|row| row.size);
    let (Some(smallest), Some(largest)) = (sizes.clone().min(), sizes.max()) else { return };
    if smallest == largest {
        return;
    }
    println!("\nCost per instance at {largest} over cost per instance at {smallest} (1.0 is linear):");
    for small in rows.iter().filter(|row| row.size == smallest) {
        let large = rows.iter().find(|row| row.size == largest && row.shape == small.shape && row.phase == small.phase);
        let (Ok(few), Some(Ok(many))) = (&small.ours, large.map(|row| &row.ours)) else { continue };
        let factor = largest as f64 / smallest as f64;
        println!(
            "  {:<8} {:<11} time {:.2}  memory {:.2}",
            small.shape.name(),
            small.phase,
            many.cpu.as_secs_f64() / few.cpu.as_secs_f64() / factor,
            many.memory as f64 / few.memory as f64 / factor
        );
    }
}

fn failures(rows: &[Row]) -> Result<(), String> {
    let mut failed = Vec::new();
    for row in rows {
        let tools = [("terrane", Some(&row.ours)), ("terraform", row.terraform.as_ref())];
        for (tool, measured) in tools {
            if let Some(Err(said)) = measured {
                failed.push(format!("{tool} {} on {} {}:\n{said}", row.phase, row.shape.name(), row.size));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n\n")) }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
