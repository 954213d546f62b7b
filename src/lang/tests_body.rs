//! Bodies of blocks under their schemas.

use super::body::{Body, BodyAttribute, BodyBlock, Dynamic};
use super::body_check::check;
use super::body_eval::evaluate;
use super::compile::{Compiler, Resolver, Step};
use super::functions::{Host, Isolated};
use super::scope::{Scope, Slot};
use super::text_map::TextMap;
use crate::model::value_json::to_json;
use crate::model::{
    Attribute, Block, Diagnostic, Diagnostics, Key, Marks, NestedBlock, Nesting, SourceId, Span, Str, Type, Value,
};

/// `unknown` is an unknown list, `secret` a sensitive list.
struct Names;

impl Resolver for Names {
    fn resolve(&mut self, root: &str, _: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic> {
        match root {
            "unknown" => Ok((Slot::Variable(0), 0)),
            "secret" => Ok((Slot::Variable(1), 0)),
            _ => Err(Diagnostic::error(format!("unknown name \"{root}\"")).at(span)),
        }
    }
}

impl Scope for Names {
    fn value(&self, slot: &Slot, _: Span) -> Result<Value, Diagnostic> {
        match slot {
            Slot::Variable(0) => Ok(Value::unknown(Type::list(Type::String))),
            _ => Ok(Value::tuple(vec![Value::from("s")]).mark(Marks::SENSITIVE)),
        }
    }

    fn instance(&self, _: u32, _: &Key, span: Span) -> Result<Value, Diagnostic> {
        Err(Diagnostic::error("no instance").at(span))
    }

    fn output(&self, _: u32, _: Option<&Key>, _: &Str, span: Span) -> Result<Value, Diagnostic> {
        Err(Diagnostic::error("no output").at(span))
    }

    fn host(&self) -> &dyn Host {
        &Isolated
    }
}

/// Compiles the text of a body as a front end does.
fn body(text: &str) -> Body {
    let parsed = hcl_edit::parser::parse_body(text).unwrap();
    let (mut names, mut diagnostics) = (Names, Diagnostics::new());
    let mut compiler = Compiler::new(text, TextMap::offset(SourceId(0), 0), &mut names, &mut diagnostics);
    let body = read(&parsed, &mut compiler);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    body
}

fn read(parsed: &hcl_edit::structure::Body, compiler: &mut Compiler) -> Body {
    let mut body = Body { span: Some(compiler.span(0..0)), ..Body::default() };
    let place = |c: &Compiler, node: &hcl_edit::Decorated<hcl_edit::Ident>| {
        c.span(hcl_edit::Span::span(node).unwrap_or_default())
    };
    for attribute in parsed.attributes() {
        let name_span = place(compiler, &attribute.key);
        let value = compiler.expression(&attribute.value);
        body.attributes.push(BodyAttribute { name: attribute.key.as_str().into(), name_span, value });
    }
    for block in parsed.blocks() {
        let labels: Vec<Str> = block.labels.iter().map(|l| l.as_str().into()).collect();
        let name_span = place(compiler, &block.ident);
        if block.ident.as_str() != "dynamic" {
            let name = block.ident.as_str().into();
            body.blocks.push(BodyBlock { name, name_span, labels, body: read(&block.body, compiler), dynamic: None });
            continue;
        }
        let value_of = |name: &str| &block.body.get_attribute(name).unwrap().value;
        let for_each = compiler.expression(value_of("for_each"));
        let name = labels[0].clone();
        let binding = compiler.bind(name.clone());
        let content = read(&block.body.get_blocks("content").next().unwrap().body, compiler);
        let labels = match block.body.get_attribute("labels") {
            Some(labels) => labels.value.as_array().unwrap().iter().map(|l| compiler.expression(l)).collect(),
            None => Vec::new(),
        };
        compiler.unbind();
        let dynamic = Dynamic { for_each, iterator: name.clone(), binding, labels };
        let dynamic = Some(Box::new(dynamic));
        body.blocks.push(BodyBlock { name, name_span, labels: Vec::new(), body: content, dynamic });
    }
    body
}

fn attribute(name: &str, ty: Type) -> Attribute {
    Attribute {
        name: name.into(),
        ty,
        doc: "".into(),
        required: false,
        optional: true,
        computed: false,
        always_set: false,
        sensitive: false,
        repeats: None,
        write_only: false,
        replaces: false,
        default: Some(Value::from("not applied here")),
        equality: Default::default(),
        one_of: Vec::new(),
        conflicts_with: Vec::new(),
        deprecated: None,
    }
}

fn nested(name: &str, nesting: Nesting, min: usize, max: usize) -> NestedBlock {
    let block = Block { attributes: vec![attribute("port", Type::Number)], ..Block::default() };
    NestedBlock { name: name.into(), nesting, block, min, max, computed: false, replaces: false }
}

fn schema() -> Block {
    let computed = Attribute { optional: false, computed: true, ..attribute("id", Type::String) };
    let rule = Type::list(Type::object_with_optional([("from", Type::Number), ("to", Type::Number)], []));
    let old = Attribute { deprecated: Some("use name".into()), ..attribute("title", Type::String) };
    Block {
        attributes: vec![
            Attribute { required: true, optional: false, ..attribute("name", Type::String) },
            attribute("tags", Type::map(Type::String)),
            attribute("rule", rule),
            old,
            computed,
        ],
        blocks: vec![
            nested("listen", Nesting::List, 0, 2),
            nested("group", Nesting::Set, 0, 0),
            nested("by_name", Nesting::Map, 0, 0),
            nested("one", Nesting::Single, 0, 0),
        ],
        ..Block::default()
    }
}

fn value(text: &str) -> Value {
    let (value, diagnostics) = evaluate(&body(text), &schema(), &Names);
    assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
    value
}

fn problems(text: &str) -> Vec<String> {
    let (_, diagnostics) = evaluate(&body(text), &schema(), &Names);
    diagnostics.iter().map(told).collect()
}

fn checked(text: &str) -> Vec<String> {
    check(&body(text), &schema(), "box").iter().map(told).collect()
}

fn told(d: &Diagnostic) -> String {
    match &d.label {
        Some(label) => format!("{}: {label}", d.summary),
        None => d.summary.clone(),
    }
}

#[test]
fn attributes_get_their_declared_types_and_the_rest_is_null() {
    let value = value("name = 5\ntags = { a = 1, b = true }\n");
    assert_eq!(value.attr("name"), Some(Value::from("5")));
    assert_eq!(to_json(&value.attr("tags").unwrap()).to_string(), r#"{"a":"1","b":"true"}"#);
    assert_eq!(value.attr("title"), Some(Value::Null(Type::String)));
    assert_eq!(value.attr("id"), Some(Value::Null(Type::String)));
    assert_eq!(value.attr("one").unwrap().ty(), schema().nested("one").unwrap().ty());
    assert_eq!(value.ty(), schema().ty());
}

#[test]
fn blocks_become_what_their_nesting_says() {
    let value = value(
        "name = \"x\"\nlisten { port = 1 }\nlisten { port = \"2\" }\ngroup { port = 9 }\ngroup { port = 9 }\n\
         by_name \"a\" { port = 3 }\none { port = 4 }\nrule { from = 1 }\n",
    );
    let json = |name: &str| to_json(&value.attr(name).unwrap()).to_string();
    assert_eq!(json("listen"), r#"[{"port":1},{"port":2}]"#);
    assert_eq!(json("group"), r#"[{"port":9}]"#);
    assert_eq!(json("by_name"), r#"{"a":{"port":3}}"#);
    assert_eq!(json("one"), r#"{"port":4}"#);
    assert_eq!(json("rule"), r#"[{"from":1,"to":null}]"#);
}

#[test]
fn dynamic_blocks_repeat_for_each_element() {
    let value = value(
        "name = \"x\"\ndynamic \"group\" {\n  for_each = [1, 2]\n  content { port = group.value + group.key }\n}\n\
         dynamic \"by_name\" {\n  for_each = { a = 1, b = 2 }\n  labels = [by_name.key]\n  content { port = by_name.value }\n}\n",
    );
    assert_eq!(to_json(&value.attr("group").unwrap()).to_string(), r#"[{"port":1},{"port":3}]"#);
    assert_eq!(to_json(&value.attr("by_name").unwrap()).to_string(), r#"{"a":{"port":1},"b":{"port":2}}"#);
}

#[test]
fn unknown_and_secret_repetition_shows_in_the_result() {
    let text =
        |of: &str| format!("name = \"x\"\ndynamic \"listen\" {{\n  for_each = {of}\n  content {{ port = 1 }}\n}}\n");
    let unknown = value(&text("unknown")).attr("listen").unwrap();
    assert!(unknown.is_unknown());
    assert_eq!(unknown.ty(), schema().nested("listen").unwrap().ty());
    let secret = value(&text("secret")).attr("listen").unwrap();
    assert_eq!((secret.unmark().1, secret.as_items().map(<[_]>::len)), (Marks::SENSITIVE, Some(1)));
    assert_eq!(problems(&text("null")), ["the \"for_each\" of a dynamic block is null"]);
    assert_eq!(problems(&text("1")), ["the \"for_each\" of a dynamic block must be a collection: found number"]);
}

#[test]
fn wrong_values_are_told_with_their_path() {
    let (value, diagnostics) = evaluate(&body("name = [1]\ntags = { a = [] }\n"), &schema(), &Names);
    let paths: Vec<String> = diagnostics.iter().map(|d| d.path.as_ref().unwrap().to_string()).collect();
    assert_eq!(paths, ["name", "tags[\"a\"]"]);
    assert!(value.attr("name").unwrap().is_unknown());
    assert_eq!(diagnostics.0[0].span, Some(Span::new(SourceId(0), 7, 10)));
    let deep = evaluate(&body("name = \"\"\nlisten { port = \"x\" }\n"), &schema(), &Names).1;
    assert_eq!(deep.0[0].path.as_ref().unwrap().to_string(), "listen[0].port");
}

#[test]
fn the_number_of_blocks_is_checked() {
    let three = "name = \"x\"\nlisten { }\nlisten { }\nlisten { }\n";
    assert_eq!(problems(three), ["too many \"listen\" blocks: at most 2 blocks allowed, 3 found"]);
    assert_eq!(checked(three), ["too many \"listen\" blocks: box takes at most 2"]);
    assert_eq!(checked("name = \"x\"\none { }\none { }\n"), ["too many \"one\" blocks: box takes at most 1"]);
}

#[test]
fn names_and_presence_are_checked_before_anything_is_evaluated() {
    assert_eq!(checked(""), ["missing argument \"name\": box needs it"]);
    assert_eq!(checked("name = 1\nnam = 2\n"), ["unknown argument \"nam\": box has no argument of this name"]);
    assert_eq!(check(&body("name = 1\nnam = 2\n"), &schema(), "box").0[0].help, ["did you mean \"name\"?"]);
    assert_eq!(
        checked("name = 1\nid = 2\n"),
        ["argument \"id\" cannot be set: its value is decided by the provider of box"]
    );
    assert_eq!(checked("name = 1\nlistn { }\n"), ["unknown block \"listn\": box has no block of this name"]);
    assert_eq!(checked("name = 1\nlisten = []\n"), ["\"listen\" is a block, not an argument"]);
    assert_eq!(checked("name = 1\ntags { }\n"), ["\"tags\" is an argument, not a block"]);
    assert_eq!(checked("name = 1\nby_name { }\n"), ["wrong number of labels for block \"by_name\": needs one label"]);
    assert_eq!(
        checked("name = 1\nlisten { prt = 1 }\n"),
        ["unknown argument \"prt\": box block \"listen\" has no argument of this name"]
    );
    assert_eq!(checked("name = 1\ntitle = 1\n"), ["argument \"title\" is deprecated: use name"]);
    assert!(checked("name = 1\nrule { from = 1 }\n").is_empty());
}
