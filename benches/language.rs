//! How long a large file takes from its text to a graph that can be planned, beside the bare parser, and how long the
//! expressions of the conformance data take: `make bench`.
//!
//! The parser alone (`hcl-edit`) gives syntax; loading resolves names, compiles expressions, checks them against the
//! schemas and finds the edges. Each time is the least of some runs. Loading, parsing included, must stay within three
//! times the bare parser. The recorded expressions are compiled and evaluated one by one, all within a second.

#[path = "../tests/it/support/expressions.rs"]
mod expressions;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use terrane::graph;
use terrane::model::Str;
use terrane::ops::providers::Providers;
use terrane::spec;

const RUNS: usize = 5;
const BLOCKS: usize = 5_000;
const LIMIT: f64 = 3.0;
const EXPRESSIONS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let mut passed = true;
    for (part, limit) in [
        (compare(), format!("loading takes more than {LIMIT} times the bare parser")),
        (evaluate(), format!("the expressions take longer than {EXPRESSIONS:?}")),
    ] {
        let problem = match part {
            Ok(true) => continue,
            Ok(false) => limit,
            Err(error) => error,
        };
        eprintln!("error: {problem}");
        passed = false;
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All recorded expressions, where the data is present.
fn evaluate() -> Result<bool, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/conformance/expressions.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(true) };
    let mut recorded = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: serde_json::Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        recorded.extend(case["expr"].as_str().map(str::to_owned));
    }
    let took = least(|| {
        // Some of them are wrong, as they should be.
        recorded.iter().for_each(|expression| drop(std::hint::black_box(expressions::evaluate(expression))));
        Ok(())
    })?;
    println!("{} expressions: compiled and evaluated in {:.0} ms", recorded.len(), took.as_secs_f64() * 1000.0);
    Ok(took <= EXPRESSIONS)
}

fn compare() -> Result<bool, String> {
    let text = stack();
    let parsed = least(|| hcl_edit::parser::parse_body(&text).map(drop).map_err(|error| error.to_string()))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let providers = Providers::new(runtime.handle().clone(), None);
    let shared: Str = text.as_str().into();
    let loaded = least(|| {
        let files = [("main.tf".to_owned(), shared.clone())];
        let (spec, problems) = spec::load_bundle(files, ".", &providers, &spec::Options::default());
        let (_, more) = graph::build(&spec);
        match problems.has_errors() || more.has_errors() {
            true => Err(format!("{problems:?}")),
            false => Ok(()),
        }
    })?;
    let ratio = loaded.as_secs_f64() / parsed.as_secs_f64();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{BLOCKS} blocks, {} kB: parsed in {:.0} ms, loaded in {:.0} ms",
        text.len() / 1000,
        ms(parsed),
        ms(loaded)
    );
    println!("loading takes {ratio:.2} times the bare parser (at most {LIMIT})");
    Ok(ratio <= LIMIT)
}

/// The least time of some runs.
fn least(run: impl Fn() -> Result<(), String>) -> Result<Duration, String> {
    let mut least = Duration::MAX;
    for _ in 0..RUNS {
        let began = Instant::now();
        run()?;
        least = least.min(began.elapsed());
    }
    Ok(least)
}

/// Blocks with the expressions that configurations are full of.
fn stack() -> String {
    let mut text = String::from("variable \"env\" {\n  type    = string\n  default = \"test\"\n}\n");
    for i in 0..BLOCKS {
        let _ = write!(
            text,
            r#"locals {{
  name_{i} = "${{var.env}}-node-{i}"
  tags_{i} = merge({{ Name = local.name_{i}, Env = upper(var.env) }}, var.env == "test" ? {{ Size = {i} % 7 }} : {{}})
}}
resource "terraform_data" "n{i}" {{
  # One of many.
  input = {{
    name  = local.name_{i}
    tags  = local.tags_{i}
    ports = [for p in [80, 443, {i}] : p + 1 if p > 0]
    text  = "%{{ if var.env == "test" }}t-${{local.name_{i}}}%{{ else }}p%{{ endif }}"
  }}
}}
"#
        );
    }
    text
}
