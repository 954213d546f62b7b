//! Whether an update had its effect. A provider may take a change and do nothing: an answer that says no more than
//! "200" is no proof, what the object is afterwards is.

use crate::model::equality::equal;
use crate::model::{Block, Str, Value};

/// Of the changed attributes and blocks those that should be something else now, and are still as they were.
pub fn missed<'c>(block: &Block, changed: &'c [Str], before: &Value, desired: &Value, now: &Value) -> Vec<&'c Str> {
    let get = |object: &Value, name: &Str| object.attr(name).unwrap_or(Value::NULL).unmark_deep().0;
    let is_kept = |name: &Str| !block.attribute(name).is_some_and(|a| a.write_only);
    let is_missed = |name: &&Str| {
        let (before, desired, now) = (get(before, name), get(desired, name), get(now, name));
        // What is taken away may come back with a value of the provider's own choice.
        is_kept(name) && !desired.is_null() && equal(&before, &now) && !equal(&desired, &now)
    };
    changed.iter().filter(is_missed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::schema_words::{single_block, string};

    fn object(fields: &[(&str, Value)]) -> Value {
        Value::object(fields.iter().cloned())
    }

    #[test]
    fn what_is_still_as_it_was_is_missed() {
        let schema =
            single_block().attr("secret", string().optional().write_only(), "A secret.").into_schema("A thing.");
        let changed = ["size", "name", "left", "secret"].map(Str::from);
        let before = object(&[("size", 1.into()), ("name", "a".into()), ("left", "x".into())]);
        let desired =
            object(&[("size", 2.into()), ("name", "B".into()), ("left", Value::NULL), ("secret", "s".into())]);
        let now = object(&[("size", 1.into()), ("name", "b".into()), ("left", "x".into())]);
        assert_eq!(missed(&schema.block, &changed, &before, &desired, &now), [&changed[0]]);
    }
}
