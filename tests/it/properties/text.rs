//! Configurations as blocks, written as `.tf` or as YAML: one stack in both spellings.

use serde_json::{Map, Value as Json, json};

/// The value of an argument.
#[derive(Clone, Debug)]
pub enum Arg {
    Literal(Json),
    /// An expression, in the language of `.tf`.
    Expr(String),
    /// A list of names or addresses, which YAML writes as strings.
    Names(Vec<String>),
    /// One name or address.
    Name(String),
    Map(Vec<(String, Arg)>),
}

#[derive(Clone, Debug, Default)]
pub struct Block {
    ty: String,
    labels: Vec<String>,
    args: Vec<(String, Arg)>,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    Hcl,
    Yaml,
}

impl Block {
    pub fn new(ty: &str, labels: &[&str]) -> Block {
        Block { ty: ty.into(), labels: labels.iter().map(|l| (*l).into()).collect(), ..Block::default() }
    }

    pub fn arg(mut self, name: &str, value: Arg) -> Block {
        self.args.push((name.into(), value));
        self
    }

    pub fn maybe(self, name: &str, value: Option<Arg>) -> Block {
        match value {
            Some(value) => self.arg(name, value),
            None => self,
        }
    }

    pub fn block(mut self, block: Block) -> Block {
        self.blocks.push(block);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.args.is_empty() && self.blocks.is_empty()
    }

    fn hcl(&self, indent: usize, text: &mut String) {
        let pad = "  ".repeat(indent);
        let labels: String = self.labels.iter().map(|l| format!(" \"{l}\"")).collect();
        text.push_str(&format!("{pad}{}{labels} {{\n", self.ty));
        for (name, value) in &self.args {
            text.push_str(&format!("{pad}  {name} = {}\n", value.hcl()));
        }
        self.blocks.iter().for_each(|block| block.hcl(indent + 1, text));
        text.push_str(&format!("{pad}}}\n"));
    }

    fn body(&self) -> Json {
        let mut fields: Map<String, Json> = self.args.iter().map(|(n, v)| (n.clone(), v.json())).collect();
        self.blocks.iter().for_each(|block| block.put(&mut fields));
        Json::Object(fields)
    }

    /// Under its type and labels; blocks of the same name stand in a list.
    fn put(&self, at: &mut Map<String, Json>) {
        let Some((last, path)) = self.labels.split_last() else {
            let list = at.entry(self.ty.clone()).or_insert_with(|| json!([]));
            list.as_array_mut().expect("only blocks have this name").push(self.body());
            return;
        };
        let mut open = at.entry(self.ty.clone()).or_insert_with(|| json!({}));
        for label in path {
            open = open.as_object_mut().expect("labels lead to mappings").entry(label.clone()).or_insert(json!({}));
        }
        open.as_object_mut().expect("labels lead to mappings").insert(last.clone(), self.body());
    }
}

impl Arg {
    fn hcl(&self) -> String {
        match self {
            Arg::Literal(json) => json.to_string(),
            Arg::Expr(text) | Arg::Name(text) => text.clone(),
            Arg::Names(names) => format!("[{}]", names.join(", ")),
            Arg::Map(entries) => {
                let entries: Vec<String> = entries.iter().map(|(n, v)| format!("{n} = {}", v.hcl())).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    fn json(&self) -> Json {
        match self {
            Arg::Literal(json) => json.clone(),
            Arg::Expr(text) => Json::String(format!("${{{text}}}")),
            Arg::Name(text) => Json::String(text.clone()),
            Arg::Names(names) => json!(names),
            Arg::Map(entries) => Json::Object(entries.iter().map(|(n, v)| (n.clone(), v.json())).collect()),
        }
    }
}

/// A file of these blocks, with its name.
pub fn file(blocks: &[Block], spelling: Spelling) -> (&'static str, String) {
    match spelling {
        Spelling::Hcl => {
            let mut text = String::new();
            blocks.iter().for_each(|block| block.hcl(0, &mut text));
            ("main.tf", text)
        }
        Spelling::Yaml => {
            let mut fields = Map::new();
            for block in blocks {
                match &*block.ty {
                    "locals" => drop(fields.insert("locals".into(), block.body())),
                    _ => block.put(&mut fields),
                }
            }
            let mut text = String::new();
            yaml(&Json::Object(fields), 0, &mut text);
            ("stack.yaml", text)
        }
    }
}

/// Mappings and lists in block style; everything else as JSON, which YAML reads.
fn yaml(value: &Json, indent: usize, text: &mut String) {
    let pad = "  ".repeat(indent);
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                text.push_str(&format!("{pad}{}:", Json::String(name.clone())));
                nested(value, indent, text);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&format!("{pad}-"));
                nested(item, indent, text);
            }
        }
        leaf => text.push_str(&format!("{pad}{leaf}\n")),
    }
}

fn nested(value: &Json, indent: usize, text: &mut String) {
    let is_tree = value.as_object().is_some_and(|f| !f.is_empty()) || value.as_array().is_some_and(|a| !a.is_empty());
    if is_tree {
        text.push('\n');
        yaml(value, indent + 1, text);
    } else {
        text.push_str(&format!(" {value}\n"));
    }
}
