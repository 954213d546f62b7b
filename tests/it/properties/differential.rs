//! Our plans and values beside those of the released Terraform, where it is on the PATH.
//!
//! `make fuzz-diff SECONDS=1200` looks for differences; a case that shows one is written to `target/fuzz-diff`, from
//! where it goes to `tests/fixtures/plans`.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use terrane::apply::{Silent, Stop};

use super::dice::Dice;
use super::expressions::expression;
use super::lab::{Lab, Problem};
use super::stack::{PLAIN, Stack};
use super::terraform::{Step, Terraform, keep};
use super::text::Spelling;
use super::write::{Files, files};
use crate::conformance_plans::compare;
use crate::support::expressions::evaluate;

/// Expressions that are compared in one go.
const BATCH: usize = 200;

#[test]
fn random_expressions_have_the_values_that_terraform_gives_them() {
    let Some(terraform) = Terraform::new() else { return };
    let different = expressions(&terraform, 1);
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
#[ignore = "runs as long as it is told to: make fuzz-diff"]
fn fuzz() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seconds = variable("TERRANE_FUZZ_SECONDS").unwrap_or(60);
    let first = variable("TERRANE_FUZZ_SEED").unwrap_or_else(|| rand::rng().random::<u32>().into());
    let terraform = Terraform::new().expect("terraform is on the PATH");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz-diff");
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut stacks, mut values, mut found) = (0, 0, 0);
    for seed in first.. {
        if Instant::now() > until {
            break;
        }
        for line in expressions(&terraform, seed) {
            found += 1;
            println!("{line}");
        }
        values += BATCH;
        for case in 0..4 {
            stacks += 1;
            if let Err((problem, steps)) = compare_stack(seed * 4 + case) {
                found += 1;
                let kept = keep(&folder.join(format!("case{}", seed * 4 + case)), &steps);
                println!("{}\n{problem}\n", kept.display());
            }
        }
    }
    println!("{stacks} stacks and {values} expressions from seed {first}: {found} differences");
    assert_eq!(found, 0, "differences were found");
}

/// Those of a batch that differ.
fn expressions(terraform: &Terraform, seed: u64) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bytes = vec![0; 256];
    let all: Vec<String> = std::iter::repeat_with(|| {
        random.fill_bytes(&mut bytes);
        expression(&mut Dice::new(&bytes))
    })
    .take(BATCH)
    .collect();
    compare_expressions(terraform, &all)
}

fn compare_expressions(terraform: &Terraform, all: &[String]) -> Vec<String> {
    match terraform.evaluate(all) {
        Ok(expected) => {
            let differs = |(expr, expected): (&String, Option<String>)| {
                let ours = evaluate(expr);
                (ours.as_ref().ok() != expected.as_ref())
                    .then(|| format!("{expr}\n   is {ours:?}\n   not {expected:?}"))
            };
            all.iter().zip(expected).filter_map(differs).collect()
        }
        // One that is wrong before it is evaluated spoils the batch.
        Err(_) if all.len() > 1 => {
            let (left, right) = all.split_at(all.len() / 2);
            [compare_expressions(terraform, left), compare_expressions(terraform, right)].concat()
        }
        Err(_) => {
            let refused = |expr: &String| evaluate(expr).ok().map(|v| format!("{expr}\n   is {v}\n   not an error"));
            all.iter().filter_map(refused).collect()
        }
    }
}

type Found = (Problem, Vec<(Files, Step)>);

fn compare_stack(seed: u64) -> Result<(), Found> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bytes = vec![0; 400];
    random.fill_bytes(&mut bytes);
    let stacks = Stack::steps(&mut Dice::new(&bytes), PLAIN, 4);
    let spelling = if seed.is_multiple_of(2) { Spelling::Hcl } else { Spelling::Yaml };
    let terraform = Terraform::new().expect("terraform is on the PATH");
    let lab = Lab::new();
    let mut done = Vec::new();
    for (i, stack) in stacks.iter().enumerate() {
        let written = files(stack, Spelling::Hcl);
        let step = terraform.step(&written);
        lab.write(stack, spelling);
        let result = compare_step(&lab, &step);
        done.push((written, step));
        match result {
            Ok(true) => break,
            Ok(false) => (),
            Err(problem) => return Err((format!("step {} of seed {seed}: {problem}", i + 1), done)),
        }
    }
    Ok(())
}

/// Gives whether the case ends here.
fn compare_step(lab: &Lab, theirs: &Step) -> Result<bool, Problem> {
    let mut session = lab.session("")?;
    let planned = lab.plan(&mut session);
    let errors = || format!("{:?}", planned.plan.diagnostics);
    match theirs {
        Step::Refused { .. } if planned.plan.errored() => Ok(true),
        // A trigger without instances is no error here: there is nothing that could change. Neither are circles that come
        // of creating before destroying.
        Step::Refused { error } if ["no change found for", "Error: Cycle:"].iter().any(|e| error.contains(e)) => {
            Ok(true)
        }
        Step::Refused { error } => Err(format!("planning must fail: {error}")),
        Step::Planned { .. } if planned.plan.errored() => Err(format!("planning fails: {}", errors())),
        Step::Planned { plan, applied } => {
            compare(&planned.plan, plan)?;
            let outcome = session.apply(planned, std::sync::Arc::new(Silent), Stop::default(), None);
            let outcome = outcome.map_err(|e| e.to_string())?;
            match (applied, outcome.succeeded()) {
                (true, true) => Ok(false),
                (false, false) => Ok(true),
                (true, false) => Err(format!("the apply fails: {:?}", outcome.diagnostics)),
                (false, true) => Err("the apply must fail".into()),
            }
        }
    }
}
