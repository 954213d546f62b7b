//! Paths into values: `tags["Name"]`, `ingress[0].from_port`.

use std::fmt;

use super::{Str, Value};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathStep {
    /// An attribute of an object.
    Attr(Str),
    /// A position in a list or tuple.
    Index(usize),
    /// A key of a map.
    Key(Str),
    /// An element of a set, which is its own key.
    Element(Value),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path(pub Vec<PathStep>);

impl Path {
    pub fn root() -> Path {
        Path::default()
    }

    pub fn attr(name: impl Into<Str>) -> Path {
        Path(vec![PathStep::Attr(name.into())])
    }

    pub fn child(&self, step: PathStep) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }

    pub fn starts_with(&self, prefix: &Path) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The value at the path, with the marks of everything on the way; nothing where the path leads nowhere.
    pub fn get(&self, root: &Value) -> Option<Value> {
        let mut at = root.clone();
        for step in &self.0 {
            let (value, marks) = at.unmark();
            let next = match step {
                PathStep::Attr(name) | PathStep::Key(name) => value.as_fields()?.get(name)?.clone(),
                PathStep::Index(i) => value.as_items()?.get(*i)?.clone(),
                PathStep::Element(e) => value.as_items()?.iter().find(|v| *v == e)?.clone(),
            };
            at = next.mark(marks);
        }
        Some(at)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Attr(name) => write!(f, "{}{name}", if i > 0 { "." } else { "" })?,
                PathStep::Index(n) => write!(f, "[{n}]")?,
                PathStep::Key(key) => write!(f, "[{key:?}]")?,
                PathStep::Element(_) => f.write_str("[…]")?,
            }
        }
        Ok(())
    }
}
