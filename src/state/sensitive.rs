//! Sensitive values in the state: stored bare, with the paths to them beside.
//!
//! The JSON of paths is that of Terraform's `sensitive_attributes`: steps `get_attr` and `index`.

use serde_json::{Value as Json, json};

use crate::model::{Marks, Path, PathStep, Str, Value};

/// The value without any marks, and the paths to what was sensitive, outermost only. Elements of sets have no
/// path that lasts, so the whole set counts as sensitive.
pub fn split(value: &Value) -> (Value, Vec<Path>) {
    if !value.has_marks() {
        return (value.clone(), Vec::new());
    }
    let mut paths = Vec::new();
    find(value, &mut Vec::new(), &mut paths);
    (value.unmark_deep().0, paths)
}

fn find(value: &Value, at: &mut Vec<PathStep>, paths: &mut Vec<Path>) {
    let (bare, marks) = value.unmark();
    let in_set = matches!(bare, Value::Set(_)) && bare.all_marks().contains(Marks::SENSITIVE);
    if marks.contains(Marks::SENSITIVE) || in_set {
        paths.push(Path(at.clone()));
        return;
    }
    let mut visit = |step: PathStep, child: &Value| {
        at.push(step);
        find(child, at, paths);
        at.pop();
    };
    match bare {
        Value::List(s) => s.items.iter().enumerate().for_each(|(i, v)| visit(PathStep::Index(i), v)),
        Value::Tuple(items) => items.iter().enumerate().for_each(|(i, v)| visit(PathStep::Index(i), v)),
        Value::Map(m) => m.entries.iter().for_each(|(k, v)| visit(PathStep::Key(k.clone()), v)),
        Value::Object(fields) => fields.iter().for_each(|(k, v)| visit(PathStep::Attr(k.clone()), v)),
        _ => (),
    }
}

/// Marks what the paths lead to. A path that no longer fits the value marks all that it reached: rather hidden
/// too much than shown.
pub fn mark(value: &Value, paths: &[Path]) -> Value {
    paths.iter().fold(value.clone(), |v, path| mark_at(&v, &path.0))
}

fn mark_at(value: &Value, steps: &[PathStep]) -> Value {
    let Some((step, rest)) = steps.split_first() else { return value.clone().mark(Marks::SENSITIVE) };
    let (bare, marks) = value.unmark();
    let marked = match (bare, step) {
        (Value::Object(_) | Value::Map(_), PathStep::Attr(name) | PathStep::Key(name)) => {
            mark_child(bare, rest, |fields, _| fields == Some(name))
        }
        (Value::List(_) | Value::Tuple(_), PathStep::Index(n)) => mark_child(bare, rest, |_, i| i == *n),
        (Value::Null(_), _) => return value.clone(),
        _ => bare.clone().mark(Marks::SENSITIVE),
    };
    marked.mark(marks)
}

/// Marks below the children that are chosen by name or position.
fn mark_child(container: &Value, rest: &[PathStep], chosen: impl Fn(Option<&Str>, usize) -> bool) -> Value {
    let names: Vec<&Str> = container.as_fields().map(|f| f.keys().collect()).unwrap_or_default();
    let mut at = 0;
    container.map_children(&mut |child| {
        let i = at;
        at += 1;
        if chosen(names.get(i).copied(), i) { mark_at(child, rest) } else { child.clone() }
    })
}

/// Paths as Terraform's state writes them.
pub fn paths_to_json(paths: &[Path]) -> Json {
    paths.iter().map(|p| Json::Array(path_steps(p))).collect()
}

fn path_steps(path: &Path) -> Vec<Json> {
    let mut steps = Vec::with_capacity(path.0.len());
    for step in &path.0 {
        steps.push(match step {
            PathStep::Attr(name) => json!({"type": "get_attr", "value": &**name}),
            PathStep::Key(name) => json!({"type": "index", "value": {"value": &**name, "type": "string"}}),
            PathStep::Index(n) => json!({"type": "index", "value": {"value": n, "type": "number"}}),
            PathStep::Element(_) => break,
        });
    }
    steps
}

/// Reads what [`paths_to_json`] writes; nothing where it is something else.
pub fn paths_from_json(json: &Json) -> Option<Vec<Path>> {
    let step = |json: &Json| -> Option<PathStep> {
        let value = json.get("value")?;
        match json.get("type")?.as_str()? {
            "get_attr" => Some(PathStep::Attr(value.as_str()?.into())),
            "index" => match value.get("value")? {
                Json::String(key) => Some(PathStep::Key(key.as_str().into())),
                Json::Number(n) => Some(PathStep::Index(n.as_u64()?.try_into().ok()?)),
                _ => None,
            },
            _ => None,
        }
    };
    let path = |json: &Json| json.as_array()?.iter().map(step).collect::<Option<Vec<_>>>().map(Path);
    json.as_array()?.iter().map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Type, set};

    fn secret(text: &str) -> Value {
        Value::string(text).mark(Marks::SENSITIVE)
    }

    #[test]
    fn marks_survive_being_stored_as_paths() {
        let value = Value::object([
            ("list", Value::list(Type::String, vec![Value::string("a"), secret("b")])),
            ("map", Value::map(Type::String, [("k.1".into(), secret("c")), ("l".into(), Value::string("d"))])),
            ("plain", Value::string("e")),
            ("whole", Value::object([("x", Value::int(1))]).mark(Marks::SENSITIVE)),
        ]);
        let (bare, paths) = split(&value);
        assert!(!bare.has_marks());
        assert_eq!(mark(&bare, &paths), value);
        assert_eq!(paths_from_json(&paths_to_json(&paths)).unwrap(), paths);
    }

    #[test]
    fn a_secret_in_a_set_hides_the_set() {
        let value = Value::object([("s", set::set(Type::String, vec![secret("a"), Value::string("b")]))]);
        let (bare, paths) = split(&value);
        assert_eq!(paths, [Path::attr("s")]);
        assert!(mark(&bare, &paths).attr("s").unwrap().all_marks().contains(Marks::SENSITIVE));
    }

    #[test]
    fn a_path_that_no_longer_fits_hides_more() {
        let path = Path(vec![PathStep::Attr("a".into()), PathStep::Attr("b".into())]);
        let marked = mark(&Value::object([("a", Value::string("text"))]), &[path]);
        assert!(marked.attr("a").unwrap().all_marks().contains(Marks::SENSITIVE));
    }
}
