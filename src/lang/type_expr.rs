//! Type constraints as variables declare them: `list(object({ name = string, size = optional(number, 1) }))`.

use std::sync::Arc;

use hcl_edit::expr::{Expression, FuncCall};

use super::compile::{Compiler, Resolver, Step, syntax_error};
use super::convert::convert;
use super::parse::Key;
use super::scope::Slot;
use super::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, Fields, Span, Str, Type, Value};

/// A type that values are converted to, and the defaults of its optional attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeConstraint {
    /// Attributes that may be absent are optional in it.
    pub ty: Type,
    /// Nothing where no attribute has a default.
    pub defaults: Option<Arc<Defaults>>,
}

/// The defaults of optional attributes, following the structure of the type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Defaults of the attributes of the object here, of the attributes' types.
    pub values: Vec<(Str, Value)>,
    /// Defaults deeper in: by attribute of an object, by position of a tuple.
    pub children: Vec<(Str, Arc<Defaults>)>,
    /// Defaults in the elements of a collection.
    pub element: Option<Arc<Defaults>>,
}

impl Default for TypeConstraint {
    fn default() -> Self {
        TypeConstraint::any()
    }
}

impl TypeConstraint {
    /// No constraint.
    pub fn any() -> TypeConstraint {
        TypeConstraint { ty: Type::Dynamic, defaults: None }
    }

    /// Reads a constraint from the syntax tree. Where it is wrong, that is reported and any type is taken.
    pub fn compile(expression: &Expression, compiler: &mut Compiler) -> TypeConstraint {
        match read(expression, compiler, Place::Top) {
            Ok(read) => TypeConstraint { ty: read.ty, defaults: read.defaults.map(Arc::new) },
            Err(problem) => {
                compiler.report(*problem);
                TypeConstraint::any()
            }
        }
    }

    /// Reads a constraint from text.
    pub fn from_text(text: &str, map: &TextMap, diagnostics: &mut Diagnostics) -> TypeConstraint {
        let start = text.len() - text.trim_start().len();
        let trimmed = text.trim();
        let map = map.clone().after(start);
        match super::parse::expression(trimmed) {
            Ok(expression) => {
                let mut resolver = NoNames;
                let mut compiler = Compiler::new(trimmed, map, &mut resolver, diagnostics);
                TypeConstraint::compile(&expression, &mut compiler)
            }
            Err(error) => {
                diagnostics.push(syntax_error(&error, trimmed, &map));
                TypeConstraint::any()
            }
        }
    }

    /// The value with the defaults of attributes that are absent or null, still to be converted to the type.
    pub fn apply_defaults(&self, value: &Value) -> Value {
        match &self.defaults {
            Some(defaults) => defaults.apply(value),
            None => value.clone(),
        }
    }
}

impl Defaults {
    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.children.is_empty() && self.element.is_none()
    }

    fn apply(&self, value: &Value) -> Value {
        let (bare, marks) = value.unmark();
        let filled = match bare {
            Value::List(_) | Value::Set(_) | Value::Tuple(_) => self.apply_items(bare.as_items().unwrap_or(&[])),
            Value::Map(_) | Value::Object(_) => match bare.as_fields() {
                Some(fields) => self.apply_fields(fields),
                None => bare.clone(),
            },
            other => other.clone(),
        };
        filled.mark(marks)
    }

    /// Elements may differ in type until they are converted, so that the result is a tuple.
    fn apply_items(&self, items: &[Value]) -> Value {
        let fill = |(i, item): (usize, &Value)| match &self.element {
            Some(element) => element.apply(item),
            None => match self.child(&i.to_string()) {
                Some(child) => child.apply(item),
                None => item.clone(),
            },
        };
        Value::tuple(items.iter().enumerate().map(fill).collect())
    }

    fn apply_fields(&self, fields: &Fields) -> Value {
        if let Some(element) = &self.element {
            return Value::fields(fields.map(|_, value| element.apply(value)));
        }
        let mut filled = fields.clone();
        for (name, default) in &self.values {
            if filled.get(name).is_none_or(Value::is_null) {
                filled.set(name.clone(), default.clone());
            }
        }
        for (name, child) in &self.children {
            if let Some(value) = filled.get(name) {
                let value = child.apply(value);
                filled.set(name.clone(), value);
            }
        }
        Value::fields(filled)
    }

    fn child(&self, name: &str) -> Option<&Arc<Defaults>> {
        self.children.iter().find(|(n, _)| &**n == name).map(|(_, child)| child)
    }
}

/// Where a type stands: `optional(…)` is for attributes of objects only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Attribute,
}

struct Read {
    ty: Type,
    defaults: Option<Defaults>,
    optional: bool,
    /// The second argument of `optional`.
    default: Option<Value>,
}

type Outcome = Result<Read, Box<Diagnostic>>;

impl Read {
    fn plain(ty: Type) -> Read {
        Read { ty, defaults: None, optional: false, default: None }
    }
}

fn read(expression: &Expression, compiler: &mut Compiler, place: Place) -> Outcome {
    let span = compiler.span(hcl_edit::Span::span(expression).unwrap_or_default());
    match expression {
        Expression::Variable(name) => word(name.as_str(), span),
        // Configurations of old versions quote the words.
        Expression::String(name) if matches!(name.value().as_str(), "string" | "list" | "map" | "number" | "bool") => {
            word(name.value(), span)
        }
        Expression::Parenthesis(inner) => read(inner.inner(), compiler, place),
        Expression::FuncCall(call) => constructor(call, compiler, place, span),
        _ => Err(Box::new(wrong("a type was expected", span))),
    }
}

const WORDS: &[&str] = &["any", "bool", "list", "map", "number", "object", "optional", "set", "string", "tuple"];

fn word(name: &str, span: Span) -> Outcome {
    Ok(Read::plain(match name {
        "any" => Type::Dynamic,
        "bool" => Type::Bool,
        "number" => Type::Number,
        "string" => Type::String,
        "list" => Type::list(Type::Dynamic),
        "map" => Type::map(Type::Dynamic),
        "set" => Type::set(Type::Dynamic),
        "object" | "tuple" | "optional" => {
            let problem = wrong(&format!("\"{name}\" needs an argument"), span);
            return Err(Box::new(problem.help(match name {
                "object" => "write the attributes: object({ name = string })",
                "tuple" => "write the types of the elements: tuple([string, number])",
                _ => "write the type of the attribute: optional(string)",
            })));
        }
        _ => return Err(Box::new(unknown_word(name, span))),
    }))
}

fn unknown_word(name: &str, span: Span) -> Diagnostic {
    let problem = Diagnostic::error(format!("unknown type \"{name}\"")).at(span);
    problem.label("there is no type of this name").did_you_mean(name, WORDS.iter().copied())
}

fn constructor(call: &FuncCall, compiler: &mut Compiler, place: Place, span: Span) -> Outcome {
    let name = call.name.name.as_str();
    let args: Vec<&Expression> = call.args.iter().collect();
    if let ("object", [attributes]) = (name, args.as_slice())
        && let Some(attributes) = compiler.entries(attributes)
    {
        return object(attributes, compiler, span);
    }
    match (name, args.as_slice()) {
        ("list" | "set" | "map", [element]) => {
            let element = read(element, compiler, Place::Top)?;
            let ty = match name {
                "list" => Type::list(element.ty),
                "set" => Type::set(element.ty),
                _ => Type::map(element.ty),
            };
            let defaults = element.defaults.map(|d| Defaults { element: Some(Arc::new(d)), ..Defaults::default() });
            Ok(Read { defaults, ..Read::plain(ty) })
        }
        ("tuple", [Expression::Array(elements)]) => {
            let mut types = Vec::new();
            let mut defaults = Defaults::default();
            for (i, element) in elements.iter().enumerate() {
                let element = read(element, compiler, Place::Top)?;
                types.push(element.ty);
                if let Some(d) = element.defaults {
                    defaults.children.push((i.to_string().into(), Arc::new(d)));
                }
            }
            Ok(Read { defaults: non_empty(defaults), ..Read::plain(Type::tuple(types)) })
        }
        ("optional", [ty]) if place == Place::Attribute => {
            Ok(Read { optional: true, ..read(ty, compiler, Place::Top)? })
        }
        ("optional", [ty, default]) if place == Place::Attribute => {
            let inner = read(ty, compiler, Place::Top)?;
            let default = constant(default, &inner, compiler)?;
            Ok(Read { optional: true, default: Some(default), ..inner })
        }
        ("optional", _) if place != Place::Attribute => {
            let problem = wrong("\"optional\" is for attributes of objects only", span);
            Err(Box::new(problem.help("a variable is optional when it has a default")))
        }
        ("any" | "bool" | "number" | "string", _) => {
            Err(Box::new(wrong(&format!("\"{name}\" takes no arguments"), span)))
        }
        (name, _) if WORDS.contains(&name) => {
            Err(Box::new(wrong(&format!("wrong arguments for the type \"{name}\""), span).label(match name {
                "tuple" => "takes a list of types",
                "object" => "takes the attributes between braces",
                "optional" => "takes a type and a default",
                _ => "takes the type of the elements",
            })))
        }
        _ => Err(Box::new(unknown_word(name, span))),
    }
}

fn object(attributes: Vec<(Key<'_>, &Expression)>, compiler: &mut Compiler, span: Span) -> Outcome {
    let mut types: Vec<(Str, Type)> = Vec::with_capacity(attributes.len());
    let mut optional: Vec<Str> = Vec::new();
    let mut defaults = Defaults::default();
    for (key, value) in attributes {
        let name: Str = match key {
            Key::Name(name) => name.as_str().into(),
            Key::Expression(Expression::String(name)) => name.value().as_str().into(),
            Key::Expression(_) => return Err(Box::new(wrong("attribute names must be plain words", span))),
        };
        let attribute = read(value, compiler, Place::Attribute)?;
        if attribute.optional {
            optional.push(name.clone());
        }
        if let Some(default) = attribute.default
            && !default.is_null()
        {
            defaults.values.push((name.clone(), default));
        }
        if let Some(child) = attribute.defaults {
            defaults.children.push((name.clone(), Arc::new(child)));
        }
        types.push((name, attribute.ty));
    }
    Ok(Read { defaults: non_empty(defaults), ..Read::plain(Type::object_with_optional(types, optional)) })
}

fn non_empty(defaults: Defaults) -> Option<Defaults> {
    (!defaults.is_empty()).then_some(defaults)
}

/// A default: a constant of the attribute's type, with the defaults that stand inside of the type.
fn constant(expression: &Expression, of: &Read, compiler: &mut Compiler) -> Result<Value, Box<Diagnostic>> {
    let compiled = compiler.expression(expression);
    let Some(value) = compiled.literal() else {
        let problem = wrong("a default must be a constant", compiled.span());
        return Err(Box::new(problem.label("references are not allowed here")));
    };
    let filled = match &of.defaults {
        Some(defaults) => defaults.apply(value),
        None => value.clone(),
    };
    convert(&filled, &of.ty).map_err(|e| {
        let problem = wrong("the default does not fit the type", compiled.span());
        Box::new(problem.label(e.to_string()))
    })
}

fn wrong(problem: &str, span: Span) -> Diagnostic {
    Diagnostic::error(problem).at(span)
}

/// Types and defaults refer to nothing.
struct NoNames;

impl Resolver for NoNames {
    fn resolve(&mut self, root: &str, _: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic> {
        Err(Diagnostic::error(format!("\"{root}\" cannot be used here")).at(span).label("only constants are allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    fn parse(text: &str) -> (TypeConstraint, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let constraint = TypeConstraint::from_text(text, &TextMap::offset(SourceId(0), 0), &mut diagnostics);
        (constraint, diagnostics)
    }

    fn good(text: &str) -> TypeConstraint {
        let (constraint, diagnostics) = parse(text);
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        constraint
    }

    #[test]
    fn types_read_as_they_are_written() {
        for text in [
            "string",
            "any",
            "list(string)",
            "map(list(number))",
            "set(bool)",
            "tuple([string, number])",
            "object({ a = string, b = optional(list(number)) })",
        ] {
            assert_eq!(good(text).ty.to_string(), text);
        }
        assert_eq!(good("\"string\"").ty, Type::String);
        assert_eq!(good("list").ty, Type::list(Type::Dynamic));
        assert_eq!(
            good("object({\n  a = string\n  b : number,\n})").ty.to_string(),
            "object({ a = string, b = number })"
        );
    }

    #[test]
    fn wrong_types_are_told_with_the_nearest_word() {
        for (text, summary, help) in [
            ("strin", "unknown type \"strin\"", Some("did you mean \"string\"?")),
            ("lst(string)", "unknown type \"lst\"", Some("did you mean \"list\"?")),
            ("optional(string)", "\"optional\" is for attributes of objects only", None),
            ("list(string, number)", "wrong arguments for the type \"list\"", None),
            ("object", "\"object\" needs an argument", None),
            ("1", "a type was expected", None),
            ("object({ a = optional(string, var.x) })", "\"var\" cannot be used here", None),
            ("object({ a = optional(number, \"x\") })", "the default does not fit the type", None),
        ] {
            let (constraint, diagnostics) = parse(text);
            assert_eq!(constraint, TypeConstraint::any(), "{text}");
            assert_eq!(diagnostics.0[0].summary, summary, "{text}");
            if let Some(help) = help {
                assert_eq!(diagnostics.0[0].help, [help], "{text}");
            }
        }
    }

    #[test]
    fn defaults_fill_what_is_absent_or_null_at_any_depth() {
        let constraint = good(
            "map(object({ name = string, size = optional(number, 1), net = optional(object({ mtu = optional(string, 1500) }), {}) }))",
        );
        let item = Value::object([("name", Value::from("a")), ("size", Value::NULL)]);
        let given = Value::object([("x", item)]);
        let filled = convert(&constraint.apply_defaults(&given), &constraint.ty).unwrap();
        let x = filled.attr("x").unwrap();
        assert_eq!(x.attr("size").unwrap().as_i64(), Some(1));
        assert_eq!(x.attr("net").unwrap().attr("mtu").unwrap(), Value::from("1500"));
    }
}
