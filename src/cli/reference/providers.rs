//! The pages of the providers: what configures one, and a page for each of its types.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Group, Page};
use crate::provider::ProviderDef;
use crate::provider::resource::Timeouts;
use crate::providers;
use crate::render::schema_page::{SchemaPage, arguments_text, schema_page};

/// One page a provider and one a type, behind one that lists the providers.
pub fn pages() -> Group {
    let mut index = String::from("# Providers\n\nAll are part of the program: nothing is downloaded.\n\n");
    let mut pages = Vec::new();
    for registration in providers::all() {
        let def = (registration.build)();
        let name = def.name();
        let (resources, data) = (def.resource_types().len(), def.data_types().len());
        let counts = [(resources, "resource type"), (data, "data source")];
        let counts: Vec<String> = counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| many(n, what)).collect();
        index.push_str(&format!("- [`{name}`]({name}/README.md) (`{}`): {}\n", def.source(), counts.join(", ")));
        pages.extend(provider(&def));
    }
    let first = Page { path: "providers/README.md".into(), title: "Providers".into(), depth: 0, text: index };
    Group { pages: std::iter::once(first).chain(pages).collect() }
}

fn many(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn provider(def: &Arc<dyn ProviderDef>) -> Vec<Page> {
    let name = def.name();
    let mut text = format!("# {name}\n\n");
    let block = &def.config_schema().block;
    if !block.doc.is_empty() {
        text.push_str(&format!("{}\n\n", block.doc));
    }
    if block.attributes.is_empty() && block.blocks.is_empty() {
        text.push_str("It takes no configuration.\n\n");
    } else {
        text.push_str(&format!("```hcl\nprovider \"{name}\" {{\n}}\n```\n\n{}", arguments_text(block)));
    }
    let mut pages = Vec::new();
    let mut services: BTreeMap<&str, String> = BTreeMap::new();
    let mut resources = def.resource_types();
    resources.sort_unstable();
    for ty in resources {
        let Some(info) = def.resource(ty) else { continue };
        services.entry(info.service).or_default().push_str(&entry("resources", ty, &info.schema.block.doc));
        let timeouts = if info.schema.block.nested("timeouts").is_some() { limits(info.timeouts) } else { Vec::new() };
        let import_example = info.import_example;
        let page = SchemaPage { name: ty, keyword: "resource", schema: info.schema, timeouts, import_example };
        pages.push(type_page(name, "resources", ty, schema_page(&page)));
    }
    let several = services.len() > 1;
    text.push_str("## Resource types\n\n");
    for (service, lines) in services {
        let title = if several { format!("### {service}\n\n") } else { String::new() };
        text.push_str(&format!("{title}{lines}\n"));
    }
    let mut sources = def.data_types();
    sources.sort_unstable();
    if !sources.is_empty() {
        text.push_str("## Data sources\n\n");
    }
    for ty in sources {
        let Some(schema) = def.data_source(ty) else { continue };
        text.push_str(&entry("data-sources", ty, &schema.block.doc));
        let page = SchemaPage { name: ty, keyword: "data", schema, timeouts: Vec::new(), import_example: "" };
        pages.push(type_page(name, "data-sources", ty, schema_page(&page)));
    }
    let text = text.trim_end().to_string() + "\n";
    let first = Page { path: format!("providers/{name}/README.md").into(), title: name.into(), depth: 1, text };
    std::iter::once(first).chain(pages).collect()
}

fn type_page(provider: &str, folder: &str, ty: &str, text: String) -> Page {
    let title = if folder == "data-sources" { format!("data.{ty}") } else { ty.to_string() };
    Page { path: format!("providers/{provider}/{folder}/{ty}.md").into(), title, depth: 2, text }
}

fn entry(folder: &str, ty: &str, doc: &str) -> String {
    let doc = doc.split(". ").next().unwrap_or(doc).trim_end_matches('.');
    format!("- [`{ty}`]({folder}/{ty}.md): {doc}.\n")
}

fn limits(timeouts: Timeouts) -> Vec<(&'static str, std::time::Duration)> {
    let Timeouts { create, read, update, delete } = timeouts;
    vec![("create", create), ("read", read), ("update", update), ("delete", delete)]
}
