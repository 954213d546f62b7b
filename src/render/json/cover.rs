//! Plans and states whose secrets are covered, as `show -json` gives them unless it is asked for all.
//!
//! What is marked as sensitive becomes a text in its place; null stays null, and what is unknown stays unknown. The
//! marks stay, so that `before_sensitive` and its like say what is covered. An output that only its declaration makes
//! sensitive is told there, but keeps its value: the same value stands in clear where it comes from.

use crate::model::{Marks, Value};
use crate::plan::{Change, Deferred, Drift, OutputChange, Plan};

/// What stands for a secret.
pub const COVER: &str = "(sensitive value)";

/// The plan with its secrets covered.
pub fn cover_plan(plan: &Plan) -> Plan {
    let deferred = |d: &Deferred| Deferred { change: cover_change(&d.change), ..d.clone() };
    Plan {
        changes: plan.changes.iter().map(cover_change).collect(),
        drift: plan.drift.iter().map(cover_drift).collect(),
        outputs: plan.outputs.iter().map(cover_output).collect(),
        variables: plan.variables.map(|_, value| cover(value)),
        deferred: plan.deferred.iter().map(deferred).collect(),
        ..plan.clone()
    }
}

/// The value with its secrets covered. Values without any are shared.
pub fn cover(value: &Value) -> Value {
    let (bare, marks) = value.unmark();
    if is_secret(marks) {
        return match bare {
            Value::Null(_) | Value::Unknown(_) => value.clone(),
            _ => Value::from(COVER).mark(marks),
        };
    }
    match value.all_marks().contains(Marks::SENSITIVE) {
        true => value.map_children(&mut cover),
        false => value.clone(),
    }
}

fn is_secret(marks: Marks) -> bool {
    marks.contains(Marks::SENSITIVE) && !marks.contains(Marks::DECLARED)
}

fn cover_change(change: &Change) -> Change {
    Change { before: cover(&change.before), after: cover(&change.after), ..change.clone() }
}

fn cover_drift(drift: &Drift) -> Drift {
    Drift { before: cover(&drift.before), after: cover(&drift.after), ..drift.clone() }
}

/// Where one side is a secret the other is covered as well: the value can be the same, and only its declaration new.
fn cover_output(output: &OutputChange) -> OutputChange {
    let sides = [&output.before, &output.after];
    let secret = sides.iter().any(|side| is_secret(side.unmark().1));
    let [before, after] = sides.map(|side| match (secret, side.bare()) {
        (true, Value::Null(_) | Value::Unknown(_)) => side.clone(),
        (true, _) => Value::from(COVER).mark(Marks::SENSITIVE),
        (false, _) => cover(side),
    });
    OutputChange { before, after, ..output.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Type;
    use crate::plan::Action;

    fn secret(text: &str) -> Value {
        Value::from(text).mark(Marks::SENSITIVE)
    }

    #[test]
    fn secrets_are_covered_where_they_stand() {
        let value = Value::object([
            ("a", secret("hush")),
            ("n", Value::Null(Type::String).mark(Marks::SENSITIVE)),
            ("u", Value::unknown(Type::String).mark(Marks::SENSITIVE)),
            ("l", Value::tuple(vec!["open".into(), secret("hush")])),
        ]);
        let expected = Value::object([
            ("a", secret(COVER)),
            ("n", Value::Null(Type::String).mark(Marks::SENSITIVE)),
            ("u", Value::unknown(Type::String).mark(Marks::SENSITIVE)),
            ("l", Value::tuple(vec!["open".into(), secret(COVER)])),
        ]);
        assert_eq!(cover(&value), expected);
    }

    #[test]
    fn an_output_is_covered_where_a_side_of_it_is_secret() {
        let declared = || Value::from("open").mark(Marks::SENSITIVE | Marks::DECLARED);
        let sides = |before: Value, after: Value| {
            let (name, action) = ("o".into(), Action::NoOp);
            let output = cover_output(&OutputChange { name, action, before, after, sensitive: true });
            (output.before, output.after)
        };
        assert_eq!(sides(declared(), declared()), (declared(), declared()));
        assert_eq!(sides(declared(), secret("open")), (secret(COVER), secret(COVER)));
        assert_eq!(sides(Value::NULL, secret("hush")), (Value::NULL, secret(COVER)));
        let inside = Value::object([("a", secret("hush"))]);
        assert_eq!(sides(Value::NULL, inside).1, Value::object([("a", secret(COVER))]));
    }
}
