//! The page of the functions, from their table.

use super::{Group, Page};
use crate::ops::functions::{Parameter, Signature, of_provider, signatures};
use crate::providers;
use crate::render::schema_page::type_words;

pub fn pages() -> Group {
    let mut all: Vec<Signature> = signatures().into_iter().filter(|s| !s.name.contains("::")).collect();
    all.extend(providers::all().iter().flat_map(|r| of_provider(&*(r.build)())));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = String::from(
        "# Functions\n\nThe functions of the language, as `terrane metadata functions -json` lists them for programs, and \
         those of the providers, which `terrane providers schema -json` lists.\n\n",
    );
    let links: Vec<String> = all.iter().map(|s| format!("[`{}`](#{})", s.name, s.name.replace(':', ""))).collect();
    text.push_str(&links.join(" · "));
    text.push_str("\n\n");
    for signature in &all {
        section(signature, &mut text);
    }
    let text = text.trim_end().to_string() + "\n";
    Group { pages: vec![Page { path: "functions.md".into(), title: "Functions".into(), depth: 0, text }] }
}

fn section(signature: &Signature, text: &mut String) {
    let Signature { name, doc, params, variadic, returns } = signature;
    let mut words: Vec<String> = params.iter().map(|p| p.name.to_string()).collect();
    words.extend(variadic.iter().map(|p| format!("{}...", p.name)));
    text.push_str(&format!("## {name}\n\n```hcl\n{name}({})\n```\n\n{doc}\n\n", words.join(", ")));
    for param in params.iter().chain(variadic) {
        text.push_str(&line(param));
    }
    text.push_str(&format!("- gives {}\n\n", type_words(returns)));
}

fn line(param: &Parameter) -> String {
    let null = if param.nullable { ", may be null" } else { "" };
    format!("- `{}` ({}{null}): {}\n", param.name, type_words(&param.ty), param.doc)
}
