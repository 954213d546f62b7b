//! Properties of planning and applying that hold for every stack. A failing case prints the bytes that make it, the
//! files of its steps, and what is wrong; `TERRANE_CASE=HEX` runs that case again.

mod cases;
mod dice;
mod differential;
mod expressions;
mod kill;
pub mod lab;
mod order;
mod stack;
mod terraform;
mod text;
mod trap;
mod write;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use terrane::apply::{Silent, Stop};

use dice::Dice;
use lab::{Lab, Problem, everything};
use stack::{CLOUD, Flavour, PLAIN, STABLE, Stack};
use text::Spelling;
use write::files;

/// Runs a property on this many cases, or on the one that is asked for.
fn hold(cases: u32, flavour: Flavour, property: impl Fn(&mut Dice, &[Stack]) -> Result<(), Problem>) {
    let judge = |bytes: &[u8]| {
        let mut dice = Dice::new(bytes);
        let how = dice.pick(251);
        let steps = Stack::steps(&mut dice, flavour, 3);
        property(&mut Dice::new(&[how as u8, how as u8 / 7, how as u8 / 3]), &steps)
            .map_err(|problem| format!("TERRANE_CASE={}\n{}\n{problem}", hex::encode(bytes), shown(&steps)))
    };
    if let Ok(case) = std::env::var("TERRANE_CASE") {
        let bytes = hex::decode(case.trim()).expect("TERRANE_CASE is hexadecimal");
        return judge(&bytes).unwrap_or_else(|problem| panic!("{problem}"));
    }
    let cases = std::env::var("TERRANE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    // The same cases on every run, unless more are asked for.
    let random = std::env::var_os("TERRANE_CASES").is_some();
    let mut runner = if random { TestRunner::new(config) } else { fixed(config) };
    let result = runner.run(&vec(any::<u8>(), 40..400), |bytes| judge(&bytes).map_err(TestCaseError::fail));
    if let Err(problem) = result {
        panic!("{problem}");
    }
}

fn fixed(config: Config) -> TestRunner {
    use proptest::test_runner::{RngAlgorithm, TestRng};
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn shown(steps: &[Stack]) -> String {
    let step = |(i, stack): (usize, &Stack)| {
        let files = files(stack, Spelling::Hcl);
        let text: String = files.iter().map(|(name, text)| format!("# {name}\n{text}")).collect();
        format!("# ---- step {} ----\n{text}", i + 1)
    };
    steps.iter().enumerate().map(step).collect()
}

#[test]
fn a_plan_after_an_apply_is_empty_and_its_steps_are_in_order() {
    for (cases, flavour) in [(12, PLAIN), (16, CLOUD)] {
        hold(cases, flavour, |dice, steps| {
            let spelling = dice.of(&[Spelling::Hcl, Spelling::Yaml]);
            let lab = Lab::new();
            for stack in steps {
                lab.write(stack, spelling);
                let mut session = lab.session("")?;
                let planned = lab.plan(&mut session);
                if planned.plan.errored() {
                    continue;
                }
                let (plan, before) = (planned.plan.clone(), session.snapshot.clone());
                order::check(&plan, &before)?;
                let outcome = session.apply(planned, Arc::new(Silent), Stop::default(), None);
                let outcome = outcome.map_err(|e| e.to_string())?;
                if !outcome.succeeded() {
                    // Postconditions are only known after apply.
                    if flavour.conditions && outcome.diagnostics.iter().any(|d| d.summary.contains("does not hold")) {
                        return Ok(());
                    }
                    return Err(format!("the apply fails: {:#?}", outcome.diagnostics));
                }
                session.read_again().map_err(|e| e.to_string())?;
                order::check_made(&plan, &session.snapshot)?;
                drop(session);
                lab.check_settled()?;
            }
            Ok(())
        });
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    hold(8, STABLE, |dice, steps| {
        let one = Lab::new();
        // The state gets its name here: what the sandbox makes follows from it.
        one.write(&Stack::default(), Spelling::Hcl);
        drop(one.session("")?);
        let parallelism = dice.of(&[Some(1), Some(3), None]);
        for stack in steps {
            let other = one.copy();
            one.write(stack, Spelling::Hcl);
            // A place of the other's own would show in paths.
            other.write(stack, Spelling::Hcl);
            let (mut first, mut second) = (one.session("")?, other.session("")?);
            let (planned, again) = (one.plan(&mut first), other.plan(&mut second));
            same("plans", &everything(&planned.plan), &everything(&again.plan))?;
            if planned.plan.errored() {
                return Ok(());
            }
            let quiet = || Arc::new(Silent);
            first.apply(planned, quiet(), Stop::default(), None).map_err(|e| e.to_string())?;
            second.apply(again, quiet(), Stop::default(), parallelism).map_err(|e| e.to_string())?;
            first.read_again().and(second.read_again()).map_err(|e| e.to_string())?;
            same("states", &rows(&first), &rows(&second))?;
        }
        Ok(())
    });
}

fn same(what: &str, a: &str, b: &str) -> Result<(), Problem> {
    if a == b {
        return Ok(());
    }
    let different = a.lines().zip(b.lines()).find(|(x, y)| x != y);
    Err(format!("the {what} differ: {different:?}"))
}

fn rows(session: &terrane::ops::Session) -> String {
    let rows: Vec<String> = session.snapshot.rows().iter().map(|row| format!("{row:#?}")).collect();
    format!("{}\n{:#?}", rows.join("\n"), session.snapshot.outputs)
}

#[test]
fn a_failure_or_a_crash_at_any_call_leaves_what_the_next_apply_completes() {
    hold(16, CLOUD, |dice, steps| {
        let lab = Lab::new();
        let struck = dice.pick(steps.len());
        for (i, stack) in steps.iter().enumerate() {
            lab.write(stack, Spelling::Hcl);
            if i == struck {
                harm(&lab, dice)?;
            }
            lab.converge()?;
        }
        Ok(())
    });
}

fn harm(lab: &Lab, dice: &mut Dice) -> Result<(), Problem> {
    let mut session = lab.session("")?;
    let planned = lab.plan(&mut session);
    let calls = planned.plan.steps.iter().filter(|s| s.kind.change().is_some()).count();
    let harm = dice.of(&trap::HARMS);
    let at = dice.pick(calls.max(1));
    if !planned.plan.errored() {
        trap::apply(&session, planned, harm, at, dice.of(&[1, 4]));
    }
    Ok(())
}
