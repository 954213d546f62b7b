//! `terraform_remote_state`: what other configurations have put out, from their states.

use super::Pair;

/// As Terraform 1.11 writes it.
const THEIRS: &str = r#"{
  "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "feb73646-23eb-b799-2c3d-2af6bf1079e5",
  "outputs": {
    "list": {"value": [1, "x"], "type": ["tuple", ["number", "string"]]},
    "secret": {"value": "s", "type": "string", "sensitive": true}
  },
  "resources": [], "check_results": null
}"#;

const TF: &str = r#"
resource "terraform_data" "path" {
  input = "their.tfstate"
}
data "terraform_remote_state" "theirs" {
  backend  = "local"
  config   = { path = "their.tfstate" }
  defaults = { list = 5, more = 7 }
}
data "terraform_remote_state" "later" {
  backend = "local"
  config  = { path = terraform_data.path.output }
}
data "terraform_remote_state" "blue" {
  backend   = "local"
  workspace = "blue"
}
data "terraform_remote_state" "ours" {
  backend = "local"
  config  = { path = "other/.terrane/state.db" }
}
output "all" {
  value = {
    theirs = data.terraform_remote_state.theirs.outputs
    later  = data.terraform_remote_state.later.outputs.list
    blue   = keys(data.terraform_remote_state.blue.outputs)
    ours   = data.terraform_remote_state.ours.outputs
    asked  = data.terraform_remote_state.theirs.workspace
  }
}
"#;

const YAML: &str = r#"
resource:
  terraform_data:
    path: {input: their.tfstate}
data:
  terraform_remote_state:
    theirs:
      backend: local
      config: {path: their.tfstate}
      defaults: {list: 5, more: 7}
    later:
      backend: local
      config: {path: '${terraform_data.path.output}'}
    blue: {backend: local, workspace: blue}
    ours:
      backend: local
      config: {path: other/.terrane/state.db}
output:
  all:
    value:
      theirs: ${data.terraform_remote_state.theirs.outputs}
      later: ${data.terraform_remote_state.later.outputs.list}
      blue: ${keys(data.terraform_remote_state.blue.outputs)}
      ours: ${data.terraform_remote_state.ours.outputs}
      asked: ${data.terraform_remote_state.theirs.workspace}
"#;

#[test]
fn outputs_of_others_are_read_from_their_states() {
    let mut pair = Pair::new(TF, YAML);
    pair.file("their.tfstate", THEIRS);
    pair.file("terraform.tfstate.d/blue/terraform.tfstate", THEIRS);
    pair.file("other/main.tf", "output \"own\" {\n  value = \"written here\"\n}\n");
    for stack in [&pair.tf, &pair.yaml] {
        stack.terrane(["apply", "-auto-approve"]).within("other").run().success();
    }
    pair.run(&["apply", "-auto-approve"]).success();
    let all = pair.run(&["output", "-json", "all"]).success().json();
    let expected = serde_json::json!({
        "theirs": {"list": [1, "x"], "more": 7, "secret": "s"},
        "later": [1, "x"],
        "blue": ["list", "secret"],
        "ours": {"own": "written here"},
        "asked": null,
    });
    assert_eq!(all, expected);
    let again = pair.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(again.status, Some(0), "{again}");
}

#[test]
fn a_state_that_cannot_be_read_is_told_with_its_block() {
    let told = |backend: &str, rest: &str| {
        let tf = format!("data \"terraform_remote_state\" \"x\" {{\n  backend = \"{backend}\"\n  {rest}\n}}\n");
        let yaml = format!(
            "data:\n  terraform_remote_state:\n    x:\n      backend: {backend}\n      {}\n",
            rest.replace(" = ", ": ")
        );
        let mut pair = Pair::new(&tf, &yaml);
        pair.file("not.tfstate", "{}");
        pair.run(&["plan"]).expect_status(1).said()
    };
    for (backend, rest, problem) in [
        ("local", "config = { path = \"none.tfstate\" }", "the backend has no state of this workspace"),
        ("local", "config = { path = \"not.tfstate\" }", "is not a state"),
        ("local", "config = { nope = \"x\" }", "\"nope\""),
        ("local", "config = \"x\"", "the arguments of a backend are an object"),
        ("local", "workspace = \"a/b\"", "a/b"),
        ("foo", "", "there is no backend \"foo\""),
        ("http", "config = { address = \"http://127.0.0.1:1/x\" }", "127.0.0.1:1"),
    ] {
        let said = told(backend, rest);
        assert!(said.contains(problem), "{rest}: {said}");
        assert!(said.contains("terraform_remote_state.x"), "{said}");
    }
}
