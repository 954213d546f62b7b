//! The object of a block: what its body says, under its schema.
//!
//! Attributes are converted to their declared types, nested blocks are collected, `dynamic` blocks are expanded.
//! What is not set is null: defaults and computed values are the planner's.

use std::sync::Arc;

use super::body::{Body, BodyAttribute, BodyBlock, Dynamic};
use super::convert::convert;
use super::eval::Env;
use super::limits::too_deep_to_keep;
use super::scope::Scope;
use crate::model::{
    Attribute, Block, Diagnostic, Diagnostics, Fields, Marks, NestedBlock, Nesting, Path, PathStep, Span, Str, Type,
    Value, set,
};

/// The value of a body. Where something is wrong the value there is unknown, and the diagnostics say why.
pub fn evaluate(body: &Body, schema: &Block, scope: &dyn Scope) -> (Value, Diagnostics) {
    evaluate_in(body, schema, &mut Env::new(scope))
}

/// The same under local bindings.
pub fn evaluate_in(body: &Body, schema: &Block, env: &mut Env) -> (Value, Diagnostics) {
    let mut evaluation = Evaluation { env, diagnostics: Diagnostics::new(), path: Vec::new() };
    let value = evaluation.block(body, schema);
    (value, evaluation.diagnostics)
}

struct Evaluation<'e, 's> {
    env: &'e mut Env<'s>,
    diagnostics: Diagnostics,
    path: Vec<PathStep>,
}

/// The blocks of one name as they are collected.
#[derive(Default)]
struct Collected {
    items: Vec<(Option<Str>, Value)>,
    marks: Marks,
    /// How many blocks there are is not known yet.
    unknown: bool,
}

impl Evaluation<'_, '_> {
    fn block(&mut self, body: &Body, schema: &Block) -> Value {
        let mut fields: Vec<(Str, Value)> = Vec::with_capacity(schema.attributes.len() + schema.blocks.len());
        for attribute in &schema.attributes {
            let value = self.attribute(body, attribute);
            fields.push((attribute.name.clone(), value));
        }
        for nested in &schema.blocks {
            let value = self.nested(body, nested);
            fields.push((nested.name.clone(), value));
        }
        Value::fields(Fields::new(fields))
    }

    fn attribute(&mut self, body: &Body, attribute: &Attribute) -> Value {
        let Some(written) = body.attribute(&attribute.name) else {
            if block_of_attribute(&attribute.ty).is_some() && body.blocks.iter().any(|b| b.name == attribute.name) {
                return self.attribute_as_blocks(body, attribute);
            }
            return null_of(&attribute.ty);
        };
        self.path.push(PathStep::Attr(attribute.name.clone()));
        let value = match written.value.eval_in(self.env) {
            Ok(value) => self.converted(written, value, &attribute.ty),
            Err(problems) => {
                self.report_all(problems);
                Value::unknown(attribute.ty.without_optional())
            }
        };
        self.path.pop();
        value
    }

    fn converted(&mut self, written: &BodyAttribute, value: Value, ty: &Type) -> Value {
        // Most values have their type already.
        match (value.bare(), ty) {
            (Value::String(_), Type::String) | (Value::Number(_), Type::Number) | (Value::Bool(_), Type::Bool) => {
                return value;
            }
            _ => (),
        }
        if let Some(problem) = too_deep_to_keep(&value, written.value.span()) {
            self.diagnostics.push(problem.path(Path(self.path.clone())));
            return Value::unknown(ty.without_optional());
        }
        match convert(&value, ty) {
            Ok(converted) => converted,
            Err(e) => {
                let mut path = Path(self.path.clone());
                path.0.extend(e.path.0.iter().cloned());
                let problem = Diagnostic::error(format!("unsuitable value for \"{path}\""));
                let problem = problem.at(written.value.span()).label(e.message).path(path);
                self.diagnostics.push(problem);
                Value::unknown(ty.without_optional())
            }
        }
    }

    /// An attribute that holds a list or set of objects may be written as blocks.
    fn attribute_as_blocks(&mut self, body: &Body, attribute: &Attribute) -> Value {
        let Some(nested) = nested_of_attribute(attribute) else { return null_of(&attribute.ty) };
        let value = self.nested(body, &nested);
        convert(&value, &attribute.ty).unwrap_or_else(|_| Value::unknown(attribute.ty.without_optional()))
    }

    fn nested(&mut self, body: &Body, nested: &NestedBlock) -> Value {
        let mut collected = Collected::default();
        let mut last: Option<Span> = None;
        for block in body.blocks.iter().filter(|b| b.name == nested.name) {
            last = Some(block.name_span);
            match &block.dynamic {
                None => self.one(block, nested, block.labels.first().cloned(), &mut collected),
                Some(dynamic) => self.expand(block, dynamic, nested, &mut collected),
            }
        }
        self.check_count(nested, &collected, last.or(body.span));
        let Collected { items, marks, unknown } = collected;
        if unknown {
            return Value::unknown(nested.ty()).mark(marks);
        }
        if items.is_empty() {
            return nested.absent().mark(marks);
        }
        self.gather(nested, items).mark(marks)
    }

    fn one(&mut self, block: &BodyBlock, nested: &NestedBlock, label: Option<Str>, collected: &mut Collected) {
        self.path.push(PathStep::Attr(nested.name.clone()));
        match (nested.nesting, &label) {
            (Nesting::Single, _) => (),
            (Nesting::Map, Some(label)) => self.path.push(PathStep::Key(label.clone())),
            _ => self.path.push(PathStep::Index(collected.items.len())),
        }
        let depth = if nested.nesting == Nesting::Single { 1 } else { 2 };
        let value = self.block(&block.body, &nested.block);
        self.path.truncate(self.path.len().saturating_sub(depth));
        collected.items.push((label, value));
    }

    fn expand(&mut self, block: &BodyBlock, dynamic: &Dynamic, nested: &NestedBlock, collected: &mut Collected) {
        let source = match dynamic.for_each.eval_in(self.env) {
            Ok(source) => source,
            Err(problems) => {
                self.report_all(problems);
                collected.unknown = true;
                return;
            }
        };
        let (bare, marks) = source.unmark();
        collected.marks |= marks;
        let each: Vec<(Value, Value)> = match bare {
            Value::Set(s) => s.items.iter().map(|v| (v.clone(), v.clone())).collect(),
            Value::List(_) | Value::Tuple(_) => {
                let items = bare.as_items().unwrap_or(&[]).iter().enumerate();
                items.map(|(i, v)| (Value::int(i as i64), v.clone())).collect()
            }
            Value::Map(_) | Value::Object(_) => {
                let fields = bare.as_fields().into_iter().flatten();
                fields.map(|(k, v)| (Value::String(k.clone()), v.clone())).collect()
            }
            Value::Unknown(u) if !u.ty.is_primitive() => {
                collected.unknown = true;
                return;
            }
            Value::Null(_) => {
                let problem = Diagnostic::error("the \"for_each\" of a dynamic block is null");
                self.report(problem.at(dynamic.for_each.span()).help("for no blocks give an empty list: []"));
                collected.unknown = true;
                return;
            }
            other => {
                let problem = Diagnostic::error("the \"for_each\" of a dynamic block must be a collection");
                let label = format!("found {}", other.ty().friendly());
                self.report(problem.at(dynamic.for_each.span()).label(label));
                collected.unknown = true;
                return;
            }
        };
        for (key, value) in each {
            self.env.bind(dynamic.binding, Value::object([("key", key), ("value", value)]));
            let label = match dynamic.labels.first() {
                None => None,
                Some(label) => match self.label(label, collected) {
                    Some(label) => Some(label),
                    None => continue,
                },
            };
            self.one(block, nested, label, collected);
        }
    }

    /// The label of a block that a `dynamic` block makes; nothing where it is unknown or wrong.
    fn label(&mut self, label: &super::expr::Expr, collected: &mut Collected) -> Option<Str> {
        let problems = match label.eval_in(self.env) {
            Ok(value) => match convert(value.bare(), &Type::String) {
                Ok(Value::String(text)) => return Some(text),
                Ok(Value::Unknown(_)) => {
                    collected.unknown = true;
                    return None;
                }
                _ => Diagnostic::error("the label of a block must be a string").at(label.span()).into(),
            },
            Err(problems) => problems,
        };
        self.report_all(problems);
        collected.unknown = true;
        None
    }

    fn check_count(&mut self, nested: &NestedBlock, collected: &Collected, span: Option<Span>) {
        let (name, count) = (&nested.name, collected.items.len());
        let blocks = |n: usize| if n == 1 { "1 block".to_string() } else { format!("{n} blocks") };
        let max = if nested.nesting == Nesting::Single { 1 } else { nested.max };
        if max > 0 && count > max {
            let problem = Diagnostic::error(format!("too many \"{name}\" blocks"));
            let label = format!("at most {} allowed, {count} found", blocks(max));
            self.report(problem.at(span).label(label));
        }
        if count < nested.min && !collected.unknown {
            let problem = match count {
                0 => Diagnostic::error(format!("missing block \"{name}\"")),
                _ => Diagnostic::error(format!("too few \"{name}\" blocks")),
            };
            self.report(problem.at(span).label(format!("at least {} needed", blocks(nested.min))));
        }
    }

    fn gather(&mut self, nested: &NestedBlock, items: Vec<(Option<Str>, Value)>) -> Value {
        let element = nested.block.ty();
        let values = |items: Vec<(Option<Str>, Value)>| items.into_iter().map(|(_, v)| v).collect();
        match nested.nesting {
            Nesting::Single => items.into_iter().next().map_or(Value::Null(element), |(_, v)| v),
            Nesting::List => Value::list(element, values(items)),
            Nesting::Set => set::set(element, values(items)),
            Nesting::Map => Value::map(element, items.into_iter().filter_map(|(label, v)| Some((label?, v)))),
        }
    }

    fn report_all(&mut self, problems: Diagnostics) {
        problems.into_iter().for_each(|problem| self.report(problem));
    }

    fn report(&mut self, problem: Diagnostic) {
        let problem = match (&problem.path, self.path.is_empty()) {
            (None, false) => problem.path(Path(self.path.clone())),
            _ => problem,
        };
        self.diagnostics.push(problem);
    }
}

fn null_of(ty: &Type) -> Value {
    if ty.is_primitive() { Value::Null(ty.clone()) } else { Value::Null(ty.without_optional()) }
}

/// The object type of the blocks that an attribute may be written as.
pub(super) fn block_of_attribute(ty: &Type) -> Option<&Arc<crate::model::ObjectType>> {
    match ty {
        Type::List(element) | Type::Set(element) => match &**element {
            Type::Object(o) => Some(o),
            _ => None,
        },
        _ => None,
    }
}

/// The nested block that stands for an attribute written as blocks.
pub(super) fn nested_of_attribute(attribute: &Attribute) -> Option<NestedBlock> {
    let object = block_of_attribute(&attribute.ty)?;
    let attributes = object.attrs.iter().map(|(name, ty)| Attribute {
        name: name.clone(),
        ty: ty.clone(),
        doc: "".into(),
        required: false,
        optional: true,
        computed: false,
        always_set: false,
        sensitive: false,
        repeats: None,
        write_only: false,
        replaces: false,
        default: None,
        equality: Default::default(),
        one_of: Vec::new(),
        conflicts_with: Vec::new(),
        deprecated: None,
    });
    Some(NestedBlock {
        name: attribute.name.clone(),
        nesting: if matches!(attribute.ty, Type::Set(_)) { Nesting::Set } else { Nesting::List },
        block: Block { attributes: attributes.collect(), ..Block::default() },
        min: 0,
        max: 0,
        computed: false,
        replaces: false,
    })
}
