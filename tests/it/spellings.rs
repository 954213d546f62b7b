//! The page that shows every construct in both spellings: both columns of each row come to the same spec.

use std::fs;

use super::spec_load::{load, same_text};
use terrane::render::diagnostic::diagnostics_text;
use terrane::render::style::Style;
use terrane::spec::fingerprint::fingerprint;

/// One row of the page.
struct Row {
    title: String,
    hcl: String,
    yaml: String,
}

fn rows(page: &str) -> Vec<Row> {
    let fenced = |section: &str, language: &str| {
        let (_, rest) = section.split_once(&format!("```{language}\n"))?;
        Some(rest.split_once("```")?.0.to_owned())
    };
    let row = |section: &str| {
        let title = section.lines().next().unwrap_or_default().to_owned();
        let missing = |what: &str| panic!("\"{title}\" has no {what}");
        let hcl = fenced(section, "hcl").unwrap_or_else(|| missing("hcl"));
        let yaml = fenced(section, "yaml").unwrap_or_else(|| missing("yaml"));
        Row { hcl, yaml, title }
    };
    page.split("\n## ").skip(1).map(row).collect()
}

/// The module that the examples call.
const NETWORK: &str =
    "variable \"name\" {}\nresource \"random_pet\" \"p\" {}\noutput \"id\" {\n  value = var.name\n}\n";

/// What the file comes to, alone in a folder with the module beside it.
fn print_of(title: &str, name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("network")).unwrap();
    fs::write(folder.path().join("network/main.tf"), NETWORK).unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let (spec, diagnostics) = load(&folder.path().to_string_lossy());
    let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(100));
    assert_eq!(told, "", "{title}, {name}");
    fingerprint(&spec)
}

#[test]
fn both_columns_of_the_page_mean_the_same() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/language/spellings.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 20, "the rows of the page are found");
    for row in rows {
        let one = print_of(&row.title, "main.tf", &row.hcl);
        let other = print_of(&row.title, "stack.yaml", &row.yaml);
        same_text(&one, &other, &row.title);
        assert!(one.lines().count() > 1, "\"{}\" says something", row.title);
    }
}
