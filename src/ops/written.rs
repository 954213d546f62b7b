//! What the configuration says of an object's attributes and blocks, and in which words.

use super::Loaded;
use crate::lang::body::Body;
use crate::model::{Address, ModulePath, SourceMap, Span};
use crate::spec::{Module, ModuleId, Spec};

/// Columns up to which an expression is worth repeating beside a value.
const SHORT: usize = 48;

impl Loaded {
    /// The expression that the configuration gives an argument of a resource, such as `aws_vpc.main.id`; empty for
    /// blocks and for what is long. Nothing where the configuration does not say it.
    pub fn written(&self, address: &Address, name: &str) -> Option<String> {
        let module = module(&self.spec, &address.resource.module)?;
        let resource = module.resources.get(module.names.resource(&address.resource)? as usize)?;
        said(&resource.body, name, &self.spec.sources)
    }
}

fn module<'s>(spec: &'s Spec, path: &ModulePath) -> Option<&'s Module> {
    let mut id = ModuleId(0);
    for step in path.steps() {
        let module = spec.module(id)?;
        id = module.calls.get(*module.names.calls.get(&step.name)? as usize)?.module;
    }
    spec.module(id)
}

fn said(body: &Body, name: &str, sources: &SourceMap) -> Option<String> {
    match body.attribute(name) {
        Some(attribute) => Some(short(attribute.value.span(), sources).unwrap_or_default()),
        None => body.blocks_named(name).next().map(|_| String::new()),
    }
}

/// The text of a span that is one short line, without the marks of a template that is one expression.
fn short(span: Span, sources: &SourceMap) -> Option<String> {
    let text = sources.get(span.source)?.text.get(span.start as usize..span.end as usize)?.trim();
    let text = text.trim_matches('"');
    let inner = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    let text = inner.filter(|t| !t.contains("${")).unwrap_or(text).trim();
    (text.chars().count() <= SHORT && !text.contains('\n')).then(|| text.to_string())
}
