//! Where paths begin: a folder behind the command, `-chdir`, and files that are named.

use super::support::cli::Stack;

const GREETING: &str = r#"
variable "name" {}

resource "terraform_data" "a" {
  input = "hello ${var.name} from ${file("place.txt")}"
}
"#;

fn stack() -> Stack {
    let stack = Stack::new();
    stack.write("env/main.tf", GREETING);
    stack.write("env/place.txt", "env");
    stack.write("env/vars.tfvars", "name = \"inner\"\n");
    stack.write("vars.tfvars", "name = \"outer\"\n");
    stack
}

fn greeting(stack: &Stack, arguments: &[&str]) -> String {
    let text = stack.terrane(arguments).run().success().stdout;
    let input = text.lines().find(|l| l.trim_start().starts_with("input")).unwrap_or_default();
    input.split('"').nth(1).unwrap_or_default().to_string()
}

#[test]
fn a_folder_behind_the_command_is_the_root_module_and_files_lie_where_it_was_started() {
    let stack = stack();
    stack.terrane(["plan", "-var-file=vars.tfvars", "-out=p", "env"]).run().success();
    assert!(stack.has("p") && !stack.has("env/p"));
    stack.terrane(["apply", "p"]).run().success();
    assert!(stack.has("env/.terrane/state.db") && !stack.has(".terrane"));
    assert_eq!(greeting(&stack, &["show", "env"]), "hello outer from env");
    stack.terrane(["plan", "-detailed-exitcode", "-var-file=vars.tfvars", "env"]).run().success();
    let missing = stack.terrane(["plan", "-var-file=env.tfvars", "env"]).run().expect_status(1);
    assert!(missing.said().contains("env.tfvars"), "{missing}");
    stack.terrane(["destroy", "-auto-approve", "-var-file=vars.tfvars", "env"]).run().success();
    assert_eq!(stack.terrane(["state", "list"]).within("env").run().success().stdout, "");
}

#[test]
fn with_chdir_everything_lies_in_that_folder() {
    let stack = stack();
    stack.terrane(["-chdir=env", "apply", "-auto-approve", "-var-file=vars.tfvars"]).run().success();
    assert_eq!(greeting(&stack, &["-chdir=env", "show"]), "hello inner from env");
    stack.terrane(["-chdir=env", "plan", "-var-file=../vars.tfvars", "-out=p"]).run().success();
    assert!(stack.has("env/p") && !stack.has("p"));
    let shown = stack.terrane(["-chdir=env", "show", "p"]).run().success();
    assert!(shown.stdout.contains("0 to add, 1 to change"), "{shown}");
    stack.terrane(["-chdir=env", "apply", "p"]).run().success();
    assert_eq!(greeting(&stack, &["-chdir=env", "show"]), "hello outer from env");
    // Both at once: the folder lies in the one that is entered.
    stack.write("env/sub/main.tf", "output \"here\" {\n  value = [abspath(path.root), path.cwd]\n}\n");
    let planned = stack.terrane(["-chdir", "env", "plan", "sub"]).run().success();
    assert!(planned.stdout.contains("/env/sub\"") && planned.stdout.contains("/stack\""), "{planned}");
}

#[test]
fn states_are_read_and_written_where_chdir_says() {
    let stack = stack();
    stack.terrane(["-chdir=env", "apply", "-auto-approve", "-var=name=x"]).run().success();
    let state = stack.terrane(["-chdir=env", "state", "pull"]).run().success().stdout;
    stack.write("env/saved.tfstate", &state);
    stack.terrane(["-chdir=env", "destroy", "-auto-approve", "-var=name=x"]).run().success();
    stack.terrane(["-chdir=env", "state", "push", "-force", "saved.tfstate"]).run().success();
    assert_eq!(stack.terrane(["-chdir=env", "state", "list"]).run().success().stdout, "terraform_data.a\n");
    stack.write("other/main.tf", "");
    stack.write("other/saved.tfstate", &state);
    stack.terrane(["-chdir=other", "state", "import-tfstate", "saved.tfstate"]).run().success();
    assert_eq!(stack.terrane(["-chdir=other", "state", "list"]).run().success().stdout, "terraform_data.a\n");
}

#[test]
fn a_folder_that_lost_its_configuration_can_be_destroyed_and_nothing_else() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n");
    stack.terrane(["apply", "-auto-approve"]).run().success();
    std::fs::remove_file(stack.dir().join("main.tf")).unwrap();
    for command in ["plan", "apply", "validate"] {
        let refused = stack.terrane([command]).run();
        assert_eq!(refused.status, Some(1), "{refused}");
        assert!(refused.stderr.contains("no configuration files in this folder"), "{refused}");
    }
    let values = stack.terrane(["console", "-e", "1 + 1"]).run().success();
    assert_eq!(values.stdout, "2\n");
    stack.terrane(["plan", "-destroy", "-out=all.plan"]).run().success();
    let destroyed = stack.terrane(["apply", "all.plan"]).run().success();
    assert!(destroyed.stdout.contains("1 destroyed"), "{destroyed}");
    let again = stack.terrane(["destroy", "-auto-approve"]).run().success();
    assert!(again.stdout.contains("0 destroyed"), "{again}");
}
