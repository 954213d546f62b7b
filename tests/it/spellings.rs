//! The page that shows every construct in both spellings: both columns of each row come to the same spec.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use terrane::lang::functions::Foreign;
use terrane::model::{Block, Mode, NestedBlock, Nesting, Schema, Str};
use terrane::ops::providers::Providers;
use terrane::provider::schema_words::{list_block, number};
use terrane::render::diagnostic::diagnostics_text;
use terrane::render::style::Style;
use terrane::spec::fingerprint::fingerprint;
use terrane::spec::{self, Options, Schemas};

/// One row of the page. A column is a file, or a file and one that overrides it.
struct Row {
    title: String,
    hcl: Vec<String>,
    yaml: Vec<String>,
}

fn rows(page: &str) -> Vec<Row> {
    let fenced = |section: &str, title: &str, language: &str| {
        let opening = format!("```{language}\n");
        let parts = section.split(&opening).skip(1);
        let texts: Vec<String> = parts.filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect();
        assert!(!texts.is_empty(), "\"{title}\" has no {language}");
        texts
    };
    let row = |section: &str| {
        let title = section.lines().next().unwrap_or_default().to_owned();
        Row { hcl: fenced(section, &title, "hcl"), yaml: fenced(section, &title, "yaml"), title }
    };
    page.split("\n## ").skip(1).map(row).collect()
}

/// The modules that the examples call.
const MODULES: [(&str, &str); 2] = [
    ("network", "variable \"name\" {}\nresource \"random_pet\" \"p\" {}\noutput \"id\" {\n  value = var.name\n}\n"),
    (
        "regions",
        "terraform {\n  required_providers {\n    random = {\n      source                = \"hashicorp/random\"\n      \
         configuration_aliases = [random.east, random.west]\n    }\n  }\n}\n\
         resource \"random_pet\" \"p\" {\n  provider = random.east\n}\n",
    ),
];

/// Constructs that no configuration may have.
const REFUSED: [&str; 1] = ["HCP Terraform"];

/// The providers that are built in, and the type of the page that has blocks with labels.
struct WithExample {
    providers: Providers,
    example: Schema,
}

impl WithExample {
    fn new(providers: Providers) -> WithExample {
        let listener = list_block().attr("port", number().required(), "Where it listens.").into_schema("").block;
        let listener = NestedBlock {
            name: "listener".into(),
            nesting: Nesting::Map,
            block: listener,
            min: 0,
            max: 0,
            computed: false,
            replaces: false,
        };
        let block = Block { blocks: vec![listener], ..Block::default() };
        WithExample { providers, example: Schema { version: 0, block } }
    }
}

impl Schemas for WithExample {
    fn resource(&self, mode: Mode, ty: &str) -> Option<&Schema> {
        if ty == "example_service" { Some(&self.example) } else { self.providers.resource(mode, ty) }
    }

    fn provider_config(&self, name: &str) -> Option<&Schema> {
        self.providers.provider_config(name)
    }

    fn type_names(&self, mode: Mode) -> Vec<Str> {
        self.providers.type_names(mode)
    }

    fn provider_names(&self) -> Vec<Str> {
        self.providers.provider_names()
    }

    fn function(&self, provider: &str, name: &str) -> Option<Arc<dyn Foreign>> {
        self.providers.function(provider, name)
    }
}

/// What the files come to, alone in a folder with the modules beside them; and the summaries of what is wrong.
fn print_of(schemas: &dyn Schemas, files: &[(&str, &str)]) -> (String, Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    for (module, text) in MODULES {
        fs::create_dir(folder.path().join(module)).unwrap();
        fs::write(folder.path().join(module).join("main.tf"), text).unwrap();
    }
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let (spec, diagnostics) = spec::load(Path::new(folder.path()), schemas, &Options::default());
    let told = diagnostics_text(&diagnostics, &spec.sources, Style::plain(100));
    (fingerprint(&spec), diagnostics.iter().map(|d| d.summary.clone()).collect(), told)
}

/// The files of a column, under the names that their order gives them.
fn named<'t>(names: [&'t str; 2], texts: &'t [String], title: &str) -> Vec<(&'t str, &'t str)> {
    assert!(texts.len() <= names.len(), "\"{title}\" has too many files");
    names.into_iter().zip(texts.iter().map(|text| &**text)).collect()
}

/// The first lines in which two texts differ.
fn first_difference<'t>(one: &'t str, other: &'t str) -> Option<(&'t str, &'t str)> {
    let (mut a, mut b) = (one.lines(), other.lines());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return None,
            (a, b) if a == b => (),
            (a, b) => return Some((a.unwrap_or("nothing more"), b.unwrap_or("nothing more"))),
        }
    }
}

#[test]
fn both_columns_of_the_page_mean_the_same() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/language/spellings.md")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let schemas = WithExample::new(Providers::new(runtime.handle().clone(), None));
    let rows = rows(&page);
    assert!(rows.len() > 40, "the rows of the page are found");
    let mut apart = Vec::new();
    for Row { title, hcl, yaml } in rows {
        if !cfg!(feature = "aws") && hcl.iter().any(|text| text.contains("\"aws_")) {
            continue;
        }
        let (one, wrong, told) = print_of(&schemas, &named(["main.tf", "main_override.tf"], &hcl, &title));
        let yaml_files = named(["stack.yaml", "stack_override.stack.yaml"], &yaml, &title);
        let (other, also_wrong, also_told) = print_of(&schemas, &yaml_files);
        if wrong != also_wrong || wrong.is_empty() == REFUSED.contains(&&*title) {
            apart.push(format!("{title}\n{told}\n{also_told}"));
        } else if let Some((a, b)) = first_difference(&one, &other) {
            apart.push(format!("{title}\n{a}\n{b}"));
        }
        assert!(one.lines().count() > 1, "\"{title}\" says something");
    }
    assert!(apart.is_empty(), "{}", apart.join("\n\n"));
}
