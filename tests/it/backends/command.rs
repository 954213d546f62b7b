//! The command with a backend block: locking between processes, moving states, outages, secrets.

use terrane::model::Value;

use super::beds::{self, Bed, Way};
use crate::support::cli::{Run, Stack};

const TWO: &str = "resource \"terraform_data\" \"first\" {\n  input = \"x\"\n}\n\
                   resource \"terraform_data\" \"second\" {\n  input = terraform_data.first.id\n}\n";

fn stack(bed: &Bed) -> Stack {
    let stack = Stack::with("main.tf", TWO);
    stack.write("backend.tf", &bed.block());
    stack
}

fn run(stack: &Stack, arguments: &[&str]) -> Run {
    stack.terrane(arguments.iter().copied()).run()
}

/// What a backend that is left needs: its block, which may hold secrets, is gone by then.
const SECRETS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "testing"),
    ("AWS_SECRET_ACCESS_KEY", "testing"),
    ("ARM_ACCESS_KEY", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="),
];

/// Eight runs at once: one does the work, the others wait and find it done.
fn eight_processes_take_turns(bed: &Bed) {
    let stacks: Vec<Stack> = (0..8).map(|_| stack(bed)).collect();
    let apply = ["apply", "-auto-approve", "-lock-timeout=240s", "-no-color"];
    let running: Vec<_> = stacks.iter().map(|s| s.terrane(apply).spawn()).collect();
    let runs: Vec<Run> = running.into_iter().map(|r| r.wait().success()).collect();
    let workers = runs.iter().filter(|r| r.stdout.contains("Resources: 2 added")).count();
    let idle = runs.iter().filter(|r| r.stdout.contains("Resources: 0 added, 0 changed, 0 destroyed")).count();
    assert_eq!((workers, idle), (1, 7), "{runs:?}");
    let state = run(&stacks[7], &["state", "pull"]).success().json();
    assert_eq!((&state["serial"], state["resources"].as_array().unwrap().len()), (&1.into(), 2));
}

macro_rules! turns {
    ($($bed:ident),*) => {$(
        #[test]
        fn $bed() {
            super::eight_processes_take_turns(&super::beds::$bed());
        }
    )*};
}

mod eight_processes_take_turns {
    turns!(local, s3, azurerm, http, pg);
}

#[test]
fn states_move_through_all_backends_and_back() {
    let (s3, azure, pg, file) = (beds::s3(), beds::azurerm(), beds::pg(), beds::local());
    let stack = Stack::with("main.tf", TWO);
    let in_blue = |arguments: &[&str]| stack.terrane(arguments.iter().copied()).env("TF_WORKSPACE", "blue").run();
    run(&stack, &["apply", "-auto-approve"]).success();
    in_blue(&["apply", "-auto-approve"]).success();
    let pulled = || [run(&stack, &["state", "pull"]).success().stdout, in_blue(&["state", "pull"]).success().stdout];
    let before = pulled();
    assert_ne!(before[0], before[1]);
    let mut hashes: Vec<String> = Vec::new();
    for bed in [Some(&s3), Some(&pg), Some(&azure), Some(&file), None] {
        stack.write("backend.tf", &bed.map(Bed::block).unwrap_or_default());
        let refused = run(&stack, &["plan"]).expect_status(1);
        assert!(refused.stderr.contains("terrane init -migrate-state"), "{refused}");
        let init = stack.terrane(["init", "-migrate-state", "-no-color"]);
        let init = SECRETS.iter().fold(init, |init, (name, value)| init.env(name, value));
        let moved = init.env("PG_CONN_STR", pg.arguments["conn_str"].as_str().unwrap()).run().success();
        let told: Vec<&str> = moved.stdout.lines().filter(|l| l.starts_with("Moved the state of")).collect();
        assert_eq!(told.len(), 2, "{moved}");
        hashes.push(told.join("\n"));
        assert_eq!(pulled(), before, "{moved}");
        run(&stack, &["plan", "-detailed-exitcode"]).success();
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "the same states at each station");
}

#[test]
fn another_state_is_not_written_over() {
    let bed = beds::s3();
    run(&stack(&bed), &["apply", "-auto-approve"]).success();
    let own = Stack::with("main.tf", TWO);
    run(&own, &["apply", "-auto-approve"]).success();
    own.write("backend.tf", &bed.block());
    let refused = run(&own, &["init", "-migrate-state"]).expect_status(1);
    assert!(refused.stderr.contains("holds another state already"), "{refused}");
    run(&own, &["init", "-reconfigure"]).success();
    run(&own, &["plan", "-detailed-exitcode"]).success();
}

#[test]
fn secrets_given_to_init_are_not_kept() {
    let bed = beds::s3();
    let stack = stack(&bed);
    let block = bed.block();
    let without = |line: &&str| !line.contains("_key =") && !line.contains(" key =");
    let partial: Vec<&str> = block.lines().filter(without).collect();
    stack.write("backend.tf", &partial.join("\n"));
    let key = bed.arguments["key"].as_str().unwrap();
    let refused = run(&stack, &["plan"]).expect_status(1);
    assert!(refused.stderr.contains("the backend \"s3\" needs \"key\""), "{refused}");
    stack.write("secret.tfbackend", "access_key = \"testing\"\nsecret_key = \"canary-7f3c\"\n");
    let key = format!("-backend-config=key={key}");
    run(&stack, &["init", &key, "-backend-config=secret.tfbackend"]).success();
    let remembered = stack.read(".terrane/backend.json");
    assert!(remembered.contains("suite/") && !remembered.contains("canary"), "{remembered}");
    let apply = stack.terrane(["apply", "-auto-approve"]);
    apply.env("TERRANE_BACKEND_ACCESS_KEY", "testing").env("TERRANE_BACKEND_SECRET_KEY", "x").run().success();
}

#[test]
fn a_password_in_an_address_is_not_kept() {
    let mut bed = beds::http();
    for name in ["address", "lock_address", "unlock_address"] {
        let said = bed.arguments[name].as_str().unwrap().replace("://", "://ci:canary-7f3c@");
        bed.arguments.insert(name.to_string(), said.into());
    }
    bed.arguments.retain(|name, _| !["username", "password"].contains(&name.as_str()));
    let stack = stack(&bed);
    run(&stack, &["init"]).success();
    run(&stack, &["apply", "-auto-approve"]).success();
    let remembered = stack.read(".terrane/backend.json");
    assert!(remembered.contains("states/") && !remembered.contains("canary"), "{remembered}");
    run(&stack, &["plan", "-detailed-exitcode"]).success();
}

#[test]
fn an_apply_bridges_an_outage_and_the_next_plan_sends_the_rest() {
    let bed = beds::s3();
    let Way::Http(proxy) = &bed.way else { panic!("S3 speaks HTTP") };
    let (here, there) = (stack(&bed), stack(&bed));
    proxy.on("PUT *.terrane/*").after(1).refuse();
    proxy.on("PUT *.tfstate").refuse();
    let run = |stack: &Stack, arguments: &[&str]| stack.terrane(arguments.iter().copied()).run();
    let applied = run(&here, &["apply", "-auto-approve", "-no-color"]).expect_status(1);
    assert!(applied.stderr.contains("The run goes on"), "{applied}");
    assert!(applied.stderr.contains("not everything could be sent"), "{applied}");
    proxy.behave();
    run(&here, &["plan", "-detailed-exitcode"]).success();
    run(&there, &["plan", "-detailed-exitcode"]).success();
    let state = run(&there, &["state", "pull"]).success().json();
    assert_eq!(state["resources"].as_array().unwrap().len(), 2);
}

#[test]
fn terraform_and_terrane_share_a_state_and_its_lock() {
    let Some(terraform) = terraform() else { return };
    let bed = beds::s3();
    let Way::Http(proxy) = &bed.way else { panic!("S3 speaks HTTP") };
    let stack = stack(&bed);
    let extra = "    use_lockfile = true\n    skip_credentials_validation = true\n    skip_requesting_account_id = true\n    \
                 skip_region_validation = true\n    skip_metadata_api_check = true\n    skip_s3_checksum = true\n  }\n}\n";
    stack.write("backend.tf", &bed.block().replace("  }\n}\n", extra));
    let terraform = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&terraform);
        command
            .args(arguments)
            .current_dir(stack.dir())
            .env("HOME", stack.home())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.output().expect("terraform starts");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let made = terraform(&["init", "-no-color"]);
    assert_eq!(made.0, Some(0), "{}", made.1);
    let applied = terraform(&["apply", "-auto-approve", "-no-color"]);
    assert_eq!(applied.0, Some(0), "{}", applied.1);
    run(&stack, &["plan", "-detailed-exitcode"]).success();
    stack.write("main.tf", &TWO.replace("\"x\"", "\"y\""));
    run(&stack, &["apply", "-auto-approve"]).success();
    let planned = terraform(&["plan", "-detailed-exitcode", "-no-color"]);
    assert_eq!(planned.0, Some(0), "{}", planned.1);

    let machine = beds::Machine::new(&bed);
    let store = machine.open();
    beds::take(&*store, "anna@build-7").unwrap();
    let locked = terraform(&["plan", "-no-color"]);
    assert!(locked.0 == Some(1) && locked.1.contains("anna@build-7"), "{}", locked.1);
    store.commit(vec![crate::state_rows::put(crate::state_rows::data_row("a.b", Value::TRUE))]).wait().unwrap();
    drop(store);
    assert!(proxy.count("DELETE *.tflock") > 0);
}

/// Terraform, where it is on the PATH.
fn terraform() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join("terraform")).find(|file| file.exists());
    if found.is_none() {
        println!("terraform is not on the PATH: this was not compared");
    }
    found
}
