//! How long a large file takes from its text to a graph that can be planned, beside the bare parser: `make bench`.
//!
//! The parser alone (`hcl-edit`) gives syntax; loading resolves names, compiles expressions, checks them against the
//! schemas and finds the edges. Each time is the least of some runs. Loading, parsing included, must stay within three
//! times the bare parser.

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

fn main() -> ExitCode {
    match compare() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: loading takes more than {LIMIT} times the bare parser");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
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
