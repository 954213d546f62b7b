//! What people see on a terminal: colour, width, and the block of what is in flight.

use super::support::cli::Stack;
use super::support::terminal::on_terminal;

const WORKING: &str = r#"
resource "terraform_data" "a_name_that_is_much_too_long_for_a_narrow_window" {
  input = 1

  provisioner "local-exec" {
    command = "true"
  }
}
"#;

const ERASE: &str = "\u{1b}[J";

/// Whether anything sets a colour or a weight.
fn is_coloured(text: &str) -> bool {
    let ends =
        text.split("\u{1b}[").skip(1).map(|rest| rest.find(|c: char| c.is_ascii_alphabetic()).map(|i| &rest[i..=i]));
    ends.flatten().any(|end| end == "m")
}

#[test]
fn colour_stands_on_a_terminal_and_goes_where_it_is_not_wanted() {
    let stack = Stack::with("main.tf", WORKING);
    let seen = |arguments: &[&str], variables: &[(&str, &str)]| on_terminal(&stack, arguments, variables, "").text;
    let term = ("TERM", "xterm-256color");
    assert!(is_coloured(&seen(&["plan"], &[term])));
    assert!(is_coloured(&seen(&["plan"], &[term, ("NO_COLOR", "")])), "an empty NO_COLOR says nothing");
    for plain in [
        seen(&["plan"], &[term, ("NO_COLOR", "1")]),
        seen(&["plan", "-no-color"], &[term]),
        seen(&["-no-color", "plan"], &[term]),
        seen(&["plan"], &[term, ("TF_CLI_ARGS", "-no-color")]),
        seen(&["plan"], &[("TERM", "dumb")]),
    ] {
        assert!(plain.contains("Plan: 1 to add, 0 to change, 0 to destroy.") && !is_coloured(&plain), "{plain}");
    }
}

#[test]
fn what_is_in_flight_is_a_block_with_and_without_colour() {
    let apply = |variables: &[(&str, &str)]| {
        let stack = Stack::with("main.tf", WORKING);
        on_terminal(&stack, &["apply", "-auto-approve"], variables, "").text
    };
    let term = ("TERM", "xterm-256color");
    let wide = ("COLUMNS", "120");
    let in_flight = "window: creating for 0s";
    for variables in [&[term, wide][..], &[term, wide, ("NO_COLOR", "1")]] {
        let seen = apply(variables);
        assert!(seen.contains(ERASE) && seen.contains(in_flight), "{seen}");
        assert!(!seen.contains("window: Creating..."), "the block tells it: {seen}");
        assert!(seen.contains("window: Creation complete after") && seen.contains("1 added, 0 changed"), "{seen}");
    }
    for variables in [&[("TERM", "dumb")][..], &[term, ("TF_IN_AUTOMATION", "1")]] {
        let seen = apply(variables);
        assert!(!seen.contains(ERASE) && seen.contains("window: Creating..."), "{seen}");
    }
}

#[test]
fn lines_of_the_block_keep_to_the_width() {
    let stack = Stack::with("main.tf", WORKING);
    let variables = [("TERM", "xterm"), ("NO_COLOR", "1"), ("COLUMNS", "40")];
    let seen = on_terminal(&stack, &["apply", "-auto-approve"], &variables, "").text;
    assert!(seen.lines().any(|l| l.ends_with("  terraform_data.a_name_that_is_much_to…")), "{seen}");
}

#[test]
fn errors_fold_at_the_width() {
    let stack = Stack::with("main.tf", "terraform {\n  required_version = \"> 99.0.0\"\n}\n");
    let longest = |columns: &str| {
        let seen = on_terminal(&stack, &["plan"], &[("NO_COLOR", "1"), ("COLUMNS", columns)], "");
        assert_eq!(seen.status, Some(1), "{}", seen.text);
        seen.text.lines().map(|l| l.chars().count()).max().unwrap_or_default()
    };
    let (narrow, wide) = (longest("40"), longest("200"));
    assert!(narrow <= 40 && wide > 40, "{narrow} {wide}");
}

#[test]
fn what_planning_reads_is_shown_while_it_takes_long() {
    let stack = Stack::with("main.tf", "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n");
    stack.terrane(["apply", "-sandbox", "-auto-approve"]).run().success();
    let slow = ("TERRANE_SANDBOX_FAULTS", "latency *:read=1s");
    let seen = on_terminal(&stack, &["plan", "-sandbox"], &[("TERM", "xterm"), ("NO_COLOR", "1"), slow], "");
    assert!(seen.text.contains("aws_vpc.main: refreshing state for 0s") && seen.text.contains(ERASE), "{}", seen.text);
    assert_eq!(seen.status, Some(0), "{}", seen.text);
    let piped = stack.terrane(["plan", "-sandbox"]).env(slow.0, slow.1).run().success();
    assert!(piped.stdout.starts_with("\nNo changes.") || piped.stdout.starts_with("No changes."), "{piped}");
}
