//! Sensitive values have no place in the journal: what is written there of an object, and how the next run, which has
//! the configuration at hand, puts back what is missing.

use crate::model::{Block, Value};

/// The object with nulls for all that is marked sensitive, and for what the schema calls sensitive or write-only.
pub fn without_secrets(object: &Value, block: Option<&Block>) -> Value {
    let (bare, marks) = object.unmark();
    if marks.is_secret() {
        return Value::Null(bare.ty());
    }
    match (bare, block) {
        (Value::Object(fields), Some(block)) => Value::fields(fields.map(|name, value| {
            if block.attribute(name).is_some_and(|a| a.sensitive || a.write_only) {
                return Value::Null(value.ty());
            }
            without_secrets(value, block.nested(name).map(|nested| &nested.block))
        })),
        _ => bare.map_children(&mut |child| without_secrets(child, block)),
    }
}

/// The object that the journal has, with what is null there as the plan says it.
pub fn with_secrets(object: &Value, planned: &Value) -> Value {
    let planned = planned.bare();
    match (object, planned) {
        (Value::Null(_), planned) if planned.is_wholly_known() => planned.unmark_deep().0,
        (Value::Object(fields), Value::Object(known)) => Value::fields(
            fields.map(|name, value| known.get(name).map_or_else(|| value.clone(), |k| with_secrets(value, k))),
        ),
        (Value::List(_) | Value::Tuple(_), Value::List(_) | Value::Tuple(_)) => {
            let mut known = planned.as_items().unwrap_or(&[]).iter();
            object.map_children(&mut |item| known.next().map_or_else(|| item.clone(), |k| with_secrets(item, k)))
        }
        _ => object.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Marks, Type};

    #[test]
    fn what_is_hidden_in_the_journal_is_put_back_from_the_plan() {
        let secret = |text: &str| Value::from(text).mark(Marks::SENSITIVE);
        let inner = Value::object([("open", Value::from("a")), ("key", secret("hush"))]);
        let object = Value::object([("name", secret("n")), ("list", Value::tuple(vec![inner, Value::from("b")]))]);
        let hidden = without_secrets(&object, None);
        assert_eq!(hidden.attr("name"), Some(Value::Null(Type::String)));
        let list = hidden.attr("list").unwrap();
        let first = &list.as_items().unwrap()[0];
        assert_eq!((first.attr("open"), first.attr("key")), (Some("a".into()), Some(Value::Null(Type::String))));
        assert_eq!(with_secrets(&hidden, &object), object.unmark_deep().0);
    }
}
