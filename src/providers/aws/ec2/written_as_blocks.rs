//! Attributes that hold a set of objects and may be written as blocks, as `ingress { … }` and `route { … }` are. What a
//! block leaves out has the empty value of its type in plans and states, as other tools keep it: `""`, `0`, `false`,
//! `[]`. Written as arguments, `ingress = []` says that there are none, where leaving it out says nothing.

use crate::model::schema::fit_type;
use crate::model::{Object, Type, Value, set};
use crate::provider::PlannedChange;

/// The attribute's value for these objects; `normal` spells one object as the service does.
pub(super) fn value(objects: Vec<Object>, ty: &Type, normal: impl Fn(Value) -> Value) -> Value {
    let objects = Value::tuple(objects.iter().map(Object::value).collect());
    filled(&fit_type(Some(&objects), ty), normal)
}

/// Plans such attributes in the form in which they are kept.
pub(super) fn plan(change: &mut PlannedChange, names: &[&str], normal: impl Fn(Value) -> Value) {
    let (planned, marks) = change.planned.unmark();
    let Value::Object(fields) = planned else { return };
    let mut fields = (**fields).clone();
    for name in names {
        if let Some(value) = fields.get(name) {
            let value = filled(value, &normal);
            fields.set((*name).into(), value);
        }
    }
    change.planned = Value::fields(fields).mark(marks);
}

fn filled(value: &Value, normal: impl Fn(Value) -> Value) -> Value {
    let (bare, marks) = value.unmark();
    let Value::Set(objects) = bare else { return value.clone() };
    let objects_filled = objects.items.iter().map(|object| normal(with_empty_values(object))).collect();
    set::set(objects.element.clone(), objects_filled).mark(marks)
}

fn with_empty_values(object: &Value) -> Value {
    match object {
        Value::Object(fields) => Value::fields(fields.map(|_, value| match value {
            Value::Null(ty) => empty(ty),
            other => other.clone(),
        })),
        other => other.clone(),
    }
}

fn empty(ty: &Type) -> Value {
    match ty {
        Type::String => Value::string(""),
        Type::Number => Value::int(0),
        Type::Bool => Value::from(false),
        Type::List(element) => Value::list((**element).clone(), Vec::new()),
        Type::Set(element) => set::set((**element).clone(), Vec::new()),
        other => Value::Null(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectBuilder;

    fn ty() -> Type {
        Type::set(Type::object([
            ("name", Type::String),
            ("on", Type::Bool),
            ("port", Type::Number),
            ("ranges", Type::list(Type::String)),
        ]))
    }

    fn planned(config: Value) -> Value {
        let planned = Value::object([("rule", config.clone())]);
        let mut change = PlannedChange { prior: None, config, planned, replace: vec![], diagnostics: vec![] };
        plan(&mut change, &["rule"], |object| object);
        change.planned.attr("rule").unwrap()
    }

    #[test]
    fn what_is_left_out_is_planned_as_it_is_kept() {
        let kept = value(vec![ObjectBuilder::new().set("port", 80).build()], &ty(), |object| object);
        let object = Object::new(&kept.as_items().unwrap()[0]);
        assert_eq!((object.str("name"), object.bool("on"), object.i64("port")), (Some(""), Some(false), Some(80)));
        assert!(object.get("ranges").is_some_and(|r| r.as_items() == Some(&[])));

        let written = fit_type(Some(&Value::tuple(vec![Value::object([("port", Value::int(80))])])), &ty());
        assert_eq!(planned(written), kept);
        let none = set::set(Type::Dynamic, Vec::new());
        assert_eq!(planned(none.clone()), none, "none at all is something else than nothing said");
        assert!(planned(Value::unknown(ty())).is_unknown());
    }
}
