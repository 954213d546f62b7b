//! Templates that expressions render: `templatefile` and `templatestring`.

use std::io;

use super::tests::{World, compile};
use crate::lang::functions::{Entry, Host};
use crate::lang::scope::{Scope, Slot};
use crate::model::{Diagnostic, Diagnostics, Key, Marks, Span, Str, Value};

/// A world with files.
struct Files {
    world: World,
    files: &'static [(&'static str, &'static str)],
}

impl Scope for Files {
    fn value(&self, slot: &Slot, span: Span) -> Result<Value, Diagnostic> {
        self.world.value(slot, span)
    }

    fn instance(&self, resource: u32, key: &Key, span: Span) -> Result<Value, Diagnostic> {
        self.world.instance(resource, key, span)
    }

    fn output(&self, module: u32, key: Option<&Key>, output: &Str, span: Span) -> Result<Value, Diagnostic> {
        self.world.output(module, key, output, span)
    }

    fn host(&self) -> &dyn Host {
        self
    }
}

impl Host for Files {
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        let found = self.files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn entry(&self, _: &str) -> io::Result<Entry> {
        Ok(Entry::Missing)
    }

    fn list_dir(&self, _: &str) -> io::Result<Vec<(String, Entry)>> {
        Ok(Vec::new())
    }

    fn working_dir(&self) -> String {
        "/".into()
    }

    fn home_dir(&self) -> Option<String> {
        None
    }

    fn plan_timestamp(&self) -> Option<String> {
        None
    }

    fn now(&self) -> Option<i64> {
        None
    }

    fn random(&self) -> Option<[u8; 16]> {
        None
    }
}

const FILES: &[(&str, &str)] = &[
    ("greet.tftpl", "hello ${name}\n%{ for p in ports ~}\nport ${p}\n%{ endfor ~}\n"),
    ("list.tftpl", "${ports}"),
    ("bad.tftpl", "line\n${nam}\n"),
    ("nested.tftpl", "${templatefile(\"list.tftpl\", {})}"),
    ("wrong.tftpl", "a\nb ${[1][5]}\n"),
];

fn eval(text: &str) -> Result<Value, Diagnostics> {
    let secret = Value::from("s").mark(Marks::SENSITIVE);
    let mut world = World { variables: vec![("secret", secret), ("text", Value::from("<${x}>"))] };
    let compiled = compile(text, &mut world)?;
    compiled.eval(&Files { world, files: FILES })
}

#[test]
fn files_are_rendered_with_their_variables() {
    let rendered = eval("templatefile(\"greet.tftpl\", { name = \"Ada\", ports = [80, 443] })").unwrap();
    assert_eq!(rendered, Value::from("hello Ada\nport 80\nport 443\n"));
    let list = eval("templatefile(\"list.tftpl\", { ports = [80] })").unwrap();
    assert_eq!(list.as_items().map(<[_]>::len), Some(1));
    assert_eq!(eval("templatestring(var.text, { x = 1 })").unwrap(), Value::from("<1>"));
    let marked = eval("templatestring(var.text, { x = var.secret })").unwrap();
    assert_eq!(marked, Value::from("<s>").mark(Marks::SENSITIVE));
}

#[test]
fn what_is_wrong_in_a_template_is_told_with_its_place() {
    for (text, summary, detail) in [
        (
            "templatefile(\"bad.tftpl\", { name = 1 })",
            "the template cannot be rendered",
            "bad.tftpl:2:3: unknown variable \"nam\", the template is not given a variable of this name",
        ),
        (
            "templatefile(\"nested.tftpl\", {})",
            "the template cannot be rendered",
            "nested.tftpl:1:3: \"templatefile\" cannot be called inside of a template file",
        ),
        (
            "templatefile(\"wrong.tftpl\", {})",
            "the template cannot be rendered",
            "wrong.tftpl:2:9: there is no element [5], the list has 1 element",
        ),
    ] {
        let problem = eval(text).unwrap_err().0.remove(0);
        assert_eq!((&*problem.summary, problem.detail.as_deref()), (summary, Some(detail)), "{text}");
    }
    let missing = eval("templatefile(\"no.tftpl\", {})").unwrap_err();
    assert_eq!(missing.0[0].summary, "cannot read \"no.tftpl\"");
    assert_eq!(missing.0[0].label.as_deref(), Some("there is no such file"));
}
