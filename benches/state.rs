//! What one change of a state costs, opening and locking included, beside the same change of a state that is a
//! hundredth of its size: `make bench`. The runs take turns, and the median of each side counts.

#[allow(dead_code, reason = "a vocabulary of the tests, of which a few words are used here")]
#[path = "../tests/it/state_rows.rs"]
mod state_rows;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use state_rows::{data_row, intent, lease, open, put};
use terrane::model::Value;
use terrane::state::{Change, Store};

const SMALL: usize = 1_000;
const LARGE: usize = 100_000;
const RUNS: usize = 41;
const LIMIT: f64 = 1.2;

fn main() -> ExitCode {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let sides = [SMALL, LARGE].map(|rows| {
        let path = folder.path().join(rows.to_string()).join("state.db");
        let all = (0..rows).map(|n| put(data_row(&address(n), Value::string("x".repeat(100)))));
        open(&path).commit(all.collect()).wait().expect("the folder is ours");
        path
    });
    let mut times = [Vec::new(), Vec::new()];
    for run in 0..RUNS {
        for (path, times) in sides.iter().zip(&mut times) {
            let began = Instant::now();
            change(path, run);
            times.push(began.elapsed());
        }
    }
    let [small, large] = times.map(median);
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!("one change of {SMALL} rows: {small:?}, of {LARGE} rows: {large:?}");
    println!("one change of {LARGE} rows takes {ratio:.2} times that of {SMALL} (at most {LIMIT})");
    if ratio <= LIMIT {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: one change of a large state takes more than {LIMIT} times one of a small state");
    ExitCode::FAILURE
}

fn address(n: usize) -> String {
    format!("terraform_data.r[{n}]")
}

/// What an apply does with one object, from opening the file to closing it.
fn change(path: &Path, run: usize) {
    let changed = address(SMALL / 2 + run);
    let row = data_row(&changed, Value::string(format!("{run}{}", "y".repeat(100))));
    let store = open(path);
    let done = [
        store.try_acquire(lease("apply")).wait().map(drop),
        store.commit(vec![Change::Begin(intent(&changed))]).wait(),
        store.commit(vec![put(row), Change::End("key".into())]).wait(),
        store.release().wait(),
    ];
    for step in done {
        step.expect("the file is ours");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
