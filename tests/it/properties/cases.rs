//! Single cases that deserve a name.

use std::sync::Arc;

use terrane::apply::{Silent, Stop};
use terrane::plan::{Options, PlanMode};

use super::lab::Lab;
use super::order;
use super::trap::{self, Harm};

fn lab(text: &str) -> Lab {
    let lab = Lab::new();
    write(&lab, text);
    lab
}

fn write(lab: &Lab, text: &str) {
    lab.write_files(&[("main.tf".to_string(), text.to_string())].into());
}

#[test]
fn a_delete_yields_where_waiting_for_those_who_let_go_would_be_a_circle() {
    let stack = |count: usize, version: usize| {
        format!(
            "resource \"terraform_data\" \"d\" {{ triggers_replace = {version} }}
             resource \"terraform_data\" \"a\" {{
               count = {count}
               input = terraform_data.d.id
             }}
             resource \"terraform_data\" \"b\" {{ input = [terraform_data.a[*].id, terraform_data.d.id] }}"
        )
    };
    let lab = lab(&stack(2, 1));
    lab.converge().unwrap();
    write(&lab, &stack(1, 2));
    lab.converge().unwrap();
}

#[test]
fn destroying_follows_what_the_configuration_says_now() {
    let stack = |of_a: &str, of_b: &str| {
        format!(
            "resource \"terraform_data\" \"a\" {{ depends_on = [{of_a}] }}
             resource \"terraform_data\" \"b\" {{ depends_on = [{of_b}] }}"
        )
    };
    let lab = lab(&stack("terraform_data.b", ""));
    lab.converge().unwrap();
    write(&lab, &stack("", "terraform_data.a"));
    lab.converge().unwrap();
    let mut session = lab.session("").unwrap();
    let names: Vec<String> =
        session.snapshot.rows().iter().map(|r| format!("{} {:?}", r.address, r.dependencies)).collect();
    assert!(names[0].ends_with("[]") && names[1].contains("name: \"a\""), "{names:?}");
    let options = Options { mode: PlanMode::Destroy, refresh: true, ..Options::default() };
    let (planned, _) = session.plan(options);
    order::check(&planned.plan, &session.snapshot).unwrap();
}

#[test]
fn values_that_wrap_each_other_again_and_again_are_an_error() {
    let links: String = (0..2000).map(|i| format!("  l{i} = [local.l{}]\n", i + 1)).collect();
    let lab = lab(&format!("locals {{\n{links}  l2000 = 1\n}}\noutput \"o\" {{ value = local.l0 }}\n"));
    let mut session = lab.session("").unwrap();
    let planned = lab.plan(&mut session);
    let told = planned.plan.diagnostics.iter().any(|d| d.summary.contains("nested too deeply"));
    assert!(told, "{:?}", planned.plan.diagnostics);
}

#[test]
fn values_that_double_again_and_again_are_an_error() {
    for (first, next) in [("\"x\"", "[local.L, local.L]"), ("\"x\"", "\"${local.L}${local.L}\"")] {
        let links: String =
            (0..60).map(|i| format!("  l{} = {}\n", i + 1, next.replace('L', &format!("l{i}")))).collect();
        let lab = lab(&format!("locals {{\n  l0 = {first}\n{links}}}\noutput \"o\" {{ value = local.l60 }}\n"));
        let mut session = lab.session("").unwrap();
        let planned = lab.plan(&mut session);
        let told = planned.plan.diagnostics.iter().filter(|d| d.summary == "the value is too large").count();
        // What is unknown for an error grows from one value again.
        assert!((1..=2).contains(&told), "{next}: {:?}", planned.plan.diagnostics);
    }
}

/// Whatever becomes of the call that makes the successor, there is one network in the end.
#[test]
fn a_predecessor_survives_a_successor_that_nobody_heard_of() {
    let stack = |number: usize| {
        format!(
            "resource \"aws_vpc\" \"v\" {{
               cidr_block = \"10.{number}.0.0/16\"
               lifecycle {{ create_before_destroy = true }}
             }}"
        )
    };
    for harm in trap::HARMS {
        for at in 0..2 {
            let lab = lab(&stack(1));
            lab.converge().unwrap();
            write(&lab, &stack(2));
            let mut session = lab.session("").unwrap();
            let planned = lab.plan(&mut session);
            trap::apply(&session, planned, harm, at, 1);
            drop(session);
            if (harm, at) == (Harm::CrashBefore, 0) {
                // The old network is the current one again, and the plan is a replacement as before.
                let mut session = lab.session("").unwrap();
                let planned = lab.plan(&mut session);
                assert_eq!(planned.plan.changes.len(), 1);
                assert!(planned.plan.changes[0].action.is_replace());
                drop(session);
            }
            lab.converge().unwrap_or_else(|problem| panic!("{harm:?} at {at}: {problem}"));
            assert_eq!(lab.inventory().len(), 1, "{harm:?} at {at}");
        }
    }
}

#[test]
fn data_sources_are_rows_of_the_state() {
    let data = "data \"aws_availability_zones\" \"z\" {}\n";
    let lab = lab(data);
    let rows = |lab: &Lab| -> Vec<String> {
        let session = lab.session("").unwrap();
        let mut rows: Vec<String> = session.snapshot.rows().iter().map(|row| row.address.to_string()).collect();
        rows.sort();
        rows
    };
    lab.converge().unwrap();
    assert_eq!(rows(&lab), ["data.aws_availability_zones.z"]);
    let later = "data \"aws_availability_zones\" \"d\" { depends_on = [aws_vpc.v] }\n";
    write(&lab, &format!("resource \"aws_vpc\" \"v\" {{ cidr_block = \"10.0.0.0/16\" }}\n{later}"));
    lab.converge().unwrap();
    assert_eq!(rows(&lab), ["aws_vpc.v", "data.aws_availability_zones.d"]);
    let mut session = lab.session("").unwrap();
    let (planned, _) = session.plan(Options { mode: PlanMode::Destroy, refresh: true, ..Options::default() });
    session.apply(planned, Arc::new(Silent), Stop::default(), None).unwrap();
    session.read_again().unwrap();
    assert!(session.snapshot.rows().is_empty());
}
