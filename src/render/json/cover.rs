//! Plans and states whose secrets are covered, as `show -json` gives them unless it is asked for all.
//!
//! What is marked as sensitive becomes a text in its place; null stays null, and what is unknown stays unknown. The
//! marks stay, so that `before_sensitive` and its like say what is covered. An output that only its declaration makes
//! sensitive is told there, but keeps its value: the same value stands in clear where it comes from.

use crate::model::{Marks, Value};
use crate::plan::{OutputChange, Plan};
use crate::render::value_text::SENSITIVE;

/// The plan with its secrets covered.
pub fn cover_plan(mut plan: Plan) -> Plan {
    let deferred = plan.deferred.iter_mut().map(|d| &mut d.change);
    for change in plan.changes.iter_mut().chain(deferred) {
        (change.before, change.after) = (cover(&change.before), cover(&change.after));
    }
    for drift in &mut plan.drift {
        (drift.before, drift.after) = (cover(&drift.before), cover(&drift.after));
    }
    plan.outputs.iter_mut().for_each(cover_output);
    plan.variables = plan.variables.map(|_, value| cover(value));
    plan
}

/// The value with its secrets covered. Values without any are shared.
pub fn cover(value: &Value) -> Value {
    let (bare, marks) = value.unmark();
    if is_secret(marks) {
        return match bare {
            Value::Null(_) | Value::Unknown(_) => value.clone(),
            _ => Value::from(SENSITIVE).mark(marks),
        };
    }
    match value.all_marks().is_secret() {
        true => value.map_children(&mut cover),
        false => value.clone(),
    }
}

fn is_secret(marks: Marks) -> bool {
    marks.is_secret() && !marks.contains(Marks::DECLARED)
}

/// Where one side is a secret the other is covered as well: the value can be the same, and only its declaration new.
fn cover_output(output: &mut OutputChange) {
    let secret = [&output.before, &output.after].iter().any(|side| is_secret(side.unmark().1));
    for side in [&mut output.before, &mut output.after] {
        *side = match (secret, side.bare()) {
            (true, Value::Null(_) | Value::Unknown(_)) => continue,
            (true, _) => Value::from(SENSITIVE).mark(Marks::SENSITIVE),
            (false, _) => cover(side),
        };
    }
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
            ("a", secret(SENSITIVE)),
            ("n", Value::Null(Type::String).mark(Marks::SENSITIVE)),
            ("u", Value::unknown(Type::String).mark(Marks::SENSITIVE)),
            ("l", Value::tuple(vec!["open".into(), secret(SENSITIVE)])),
        ]);
        assert_eq!(cover(&value), expected);
    }

    #[test]
    fn an_output_is_covered_where_a_side_of_it_is_secret() {
        let declared = || Value::from("open").mark(Marks::SENSITIVE | Marks::DECLARED);
        let sides = |before: Value, after: Value| {
            let (name, action) = ("o".into(), Action::NoOp);
            let mut output = OutputChange { name, action, before, after, sensitive: true };
            cover_output(&mut output);
            (output.before, output.after)
        };
        assert_eq!(sides(declared(), declared()), (declared(), declared()));
        assert_eq!(sides(declared(), secret("open")), (secret(SENSITIVE), secret(SENSITIVE)));
        assert_eq!(sides(Value::NULL, secret("hush")), (Value::NULL, secret(SENSITIVE)));
        let inside = Value::object([("a", secret("hush"))]);
        assert_eq!(sides(Value::NULL, inside).1, Value::object([("a", secret(SENSITIVE))]));
    }
}
