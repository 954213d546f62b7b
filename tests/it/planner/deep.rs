//! Values that nest as deep as is allowed: planned, evaluated while applying, kept and read again.

use super::{Stack, changes, options, said};

/// Locals that hold each other, around an id that only the apply knows; an object and an output of the outermost.
fn nested(levels: usize, kept: &str) -> String {
    let mut text = String::from("resource \"terraform_data\" \"a\" {\n}\nlocals {\n  l0 = terraform_data.a.id\n");
    for level in 1..=levels {
        text.push_str(&format!("  l{level} = [local.l{}]\n", level - 1));
    }
    let kept = kept.replace('@', &format!("local.l{levels}"));
    let uses = "resource \"terraform_data\" \"b\" {\n  input = @\n}\noutput \"o\" {\n  value = @\n}\n";
    text + "}\n" + &uses.replace('@', &kept)
}

#[test]
fn what_nests_to_the_limit_is_evaluated_kept_and_read_again() {
    for (levels, kept) in [(390, "jsonencode(@)"), (55, "@")] {
        let stack = Stack::new(&[("main.tf", &nested(levels, kept))]);
        let (_, outcome) = stack.apply(&options());
        assert!(outcome.succeeded(), "{}", said(&outcome.diagnostics));
        assert_eq!(changes(&stack.plan(&options())), "");
    }
}

#[test]
fn what_nests_beyond_a_limit_is_refused() {
    for (levels, kept, problem) in [
        (410, "jsonencode(@)", "error the value is nested too deeply"),
        (60, "@", "error the value is nested too deeply to be kept\nerror the value is nested too deeply to be kept"),
    ] {
        let plan = Stack::new(&[("main.tf", &nested(levels, kept))]).plan(&options());
        assert!(said(&plan.diagnostics).contains(problem), "{}", said(&plan.diagnostics));
    }
}
