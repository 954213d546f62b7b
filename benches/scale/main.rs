//! Times the command on large stacks, beside Terraform if that is on the PATH, and holds it to its targets: `make bench`.
//!
//! Each row is one whole process: wall time, CPU time, greatest resident memory. What to run is set by
//! - `BENCH_SHAPES`: of flat, each, dag, layers, modules (default `flat,layers,modules`),
//! - `BENCH_SIZES`: numbers of instances (default `1000,10000,100000`),
//! - `BENCH_TERRAFORM_PLANS`: Terraform plans up to so many instances (default 10000: minutes; beyond, hours),
//! - `BENCH_TERRAFORM_APPLIES`: Terraform applies and destroys up to so many (default 1000). Above, its no-op plan reads the
//!   state that Terrane has made.
//!
//! With `--write` the table goes into `docs/performance.md` too.

mod measure;
mod stacks;
mod table;
mod targets;

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use measure::Usage;
use stacks::Shape;
use table::{Row, Startup, Table};

const TERRANE: &str = env!("CARGO_BIN_EXE_terrane");

/// What happens to a stack, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Plan,
    Apply,
    NoOp,
    Destroy,
}

impl Phase {
    const ALL: [Phase; 4] = [Phase::Plan, Phase::Apply, Phase::NoOp, Phase::Destroy];

    pub fn name(self) -> &'static str {
        match self {
            Phase::Plan => "plan",
            Phase::Apply => "apply",
            Phase::NoOp => "no-op plan",
            Phase::Destroy => "destroy",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Phase::Plan => &["plan", "-input=false", "-no-color"],
            Phase::Apply => &["apply", "-auto-approve", "-input=false", "-no-color"],
            // Fails where anything would change.
            Phase::NoOp => &["plan", "-detailed-exitcode", "-input=false", "-no-color"],
            Phase::Destroy => &["destroy", "-auto-approve", "-input=false", "-no-color"],
        }
    }

    fn writes(self) -> bool {
        matches!(self, Phase::Apply | Phase::Destroy)
    }
}

/// Small stacks take so little that one run says little: each number is the median of so many.
const SMALL: usize = 1000;
const LIVES: usize = 5;

/// Up to which sizes Terraform runs.
struct Terraform {
    plans: usize,
    applies: usize,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    let result = match arguments.peek() {
        Some(first) if first == measure::MEASURE => {
            measure::measure(arguments.skip(1)).map_err(|error| error.to_string())
        }
        _ => compare(arguments.any(|argument| argument == "--write")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(write: bool) -> Result<(), String> {
    let shapes = setting("BENCH_SHAPES", "flat,layers,modules", |name| {
        Shape::ALL
            .into_iter()
            .find(|shape| shape.name() == name)
            .ok_or_else(|| format!("no shape is called \"{name}\""))
    })?;
    let number = |text: &str| text.parse::<usize>().map_err(|error| format!("\"{text}\": {error}"));
    let sizes = setting("BENCH_SIZES", "1000,10000,100000", number)?;
    let most = |name: &str, default: &str| -> Result<usize, String> {
        Ok(setting(name, default, number)?.into_iter().max().unwrap_or_default())
    };
    let terraform =
        Terraform { plans: most("BENCH_TERRAFORM_PLANS", "10000")?, applies: most("BENCH_TERRAFORM_APPLIES", "1000")? };
    let terraform = terraform_version().map(|_| terraform);
    let mut table = Table::new(startup()?, terraform_version());
    println!("{}", table.head());
    for &shape in &shapes {
        for &size in &sizes {
            for row in stack(shape, size, terraform.as_ref())? {
                println!("{}", row.line());
                table.rows.push(row);
            }
        }
    }
    let judged = targets::judge(&table);
    println!("\n{}", targets::text(&judged));
    if write {
        table::write_into(Path::new("docs/performance.md"), &table, &judged)?;
    }
    let missed = judged.iter().filter(|target| target.met == Some(false)).count();
    match (table.failures(), missed) {
        (Some(failures), _) => Err(failures),
        (None, 0) => Ok(()),
        (None, missed) => Err(format!("{missed} targets are missed")),
    }
}

/// Reads a comma-separated setting from the environment.
fn setting<T>(name: &str, default: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|part| read(part.trim()).map_err(|error| format!("{name}: {error}"))).collect()
}

/// As Terraform says it, where it is on the PATH.
fn terraform_version() -> Option<String> {
    let output = Command::new("terraform").arg("version").stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
}

/// What it takes to start at all: the mean of some runs of `version`.
fn startup() -> Result<Startup, String> {
    const RUNS: u32 = 20;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut startup = Startup { cpu: Duration::ZERO, wall: Duration::ZERO, memory: 0 };
    for _ in 0..RUNS {
        let usage = measure::run(folder.path(), TERRANE, &["version"])?;
        startup.cpu += usage.cpu / RUNS;
        startup.wall += usage.wall / RUNS;
        startup.memory = startup.memory.max(usage.memory);
    }
    Ok(startup)
}

/// The rows of one stack: several lives of a small one, one of a large one, and the first beside Terraform.
fn stack(shape: Shape, size: usize, terraform: Option<&Terraform>) -> Result<Vec<Row>, String> {
    let mut rows = life(shape, size, terraform)?;
    let more = if size <= SMALL { LIVES - 1 } else { 0 };
    let lives = (0..more).map(|_| life(shape, size, None)).collect::<Result<Vec<_>, _>>()?;
    for (i, row) in rows.iter_mut().enumerate() {
        let others = lives.iter().filter_map(|life| life.get(i)?.ours.as_ref().ok());
        if let Ok(usage) = &mut row.ours {
            *usage = Usage::median(others.copied().chain([*usage]).collect());
        }
    }
    Ok(rows)
}

/// Takes one stack through its phases, with both tools in turn.
fn life(shape: Shape, size: usize, terraform: Option<&Terraform>) -> Result<Vec<Row>, String> {
    let root = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (ours, theirs) = (root.path().join("terrane"), root.path().join("terraform"));
    shape.write(size, &ours).map_err(|error| error.to_string())?;
    let terraform = terraform.filter(|terraform| size <= terraform.plans);
    if terraform.is_some() {
        shape.write(size, &theirs).map_err(|error| error.to_string())?;
        measure::run(&theirs, "terraform", &["init", "-input=false", "-no-color"])?;
    }
    let mut rows = Vec::new();
    let mut terraform_stands = terraform.is_some();
    for phase in Phase::ALL {
        let mut measured = measure::run(&ours, TERRANE, phase.arguments());
        if phase == Phase::Apply && measured.is_ok() {
            let stored = lines(&ours, &["state", "list"])?;
            if stored != size {
                measured = Err(format!("{stored} of {size} objects are in the state"));
            }
        }
        let skipped = phase.writes() && terraform.is_none_or(|terraform| size > terraform.applies);
        if phase == Phase::Apply && skipped && terraform_stands && measured.is_ok() {
            hand_over(&ours, &theirs)?;
        }
        let beside = (terraform_stands && !skipped).then(|| measure::run(&theirs, "terraform", phase.arguments()));
        terraform_stands = terraform_stands && !matches!(beside, Some(Err(_)));
        let failed = measured.is_err();
        rows.push(Row { shape, size, phase, ours: measured, terraform: beside });
        // A later phase says nothing after a failed one.
        if failed {
            break;
        }
    }
    Ok(rows)
}

/// How many lines a command of ours prints.
fn lines(folder: &Path, arguments: &[&str]) -> Result<usize, String> {
    let output = Command::new(TERRANE).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| error.to_string())?;
    Ok(output.stdout.iter().filter(|byte| **byte == b'\n').count())
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
