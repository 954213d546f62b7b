//! The console: values as `terraform console` prints them, on the state and on a plan, from arguments and from pipes.

use super::support::cli::Stack;
use super::support::terminal::at_prompts;

const STACK: &str = r#"
terraform {
  required_providers {
    files = {
      source = "hashicorp/local"
    }
  }
}
variable "names" {
  type    = list(string)
  default = null
}
variable "secret" {
  default   = "hunter2"
  sensitive = true
}
locals {
  mixed = { a = "x", "b c" = null, d = { e = true } }
}
resource "terraform_data" "a" {
  input = { size = 3 }
}
module "m" {
  source = "./m"
}
"#;

fn stack() -> Stack {
    let stack = Stack::with("main.tf", STACK);
    stack.write("m/main.tf", "output \"o\" {\n  value = 7\n}\n");
    stack
}

#[test]
fn values_are_shown_as_others_show_them() {
    let input = r#"local.mixed
"a\nb"
["a\nb"]
[var.secret]
var.names
type(local.mixed)
type([1, tomap({ a = { b = 1 } })])
1/0
-1/0
[1/0 > 5, 5 % 0, "${1/0}", tonumber("inf")]
toset(["b", "a"])
terraform_data.a.output
module.m.o
{
  a = 1
  b = [
    2,
  ]
}
provider::files::direxists("m")
provider::terraform::encode_tfvars({ a = 1 })
"#;
    let run = stack().terrane(["console"]).stdin(input).run().success();
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn errors_point_into_what_was_typed_and_the_session_goes_on() {
    let input = "1 + nothing.x\n(\n1 +\n)\njsonencode(1/0)\nprovider::files::nothing()\n0/0\n2\nexit\n3\n";
    let run = stack().terrane(["console"]).stdin(input).run().expect_status(1);
    insta::assert_snapshot!(run.transcript());
}

#[test]
fn the_state_is_seen_and_with_plan_what_will_be() {
    let stack = stack();
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let main = STACK.replace("size = 3", "size = 4");
    stack.write("main.tf", &main);
    let asked = ["-e", "terraform_data.a.input.size", "-e", "upper(\"é\")"];
    let now = stack.terrane(["console"].into_iter().chain(asked)).run().success();
    assert_eq!(now.stdout, "3\n\"É\"\n");
    let then = stack.terrane(["console", "-plan"].into_iter().chain(asked)).run().success();
    assert_eq!(then.stdout, "4\n\"É\"\n");
}

/// What is seen when each of these texts is typed at a prompt.
fn session(stack: &Stack, typed: &[&str]) -> String {
    // What a line editor says when it begins to read a line.
    let prompt = "\u{1b}[?2004h";
    let seen = at_prompts(stack, &["console"], &[("TERM", "xterm")], prompt, &typed.join("|"));
    assert_eq!(seen.status, Some(0), "{}", seen.text);
    seen.text
}

#[test]
fn names_are_completed_lines_go_on_and_the_history_is_kept() {
    let stack = stack();
    // The tab key completes a local value, a function of a provider, and an attribute of a value.
    let typed = ["local.mi\t", "provider::fi\t\"m\")", "local.mixed.d.\t", "[\n1 + 1,\n]", "exit"];
    let seen = session(&stack, &typed);
    for shown in ["local.mixed", "\"b c\" = null", "provider::files::direxists(", "local.mixed.d.e"] {
        assert!(seen.contains(shown), "{shown}: {seen}");
    }
    assert!(seen.contains("\ntrue\n") && seen.contains("\n[\n  2,\n]\n"), "{seen}");
    let history = stack.read(".terrane/console_history");
    for line in ["local.mixed", "provider::files::direxists(\"m\")", "local.mixed.d.e", "exit"] {
        assert!(history.lines().any(|kept| kept == line), "{line}: {history}");
    }
    // The arrow key brings back what was typed in the session before; a space in front keeps a line out.
    let seen = session(&stack, &[" 40 + 2", "\u{1b}[A\u{1b}[A", "\u{4}"]);
    assert!(seen.contains("\n42\n") && seen.contains("\n[\n  2,\n]\n"), "{seen}");
    assert!(!stack.read(".terrane/console_history").contains("40 + 2"));
}
