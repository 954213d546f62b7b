//! Every command of the program, with the canary under way.

use std::collections::BTreeSet;

use super::sources::{IMPORTED, INNER, MAIN};
use super::{BRIEF, CANARY, ENCRYPTION, VARIABLES, assert_hidden, files_with, with_canaries};
use crate::support::cli::{Run, Stack};

/// A command line, and what it is to come to.
struct Line {
    words: &'static str,
    stdin: &'static str,
    status: &'static [i32],
    /// Why it shows secrets: somebody asks for them, or a format of data has them.
    shows: Option<&'static str>,
}

const fn line(words: &'static str) -> Line {
    Line { words, stdin: "", status: &[0], shows: None }
}

const fn changes(words: &'static str) -> Line {
    Line { status: &[2], ..line(words) }
}

const fn fails(words: &'static str) -> Line {
    Line { status: &[1], ..line(words) }
}

const fn shows(words: &'static str, why: &'static str) -> Line {
    Line { shows: Some(why), ..line(words) }
}

const WISHED: &str = "the option is there to show secrets";
const ASKED: &str = "somebody asks for this output by name, or for all as data";
const TAKEN: &str = "it is how a state leaves";
const OPENED: &str = "the expression takes the mark off";

/// In their order: each works on what the ones before have left.
const LINES: &[Line] = &[
    line("init"),
    line("init -reconfigure"),
    line("init -migrate-state -force-copy"),
    line("validate"),
    line("validate -json"),
    line("plan -generate-config-out=imported.tf"),
    line("plan -json"),
    line("plan -json-into=lines.json"),
    line("plan -var=secret=canary-7f3c-Zq -compact-warnings"),
    line("plan -out=first.plan"),
    line("show first.plan"),
    line("show -json first.plan"),
    shows("show -json -show-sensitive first.plan", WISHED),
    line("graph"),
    line("graph -type=plan"),
    line("graph -format=svg"),
    line("graph -plan=first.plan"),
    line("apply first.plan"),
    changes("plan -detailed-exitcode -replace=terraform_data.given"),
    line("plan -detailed-exitcode"),
    line("plan -destroy -out=destroy.plan"),
    line("plan -refresh-only"),
    line("show"),
    line("show destroy.plan"),
    line("show -json"),
    shows("show -json -show-sensitive", WISHED),
    line("output"),
    shows("output -json", ASKED),
    shows("output told", ASKED),
    shows("output -raw told", ASKED),
    shows("output -json told", ASKED),
    Line { stdin: "var.secret\nvar.brief\nlocal.given\nterraform_data.given\nmodule.inner\n", ..line("console") },
    Line { status: &[1], stdin: "tonumber(var.secret)\n{}[var.secret]\nfile(var.secret)\n", ..line("console") },
    line("console -e var.secret -e terraform_data.keyed.output -e random_id.named"),
    line("console -plan -e aws_db_instance.main"),
    shows("console -e nonsensitive(var.secret)", OPENED),
    line("state list"),
    line("state list -id=an-id"),
    line("state show terraform_data.given"),
    line("state show terraform_data.keyed"),
    line("state show terraform_data.lines"),
    line("state show terraform_data.user"),
    line("state show random_password.made"),
    line("state show random_id.named"),
    line("state show aws_db_instance.main"),
    line("state show module.inner.terraform_data.inner"),
    shows("state pull", TAKEN),
    line("taint terraform_data.user"),
    line("plan"),
    line("untaint terraform_data.user"),
    line("taint terraform_data.user"),
    line("apply -auto-approve -json"),
    line("refresh"),
    line("refresh -json"),
    line("state mv terraform_data.given terraform_data.moved"),
    line("apply -auto-approve"),
    line("state rm -dry-run terraform_data.user"),
    line("state rm terraform_data.imported"),
    line("import terraform_data.imported an-id"),
    line("state replace-provider -auto-approve hashicorp/random example.com/acme/random"),
    line("state replace-provider -auto-approve example.com/acme/random hashicorp/random"),
    line("state repair -dry-run"),
    line("state repair"),
    line("history"),
    line("history -json"),
    line("history show 1"),
    line("history show -json 3"),
    line("rollback -auto-approve 1"),
    line("rollback -auto-approve -state-only 1"),
    line("apply -auto-approve -replace=random_password.made"),
    line("workspace list"),
    line("workspace show"),
    line("workspace new blue"),
    line("state import-tfstate PULLED"),
    line("state push -force PULLED"),
    line("workspace select default"),
    line("workspace delete -force blue"),
    fails("force-unlock -force 7f3c2a"),
    line("providers"),
    line("providers schema -json"),
    line("metadata functions -json"),
    line("version"),
    line("version -json"),
    line("reference pages"),
    line("destroy -auto-approve -json -target=terraform_data.lines"),
    line("destroy -auto-approve"),
];

/// All that the program can be told to run: the words, and whether it has a `-json` form.
fn program() -> Vec<(String, bool)> {
    fn walk(command: &clap::Command, words: &str, found: &mut Vec<(String, bool)>) {
        for sub in command.get_subcommands() {
            let words = format!("{words} {}", sub.get_name()).trim().to_string();
            if !sub.is_subcommand_required_set() {
                found.push((words.clone(), sub.get_arguments().any(|a| a.get_id() == "json")));
            }
            walk(sub, &words, found);
        }
    }
    let mut found = Vec::new();
    walk(&terrane::cli::definition(), "", &mut found);
    found
}

#[test]
fn no_command_is_left_out() {
    let all = program();
    assert!(all.len() > 30, "{all:?}");
    let run_by = |words: &str| -> Option<String> {
        let of = |(known, _): &&(String, bool)| words == *known || words.starts_with(&format!("{known} "));
        all.iter().filter(of).max_by_key(|(known, _)| known.len()).map(|(known, _)| known.clone())
    };
    let run: BTreeSet<(String, bool)> = LINES
        .iter()
        .filter_map(|line| Some((run_by(line.words)?, line.words.split(' ').any(|word| word == "-json"))))
        .collect();
    let wanted =
        all.iter().flat_map(|(words, json)| [Some((words.clone(), false)), json.then(|| (words.clone(), true))]);
    // What has no form but JSON is run with it alone.
    let has = |(words, json): &(String, bool)| {
        run.contains(&(words.clone(), *json)) || !json && run.contains(&(words.clone(), true))
    };
    let missing: Vec<_> = wanted.flatten().filter(|one| !has(one)).collect();
    assert!(missing.is_empty(), "add lines for {missing:?}");
}

struct Bench {
    stack: Stack,
    /// The password that was made, once there is one.
    password: Option<String>,
}

impl Bench {
    fn new(encrypted: bool) -> Bench {
        let stack = Stack::with("main.tf", &format!("{VARIABLES}{MAIN}"));
        stack.write("inner/main.tf", INNER);
        stack.write("text.tftpl", "It is ${hidden}.\n");
        stack.write("import.tf", IMPORTED);
        if encrypted {
            stack.write("encryption.tf", ENCRYPTION);
        }
        Bench { stack, password: None }
    }

    fn run(&mut self, number: usize, line: &Line) {
        let words: Vec<String> = line.words.split(' ').map(|word| self.word(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = with_canaries(&self.stack, &words).stdin(line.stdin);
        if number.is_multiple_of(2) {
            command = command.env("TF_LOG_PATH", "trace.log");
        }
        let run = command.run();
        assert!(run.status.is_some_and(|status| line.status.contains(&status)), "{run}");
        match line.shows {
            None => assert_hidden(&run, &self.secrets()),
            Some(why) => self.shown(line, &run, why),
        }
    }

    fn word(&self, word: &str) -> String {
        match word {
            "PULLED" => self.stack.home().join("pulled.tfstate").to_string_lossy().into_owned(),
            word => word.to_string(),
        }
    }

    /// What is shown on purpose is on the standard output alone, and what is ephemeral is not there.
    fn shown(&mut self, line: &Line, run: &Run, why: &str) {
        assert!(run.stdout.contains(CANARY), "it shows no secret, although {why}: {run}");
        assert!(!run.stderr.contains(CANARY) && !run.stdout.contains(BRIEF) && !run.stderr.contains(BRIEF), "{run}");
        if line.words == "output -raw told" {
            self.password = run.stdout.strip_prefix(&format!("{CANARY}-")).map(str::to_string);
        }
        if line.words == "state pull" {
            std::fs::write(self.stack.home().join("pulled.tfstate"), &run.stdout).unwrap();
        }
    }

    fn secrets(&self) -> Vec<&str> {
        [CANARY, BRIEF].into_iter().chain(self.password.as_deref()).collect()
    }
}

#[test]
fn with_encryption_nothing_shows_it_and_no_file_holds_it() {
    let mut bench = Bench::new(true);
    for (number, line) in LINES.iter().enumerate() {
        bench.run(number, line);
        // What the next commands write over is looked at before.
        if number % 4 != 3 && number + 1 != LINES.len() {
            continue;
        }
        for secret in bench.secrets() {
            assert_eq!(
                files_with(&bench.stack.dir(), secret),
                Vec::<std::path::PathBuf>::new(),
                "after {}",
                line.words
            );
        }
    }
    for name in ["first.plan", "destroy.plan"] {
        let plan = std::fs::read(bench.stack.dir().join(name)).unwrap();
        assert!(plan.starts_with(b"terrane sealed 1\n"), "{name}");
    }
    assert!(bench.stack.has("trace.log") && bench.stack.has("lines.json") && bench.stack.has(".terrane/sandbox.db"));
}

#[test]
fn without_encryption_nothing_shows_it_and_states_and_plans_alone_hold_it() {
    let mut bench = Bench::new(false);
    for (number, line) in LINES.iter().enumerate() {
        bench.run(number, line);
    }
    assert_eq!(
        files_with(&bench.stack.dir(), BRIEF),
        Vec::<std::path::PathBuf>::new(),
        "ephemeral values are never kept"
    );
    let holding = files_with(&bench.stack.dir(), CANARY);
    let is_state = |name: &str| ["state.db", "sandbox.db"].iter().any(|state| name.starts_with(state));
    let others: Vec<_> = holding
        .iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            !is_state(&name) && !name.ends_with(".plan")
        })
        .collect();
    assert!(others.is_empty() && !holding.is_empty(), "{others:?}");
}
