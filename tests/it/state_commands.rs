//! Working with the state by hand: what the commands print, what they refuse, and what the state has afterwards.

use std::fs;
use std::process::Command;

use super::support::cli::{Run, Stack};

const STACK: &str = r#"
module "m" {
  source = "./m"
  count  = 2
}

resource "terraform_data" "a" {
  input = "x"
}

resource "terraform_data" "b" {
  for_each = toset(["k1", "k2"])
  input    = "${terraform_data.a.output}-${each.key}"
}

output "id" {
  value = terraform_data.a.output
}
"#;

fn stack() -> Stack {
    let stack = Stack::with("main.tf", STACK);
    stack.write("m/main.tf", "resource \"terraform_data\" \"in\" {\n  input = \"q\"\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    stack
}

fn list(stack: &Stack) -> Vec<String> {
    stack.terrane(["state", "list"]).run().success().stdout.lines().map(str::to_string).collect()
}

#[test]
fn objects_are_listed_shown_moved_and_removed() {
    let stack = stack();
    let mut told = String::new();
    let mut run = |arguments: &[&str]| told.push_str(&format!("{}\n", stack.terrane(arguments).run().transcript()));
    run(&["state", "list", "module.m", "terraform_data.b"]);
    run(&["state", "list", "terraform_data.bb"]);
    run(&["state", "show", "terraform_data.b"]);
    run(&["state", "show", "terraform_data.z"]);
    run(&["state", "mv", "-dry-run", "terraform_data.a", "terraform_data.aa"]);
    run(&["state", "mv", "terraform_data.a", "terraform_data.aa"]);
    run(&["state", "mv", "terraform_data.a", "terraform_data.b"]);
    run(&["state", "mv", "terraform_data.b", "terraform_data.c[0]"]);
    run(&["state", "mv", "terraform_data.aa", "terraform_data.b[\"k1\"]"]);
    run(&["state", "mv", "terraform_data.aa", "null_resource.aa"]);
    run(&["state", "mv", "terraform_data.b", "module.n[\"x\"].terraform_data.b"]);
    run(&["state", "mv", "module.m[0]", "module.q"]);
    run(&["state", "list"]);
    run(&["state", "rm", "-dry-run", "module.q", "module.n"]);
    run(&["state", "rm", "module.q", "module.n"]);
    run(&["state", "rm", "module.q"]);
    run(&["state", "replace-provider", "terraform.io/builtin/terraform", "acme/terraform"]);
    run(&["state", "replace-provider", "-auto-approve", "terraform.io/builtin/terraform", "acme/terraform"]);
    run(&["state", "replace-provider", "-auto-approve", "hashicorp/aws", "acme/aws"]);
    run(&["state", "replace-provider", "a/b/c/d", "x"]);
    insta::assert_snapshot!(told);
}

#[test]
fn what_depends_on_a_moved_resource_follows_it() {
    let stack = stack();
    stack.terrane(["state", "mv", "terraform_data.a", "module.n.terraform_data.a"]).run().success();
    let pulled = stack.terrane(["state", "pull"]).run().success().json();
    let all = pulled["resources"].as_array().unwrap();
    let user = all.iter().find(|r| r["name"] == "b").unwrap();
    assert_eq!(user["instances"][0]["dependencies"], serde_json::json!(["module.n.terraform_data.a"]));
}

#[test]
fn marks_are_set_and_taken_away() {
    let stack = stack();
    let mut told = String::new();
    let mut run = |arguments: &[&str]| told.push_str(&format!("{}\n", stack.terrane(arguments).run().transcript()));
    run(&["taint", "terraform_data.a"]);
    run(&["plan", "-detailed-exitcode", "-target=terraform_data.a"]);
    run(&["untaint", "terraform_data.a"]);
    run(&["untaint", "terraform_data.a"]);
    run(&["taint", "terraform_data.b"]);
    run(&["taint", "terraform_data.c"]);
    run(&["taint", "-allow-missing", "terraform_data.c"]);
    run(&["taint", "module.m"]);
    run(&["plan", "-detailed-exitcode"]);
    insta::assert_snapshot!(told);
}

#[test]
fn workspaces_are_made_chosen_and_deleted() {
    let stack = stack();
    let mut told = String::new();
    let mut run = |arguments: &[&str]| told.push_str(&format!("{}\n", stack.terrane(arguments).run().transcript()));
    run(&["workspace", "list"]);
    run(&["workspace", "new", "blue"]);
    run(&["workspace", "new", "blue"]);
    run(&["workspace", "new", "a/b"]);
    run(&["workspace", "list"]);
    run(&["workspace", "show"]);
    run(&["state", "list"]);
    run(&["workspace", "select", "bleu"]);
    run(&["workspace", "delete", "blue"]);
    run(&["workspace", "select", "default"]);
    run(&["workspace", "select", "-or-create", "green"]);
    run(&["state", "mv", "-workspace=default", "-workspace-out=blue", "terraform_data.a", "terraform_data.a"]);
    run(&["workspace", "select", "default"]);
    run(&["workspace", "delete", "blue"]);
    run(&["workspace", "delete", "-force", "blue"]);
    run(&["workspace", "delete", "green"]);
    run(&["workspace", "delete", "default"]);
    run(&["workspace", "list"]);
    insta::assert_snapshot!(told);
    let overridden = stack.terrane(["workspace", "select", "green"]).env("TF_WORKSPACE", "x").run().expect_status(1);
    assert!(overridden.stderr.contains("the environment chooses the workspace \"x\""), "{overridden}");
}

#[test]
fn objects_move_to_files_and_back() {
    let stack = stack();
    let mv = |arguments: &[&str]| -> Run { stack.terrane([&["state", "mv"], arguments].concat()).run() };
    mv(&["-state-out=other.tfstate", "terraform_data.a", "terraform_data.z"]).success();
    mv(&["-state=other.tfstate", "-state-out=third.db", "terraform_data.z", "terraform_data.y"]).success();
    assert!(!list(&stack).contains(&"terraform_data.a".to_string()));
    assert!(stack.has("other.tfstate.backup"));
    let of = |file: &str| stack.terrane(["state", "list", &format!("-state={file}")]).run().success().stdout;
    assert_eq!((of("other.tfstate"), of("third.db")), (String::new(), "terraform_data.y\n".to_string()));
    mv(&["-state=third.db", "-workspace-out=default", "terraform_data.y", "terraform_data.a"]).success();
    assert!(list(&stack).contains(&"terraform_data.a".to_string()));
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
}

#[test]
fn a_pushed_state_must_be_newer_and_related() {
    let stack = stack();
    let pulled = stack.terrane(["state", "pull"]).run().success();
    let json = pulled.json();
    let push = |file: &str, arguments: &[&str]| stack.terrane([&["state", "push"], arguments, &[file]].concat()).run();
    let with = |name: &str, field: &str, value: serde_json::Value| {
        let mut changed = json.clone();
        changed[field] = value;
        changed["outputs"] = serde_json::json!({});
        stack.write(name, &changed.to_string());
    };
    stack.write("same.json", &pulled.stdout);
    push("same.json", &[]).success();
    with("old.json", "serial", 0.into());
    let refused = push("old.json", &[]).expect_status(1);
    assert!(refused.stderr.contains("cannot import state with serial 0 over newer state with serial"), "{refused}");
    with("equal.json", "version", 4.into());
    let refused = push("equal.json", &[]).expect_status(1);
    assert!(refused.stderr.contains("cannot overwrite existing state with serial 1"), "{refused}");
    with("lineage.json", "lineage", "other".into());
    let refused = push("lineage.json", &[]).expect_status(1);
    assert!(refused.stderr.contains("cannot import state with lineage \"other\" over unrelated state"), "{refused}");
    with("new.json", "serial", 100.into());
    push("new.json", &[]).success();
    assert_eq!(stack.terrane(["state", "pull"]).run().success().json()["serial"], 100);
    push("old.json", &["-force"]).success();
    assert_eq!(stack.terrane(["state", "pull"]).run().success().json()["serial"], 101, "serials only rise");
    stack.write("bad.json", "{");
    let refused = push("bad.json", &[]).expect_status(1);
    assert!(refused.stderr.contains("\"bad.json\" cannot be used"), "{refused}");
    stack.terrane(["state", "push", "-"]).stdin(&pulled.stdout).run().expect_status(1);
}

fn terraform(stack: &Stack, arguments: &[&str]) -> Option<(i32, String)> {
    let mut command = Command::new("terraform");
    command.current_dir(stack.dir()).args(arguments).env("TF_CLI_CONFIG_FILE", "/dev/null");
    let output = command.env("CHECKPOINT_DISABLE", "1").output().ok()?;
    let text = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
    Some((output.status.code()?, text))
}

/// Runs where `terraform` is on the path: what it applied is adopted, what is written back it takes for its own.
#[test]
fn a_state_of_terraform_is_adopted_and_given_back() {
    let stack = Stack::with("main.tf", STACK);
    stack.write("m/main.tf", "resource \"terraform_data\" \"in\" {\n  input = sensitive(\"q\")\n}\n");
    if terraform(&stack, &["init", "-no-color"]).is_none() {
        return;
    }
    let (code, text) = terraform(&stack, &["apply", "-auto-approve", "-no-color"]).unwrap();
    assert_eq!(code, 0, "{text}");
    let adopted = stack.terrane(["state", "import-tfstate", "terraform.tfstate"]).run().success();
    assert!(adopted.stdout.starts_with("Adopted 5 resource instance(s)."), "{adopted}");
    let again = stack.terrane(["state", "import-tfstate", "terraform.tfstate"]).run().success();
    assert!(again.stdout.contains("has all of it already"), "{again}");
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
    let pulled = stack.terrane(["state", "pull"]).run().success().stdout;
    fs::write(stack.dir().join("terraform.tfstate"), pulled).unwrap();
    let (code, text) = terraform(&stack, &["plan", "-detailed-exitcode", "-no-color"]).unwrap();
    assert_eq!(code, 0, "{text}");
    stack.terrane(["apply", "-auto-approve", "-replace=terraform_data.a"]).run().success();
    fs::write(stack.dir().join("terraform.tfstate"), stack.terrane(["state", "pull"]).run().success().stdout).unwrap();
    let (code, text) = terraform(&stack, &["plan", "-detailed-exitcode", "-no-color"]).unwrap();
    assert_eq!(code, 0, "{text}");
    let (_, shown) = terraform(&stack, &["show", "-no-color"]).unwrap();
    assert!(shown.contains("input  = (sensitive value)"), "{shown}");
}

#[test]
fn a_state_with_everything_in_it_is_adopted_as_it_is() {
    let stack = Stack::with("main.tf", "");
    let text = include_str!("state_terraform_1_11.json");
    stack.write("old.tfstate", text);
    stack.terrane(["state", "import-tfstate", "old.tfstate"]).run().success();
    assert_eq!(stack.terrane(["state", "pull"]).run().success().stdout, text);
    stack.write("other.tfstate", &text.replace("\"lineage\": \"", "\"lineage\": \"x"));
    let refused = stack.terrane(["state", "import-tfstate", "other.tfstate"]).run().expect_status(1);
    assert!(refused.stderr.contains("there is a state already"), "{refused}");
}

/// What was replaced and is still there goes beside what replaced it: each deletion is a call of its own.
#[test]
fn an_address_goes_with_all_its_deposed_objects() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let deposed = |n: usize| terrane::state::StoredInstance {
        deposed: Some(format!("00ab12c{n}").into()),
        ..crate::state_rows::data_row("terraform_data.a", terrane::model::Value::TRUE)
    };
    let rows = (0..8).map(deposed).map(crate::state_rows::put).collect();
    let store = crate::state_rows::open(&stack.dir().join(".terrane/state.db"));
    terrane::state::Store::commit(&store, rows).wait().unwrap();
    drop(store);
    let gone = stack.terrane(["destroy", "-auto-approve"]).run().success();
    assert!(gone.stdout.contains("9 destroyed"), "{gone}");
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "");
}

/// What an interrupted run made there is known to nobody else.
#[test]
fn a_workspace_with_open_creations_is_not_deleted() {
    let stack = Stack::with("main.tf", "");
    stack.terrane(["workspace", "new", "blue"]).run().success();
    stack.terrane(["workspace", "select", "default"]).run().success();
    let path = stack.dir().join(".terrane/workspaces/blue/state.db");
    let store = crate::state_rows::open(&path);
    let open = terrane::state::Intent {
        operation: terrane::state::IntentOperation::Create,
        ..crate::state_rows::intent("aws_vpc.main")
    };
    let commit = |change| terrane::state::Store::commit(&store, vec![change]).wait();
    commit(terrane::state::Change::Begin(open)).unwrap();
    let refused = stack.terrane(["workspace", "delete", "blue"]).run().expect_status(1);
    assert!(refused.said().contains("- aws_vpc.main") && refused.said().contains("-force"), "{refused}");
    assert!(path.exists());
    stack.terrane(["workspace", "delete", "-force", "blue"]).run().success();
    let late = commit(crate::state_rows::put(crate::state_rows::data_row("a.b", terrane::model::Value::TRUE)));
    assert!(matches!(late, Err(terrane::state::StateError::Replaced { .. })), "a run that was waiting is told");
}

/// A change whose outcome nobody wrote down: only who reads the object can say what became of it.
#[test]
fn an_interrupted_change_stays_open_until_its_object_is_read() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let path = stack.dir().join(".terrane/state.db");
    let open = || terrane::state::Store::open_intents(&crate::state_rows::open(&path)).wait().unwrap().len();
    let begun = terrane::state::Change::Begin(crate::state_rows::intent("terraform_data.a"));
    terrane::state::Store::commit(&crate::state_rows::open(&path), vec![begun]).wait().unwrap();

    let plan = stack.terrane(["plan"]).run().success();
    assert!(plan.said().contains("what became of calls for terraform_data.a is not known yet"), "{plan}");
    for unread in ["-refresh=false", "-target=terraform_data.b"] {
        let run = stack.terrane(["apply", "-auto-approve", unread]).run().success();
        assert!(run.said().contains("of terraform_data.a was interrupted, and this plan did not look at it"), "{run}");
        assert_eq!(open(), 1, "{unread}");
    }
    stack.terrane(["apply", "-auto-approve"]).run().success();
    assert_eq!(open(), 0);
    let plan = stack.terrane(["plan"]).run().success();
    assert!(!plan.said().contains("not known yet"), "{plan}");
}
