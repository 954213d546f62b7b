//! A canonical text of a spec, without places and order: the same for two spellings of one configuration.

use std::fmt::Debug;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::module::{Encryption, EncryptionPart, Module, ProviderConfig, Resource, Spec};
use crate::lang::body::Body;

/// What the configuration says, one line a block, sorted. Made for comparing, not for reading back.
pub fn fingerprint(spec: &Spec) -> String {
    let mut modules: Vec<String> = spec.modules.iter().map(|module| module_text(spec, module)).collect();
    modules.sort();
    modules.join("\n")
}

fn module_text(spec: &Spec, module: &Module) -> String {
    let mut lines = Vec::new();
    let mut add = |what: &str, text: String| lines.push(format!("{what}: {text}"));
    module.settings.required_version.iter().for_each(|(v, _)| add("required_version", v.to_string()));
    module.settings.required_providers.iter().for_each(|p| add("required_provider", show(module, p)));
    if let Some(backend) = &module.settings.backend {
        add("backend", format!("{} {}", backend.ty, body_text(module, &backend.body)));
    }
    if let Some(encryption) = &module.settings.encryption {
        add("encryption", encryption_text(module, encryption));
    }
    module.providers.iter().for_each(|p| add("provider", provider_text(module, p)));
    module.variables.iter().for_each(|v| add("variable", show(module, v)));
    module.locals.iter().for_each(|l| add("local", show(module, l)));
    module.outputs.iter().for_each(|o| add("output", show(module, o)));
    module.resources.iter().for_each(|r| add("resource", resource_text(module, r)));
    for call in &module.calls {
        let dir = spec.module(call.module).map_or("", |m| &*m.dir);
        let mut arguments: Vec<String> =
            call.arguments.iter().map(|(name, _, value)| format!("{name} = {}", show(module, value))).collect();
        arguments.sort();
        let rest = show(module, &(&call.repeat, &call.providers, &call.depends_on));
        add("module", format!("{} {dir} {arguments:?} {rest}", call.name));
    }
    module.moved.iter().for_each(|m| add("moved", show(module, m)));
    module.removed.iter().for_each(|r| add("removed", show(module, r)));
    module.imports.iter().for_each(|i| add("import", show(module, i)));
    for check in &module.checks {
        let data = check.data.and_then(|i| module.resources.get(i as usize)).map(Resource::local_name);
        add("check", format!("{} {data:?} {}", check.name, show(module, &check.asserts)));
    }
    lines.sort();
    format!("module {}\n{}\n", module.dir, lines.join("\n"))
}

fn encryption_text(module: &Module, encryption: &Encryption) -> String {
    let part = |p: &EncryptionPart| format!("{} {}", show(module, &(&p.name, &p.keys)), body_text(module, &p.body));
    let parts = |list: &[EncryptionPart]| {
        let mut parts: Vec<String> = list.iter().map(part).collect();
        parts.sort();
        parts.join(", ")
    };
    let uses = show(module, &(&encryption.state, &encryption.plan));
    format!("{} | {} | {uses}", parts(&encryption.key_providers), parts(&encryption.methods))
}

fn provider_text(module: &Module, provider: &ProviderConfig) -> String {
    let rest = show(module, &(&provider.name, &provider.alias, &provider.for_each));
    format!("{rest} {}", body_text(module, &provider.body))
}

fn resource_text(module: &Module, resource: &Resource) -> String {
    let rest = show(
        module,
        &(
            (&resource.provider, &resource.repeat, &resource.depends_on, &resource.lifecycle),
            (&resource.provisioners, &resource.connection),
        ),
    );
    format!("{} {} {rest}", resource.local_name(), body_text(module, &resource.body))
}

/// A body with its arguments sorted. Blocks of one type keep their order, which has a meaning.
fn body_text(module: &Module, body: &Body) -> String {
    let mut arguments: Vec<String> =
        body.attributes.iter().map(|a| format!("{} = {}", a.name, show(module, &a.value))).collect();
    arguments.sort();
    let mut blocks: Vec<(&str, String)> = Vec::new();
    for block in &body.blocks {
        let mut text = String::new();
        let dynamic = show(module, &block.dynamic);
        // Writing to a string cannot fail.
        let _ = write!(text, "{} {:?} {dynamic} {}", block.name, block.labels, body_text(module, &block.body));
        blocks.push((&block.name, text));
    }
    blocks.sort_by(|a, b| a.0.cmp(b.0));
    let blocks: Vec<String> = blocks.into_iter().map(|(_, text)| text).collect();
    format!("{{ {} | {} }}", arguments.join(", "), blocks.join(", "))
}

static SPAN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"Span \{ source: SourceId\(\d+\), start: \d+, end: \d+ \}").ok());
static SLOT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(Variable|Local|Resource|Module|Instance)\((\d+)|\bmodule: (\d+)").ok());

/// The structure of a value without places, and with names for the numbers of slots.
fn show(module: &Module, value: &dyn Debug) -> String {
    let text = format!("{value:?}");
    let (Some(span), Some(slot)) = (&*SPAN, &*SLOT) else { return text };
    let bare = span.replace_all(&text, "_");
    let named = slot.replace_all(&bare, |found: &Captures<'_>| {
        let kind = found.get(1).map_or("module", |m| m.as_str());
        let number = found.get(2).or(found.get(3)).and_then(|m| m.as_str().parse::<usize>().ok());
        let name = number.and_then(|n| slot_name(module, kind, n)).unwrap_or_default();
        format!("{kind}({name}")
    });
    named.into_owned()
}

fn slot_name(module: &Module, kind: &str, number: usize) -> Option<String> {
    match kind {
        "Variable" => module.variables.get(number).map(|v| v.name.to_string()),
        "Local" => module.locals.get(number).map(|l| l.name.to_string()),
        "Resource" | "Instance" => module.resources.get(number).map(Resource::local_name),
        _ => module.calls.get(number).map(|c| c.name.to_string()),
    }
}
