//! The command, killed while it applies and run again: what the sandbox holds must be what the state holds.
//!
//! `make kill N=1000` kills so many runs. Half of the kills are the sandbox's own faults, at chosen points; the others
//! come from outside, at any moment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use terrane::ops::rehearsal::sandbox_path;
use terrane::state::{Workspace, read_snapshot};

use super::dice::Dice;
use super::lab::inventory;
use super::stack::{CLOUD, Stack as Random};
use super::text::Spelling;
use super::write::files;
use crate::support::cli::{KillSwitch, Stack};

#[test]
fn killed_runs_leave_neither_orphans_nor_duplicates() {
    let kills: usize = std::env::var("TERRANE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let seed: u64 = std::env::var("TERRANE_KILL_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let (next, killed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while killed.load(Ordering::Relaxed) < kills {
                    let case = seed + next.fetch_add(1, Ordering::Relaxed) as u64;
                    match run(case) {
                        Ok(n) => drop(killed.fetch_add(n, Ordering::Relaxed)),
                        Err(problem) => {
                            killed.fetch_add(1, Ordering::Relaxed);
                            let mut wrong = wrong.lock().expect("nobody panics with it");
                            wrong.push(format!("TERRANE_KILL_SEED={case}: {problem}"));
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nobody panics with it");
    println!("{} runs killed, {} with orphans, duplicates or no end", killed.into_inner(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One stack in three steps, killed in each of them. Gives how many runs were killed.
fn run(seed: u64) -> Result<usize, String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bytes = vec![0; 300];
    random.fill_bytes(&mut bytes);
    let stack = Stack::new();
    let mut killed = 0;
    for step in Random::steps(&mut Dice::new(&bytes), CLOUD, 3) {
        drop(std::fs::remove_file(stack.dir().join("main.tf")));
        for (name, text) in files(&step, Spelling::Hcl) {
            stack.write(&name, &text);
        }
        let rounds = random.random_range(1..3);
        for _ in 0..rounds {
            killed += usize::from(apply_and_kill(&stack, &mut random));
        }
        let last = apply(&stack, "").run();
        if last.status != Some(0) {
            return Err(last.to_string());
        }
        compare(&stack)?;
    }
    Ok(killed)
}

fn apply(stack: &Stack, faults: &str) -> crate::support::cli::Terrane {
    stack.terrane(["apply", "-sandbox", "-auto-approve"]).env("TERRANE_SANDBOX_FAULTS", faults)
}

/// Whether the run was killed before its end.
fn apply_and_kill(stack: &Stack, random: &mut StdRng) -> bool {
    let op = ["create", "update", "delete", "create|update|delete"][random.random_range(0..4)];
    let when = ["crash-before", "crash-after"][random.random_range(0..2)];
    if random.random() {
        let faults = format!("*:{op}={when}@nth:{}", random.random_range(1..6));
        return apply(stack, &faults).run().status.is_none();
    }
    let kill = KillSwitch::default();
    let running = apply(stack, "latency=1ms..20ms").kill_switch(&kill).spawn();
    std::thread::sleep(Duration::from_millis(random.random_range(20..400)));
    running.kill();
    running.wait().status.is_none()
}

fn compare(stack: &Stack) -> Result<(), String> {
    let data = stack.dir().join(".terrane");
    let path = Workspace::default().state_path(&data);
    let state = read_snapshot(&path).map_err(|e| e.to_string())?.ok_or("there is no state")?;
    let rows = state.rows().iter().filter(|r| r.address.ty().starts_with("aws_"));
    let mut in_state: Vec<(String, String)> =
        rows.map(|r| (r.address.ty().to_string(), r.remote_id.as_deref().unwrap_or_default().to_string())).collect();
    in_state.sort();
    let in_cloud = inventory(&sandbox_path(&data));
    if in_state == in_cloud { Ok(()) } else { Err(format!("the state has {in_state:?}, the cloud has {in_cloud:?}")) }
}
