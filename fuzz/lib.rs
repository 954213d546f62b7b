//! What the fuzz targets do with their inputs: `fuzz_targets` hands bytes to one of [`TARGETS`]. The test
//! `tests/it/fuzzed.rs` includes this file, and hands the seeds to the same functions.

use std::path::PathBuf;

use terrane::lang::compile::{Resolver, Step, expression_text, template_text};
use terrane::lang::convert::convert;
use terrane::lang::expr::Expr;
use terrane::lang::functions::{Host, Isolated, lookup};
use terrane::lang::scope::{Scope, Slot};
use terrane::lang::text_map::TextMap;
use terrane::lang::type_expr::TypeConstraint;
use terrane::model::value::Refinement;
use terrane::model::{Diagnostic, Diagnostics, Key, Marks, Number, SourceId, Span, Str, Type, Value, set};
use terrane::ops::{Providers, plan_file};
use terrane::render::diagnostic::diagnostics_text;
use terrane::render::style::Style;
use terrane::render::value_text::value_text;
use terrane::spec::{self, Options};
use terrane::state::tfstate::{export, import};

/// The targets by name; each has a folder of seeds.
pub const TARGETS: [(&str, fn(&[u8])); 10] = [
    ("hcl", |bytes| load("main.tf", bytes)),
    ("yaml", |bytes| load("stack.yaml", bytes)),
    ("json", |bytes| load("main.tf.json", bytes)),
    ("template", |bytes| evaluated(bytes, |text, map, problems| template_text(text, map, &[], &mut Names, problems))),
    ("evaluator", |bytes| {
        evaluated(bytes, |text, map, problems| expression_text(text, map, &[], &mut Names, problems))
    }),
    ("types", constraint),
    ("tfvars", |bytes| variables(bytes, "provider::terraform::decode_tfvars")),
    ("tfvars_json", |bytes| variables(bytes, "jsondecode")),
    ("state", state),
    ("plan_file", saved_plan),
];

/// Runs the target of a name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).expect("the target is in the table");
    (target.1)(bytes);
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Loads a configuration of one file, builds its graph, and tells everything that is wrong with it.
fn load(name: &str, bytes: &[u8]) {
    thread_local! {
        static PROVIDERS: Providers = {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            Providers::new(runtime.handle().clone(), None)
        };
    }
    let Some(text) = text(bytes) else { return };
    PROVIDERS.with(|providers| {
        let files = [(name.to_owned(), Str::from(text))];
        let (spec, mut diagnostics) = spec::load_bundle(files.clone(), ".", providers, &Options::default());
        let (_, more) = terrane::graph::build(&spec);
        diagnostics.extend(more);
        let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(80));
        assert_eq!(told.is_empty(), diagnostics.is_empty());
        let (again, _) = spec::load_bundle(files, ".", providers, &Options::default());
        assert_eq!(spec::fingerprint::fingerprint(&spec), spec::fingerprint::fingerprint(&again));
    });
}

/// Functions that take marks away, that hide an error which marks bring, or that take long by design.
const APART: [&str; 7] = ["sensitive", "ephemeral", "can", "try", "type", "bcrypt", "rsadecrypt"];

/// Evaluates a text, which gives the same each time, whatever the marks; and what depends on marked values is marked.
fn evaluated(bytes: &[u8], compile: fn(&str, &TextMap, &mut Diagnostics) -> Expr) {
    let Some(text) = text(bytes) else { return };
    if text.contains("bcrypt") {
        return;
    }
    let mut problems = Diagnostics::new();
    let compiled = compile(text, &TextMap::offset(SourceId(0), 0), &mut problems);
    if problems.has_errors() {
        return;
    }
    let plain = World { other: false, marked: false };
    let Ok(value) = compiled.eval(&plain) else { return };
    let _shown = value_text(&value);
    assert_eq!(compiled.eval(&plain).as_ref().ok(), Some(&value), "evaluating once more gives another value");
    if APART.iter().any(|word| text.contains(word)) {
        return;
    }
    // What marks refuse, such as a sensitive key, is no value; everything else is the same value.
    let Ok(secret) = compiled.eval(&World { marked: true, ..plain }) else { return };
    let bare = |value: &Value| value.unmark_deep().0;
    assert_eq!(bare(&secret), bare(&value), "marks change the value");
    if let Ok(other) = compiled.eval(&World { other: true, ..plain })
        && bare(&other) != bare(&value)
    {
        assert!(secret.has_marks(), "a value that depends on marked ones is not marked: {secret:?}");
    }
}

/// Reads a type constraint, and converts values to it: one that fits stays as it is.
fn constraint(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut problems = Diagnostics::new();
    let constraint = TypeConstraint::from_text(text, &TextMap::offset(SourceId(0), 0), &mut problems);
    if problems.has_errors() {
        return;
    }
    let world = World { other: false, marked: false }.object();
    let values = world.as_fields().into_iter().flatten().map(|(_, value)| value.clone());
    for value in values.chain([world.clone(), Value::object::<Str>([]), Value::tuple(Vec::new())]) {
        let Ok(fitted) = convert(&constraint.apply_defaults(&value), &constraint.ty) else { continue };
        assert_eq!(convert(&fitted, &constraint.ty).as_ref(), Ok(&fitted), "a value that fits is converted once more");
    }
}

/// Reads a file of variables; what was read can be written and read again.
fn variables(bytes: &[u8], reader: &str) {
    let Some(text) = text(bytes) else { return };
    let function = |name: &str| lookup(name).expect("the function is there");
    let Ok(value) = function(reader).call(&[Value::from(text)], &Isolated) else { return };
    let (decode, encode) = match reader {
        "jsondecode" => ("jsondecode", "jsonencode"),
        _ => (reader, "provider::terraform::encode_tfvars"),
    };
    let written = function(encode).call(std::slice::from_ref(&value), &Isolated).expect("variables can be written");
    let again = function(decode).call(&[written], &Isolated).expect("what was written can be read");
    assert_eq!(value, again);
}

/// Reads a `terraform.tfstate`; what is written of it can be read again.
fn state(bytes: &[u8]) {
    if let Some(Ok(snapshot)) = text(bytes).map(import) {
        import(&export(&snapshot)).expect("what was written can be read");
    }
}

/// Reads a saved plan; and the bytes as what is packed in one.
fn saved_plan(bytes: &[u8]) {
    use std::io::Write;
    let path: PathBuf = std::env::temp_dir().join(format!("terrane-fuzz-{}", std::process::id()));
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("the temporary folder is writable");
        let _read = plan_file::read(&path, &Default::default());
    };
    read(bytes);
    let mut packed = flate2::write::GzEncoder::new(b"terrane plan 2\n".to_vec(), flate2::Compression::fast());
    packed.write_all(bytes).expect("memory takes it");
    read(&packed.finish().expect("memory takes it"));
    let _gone = std::fs::remove_file(&path);
}

/// `a.x` and the like: an attribute of an object of many types, some of them unknown or marked.
pub struct Names;

impl Resolver for Names {
    fn resolve(&mut self, root: &str, _: &[Step], span: Span) -> Result<(Slot, usize), Diagnostic> {
        match root {
            "a" => Ok((Slot::Variable(0), 0)),
            "r" => Ok((Slot::Resource(0), 0)),
            "m" => Ok((Slot::Module(0), 0)),
            _ => Err(Diagnostic::error("unknown name").at(span)),
        }
    }
}

/// What the names stand for. In the other world the known values are other ones, of the same types and lengths; what is
/// not known is the same.
#[derive(Clone, Copy)]
struct World {
    other: bool,
    marked: bool,
}

impl World {
    fn object(self) -> Value {
        let text = |one: &str, other: &str| Value::from(if self.other { other } else { one });
        let int = |one: i64, other: i64| Value::int(if self.other { other } else { one });
        let marks = if self.marked { Marks::SENSITIVE | Marks::EPHEMERAL } else { Marks::NONE };
        let not_null = Refinement { not_null: true, ..Refinement::default() };
        let begun = Refinement { prefix: Some("arn:".into()), ..not_null.clone() };
        let bounded = Refinement { min_length: Some(1), max_length: Some(3), ..not_null.clone() };
        let small = Refinement { min: Some((Number::int(0), true)), max: Some((Number::int(9), false)), ..not_null };
        let fields = [
            ("s", text("text", "10.0.0.0/8")),
            ("n", int(7, -3)),
            ("l", Value::list(Type::Number, vec![int(1, 5), int(2, 4)])),
            ("t", Value::tuple(vec![text("x", "y"), int(0, 1), Value::Bool(self.other)])),
            ("o", Value::object([("k", Value::Bool(!self.other)), ("deep", Value::object([("x", text("p", "q"))]))])),
            ("e", set::set(Type::String, vec![text("b", "d"), text("c", "a")])),
            ("f", Value::map(Type::String, [("k".into(), text("v", "w")), ("l".into(), text("1", "2"))])),
            ("u", Value::unknown(Type::String)),
            ("d", Value::unknown(Type::Dynamic)),
            ("p", Value::refined(Type::String, begun)),
            ("c", Value::refined(Type::list(Type::String), bounded)),
            ("b", Value::refined(Type::Number, small)),
            ("z", Value::NULL),
        ];
        // Half of them are marked as a whole, the others at their parts.
        let marked = |(i, (name, value)): (usize, (&'static str, Value))| match i % 2 {
            0 => (name, value.mark(marks)),
            _ => (name, within(&value, marks)),
        };
        Value::object(fields.into_iter().enumerate().map(marked).collect::<Vec<_>>())
    }
}

/// The value with marks at each of its innermost parts.
fn within(value: &Value, marks: Marks) -> Value {
    let mut any = false;
    let inner = value.map_children(&mut |child| {
        any = true;
        within(child, marks)
    });
    if any { inner } else { inner.mark(marks) }
}

impl Scope for World {
    fn value(&self, _: &Slot, _: Span) -> Result<Value, Diagnostic> {
        Ok(self.object())
    }

    fn instance(&self, _: u32, _: &Key, _: Span) -> Result<Value, Diagnostic> {
        Ok(self.object())
    }

    fn output(&self, _: u32, _: Option<&Key>, _: &Str, _: Span) -> Result<Value, Diagnostic> {
        Ok(self.object())
    }

    fn host(&self) -> &dyn Host {
        &Isolated
    }
}
