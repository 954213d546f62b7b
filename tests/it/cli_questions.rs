//! Questions: who is asked, and what happens where nobody is there to answer.

use super::support::cli::Stack;
use super::support::terminal::{self, Seen};

const ASKING: &str = r#"
variable "name" {
  description = "Whom to greet."
}

resource "terraform_data" "a" {
  input = "hello ${var.name}"
}
"#;

/// On a terminal that can do nothing but print.
fn on_terminal(stack: &Stack, arguments: &[&str], typed: &str) -> (String, Option<i32>) {
    let Seen { text, status } = terminal::on_terminal(stack, arguments, &[("TERM", "dumb")], typed);
    (text, status)
}

#[test]
fn only_yes_is_a_yes() {
    let stack = Stack::with("main.tf", ASKING);
    let (refused, status) = on_terminal(&stack, &["apply"], "world|y");
    assert!(refused.contains("var.name\n  Whom to greet.\n\n  Enter a value:"), "{refused}");
    assert!(refused.contains("cancelled, nothing was changed") && status == Some(1), "{refused}");
    assert_eq!(stack.terrane(["state", "list"]).run().stdout, "");
    let (applied, status) = on_terminal(&stack, &["apply"], "world|yes");
    assert!(applied.contains("Do you want to carry out these changes?"), "{applied}");
    assert!(applied.contains("Resources: 1 added") && status == Some(0), "{applied}");
    let shown = stack.terrane(["state", "show", "terraform_data.a"]).run().stdout;
    assert!(shown.contains("\"hello world\""), "{shown}");
}

#[test]
fn nobody_is_asked_where_input_is_off_or_no_terminal_is_there() {
    let stack = Stack::with("main.tf", ASKING);
    let (told, status) = on_terminal(&stack, &["plan", "-input=false"], "world");
    assert!(told.contains("variable \"name\" has no value") && status == Some(1), "{told}");
    let piped = stack.terrane(["apply", "-var=name=x"]).stdin("yes\n").run().expect_status(1);
    assert!(piped.stderr.contains("nobody is there to approve the plan"), "{piped}");
    assert!(piped.stderr.contains("use -auto-approve"), "{piped}");
}
