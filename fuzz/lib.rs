//! What the fuzz targets share: loading a configuration of one file, and expressions whose names all mean something.

use terrane::lang::compile::{Resolver, Step};
use terrane::lang::functions::{Host, Isolated};
use terrane::lang::scope::{Scope, Slot};
use terrane::model::{Diagnostic, Key, Marks, Span, Str, Type, Value};
use terrane::ops::Providers;
use terrane::render::diagnostic::diagnostics_text;
use terrane::render::style::Style;
use terrane::spec::{self, Options};

/// Loads a configuration of one file, builds its graph, and tells everything that is wrong with it.
pub fn load(name: &str, text: &str) {
    thread_local! {
        static PROVIDERS: Providers = {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            Providers::new(runtime.handle().clone(), None)
        };
    }
    PROVIDERS.with(|providers| {
        let files = [(name.to_owned(), Str::from(text))];
        let (spec, mut diagnostics) = spec::load_bundle(files, ".", providers, &Options::default());
        let (_, more) = terrane::graph::build(&spec);
        diagnostics.extend(more);
        let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(80));
        assert_eq!(told.is_empty(), diagnostics.is_empty());
        let _print = spec::fingerprint::fingerprint(&spec);
    });
}

/// `var.x` and the like: an attribute of an object of many types, some of them unknown or marked.
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

fn object() -> Value {
    Value::object([
        ("s", Value::from("text")),
        ("n", Value::int(7)),
        ("l", Value::list(Type::Number, vec![Value::int(1), Value::int(2)])),
        ("o", Value::object([("k", Value::TRUE)])),
        ("u", Value::unknown(Type::String)),
        ("d", Value::unknown(Type::Dynamic)),
        ("h", Value::from("hush").mark(Marks::SENSITIVE)),
        ("z", Value::NULL),
    ])
}

impl Scope for Names {
    fn value(&self, _: &Slot, _: Span) -> Result<Value, Diagnostic> {
        Ok(object())
    }

    fn instance(&self, _: u32, _: &Key, _: Span) -> Result<Value, Diagnostic> {
        Ok(object())
    }

    fn output(&self, _: u32, _: Option<&Key>, _: &Str, _: Span) -> Result<Value, Diagnostic> {
        Ok(object())
    }

    fn host(&self) -> &dyn Host {
        &Isolated
    }
}
