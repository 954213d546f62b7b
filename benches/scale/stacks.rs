//! Writes large stacks of `terraform_data`, which Terrane, Terraform and OpenTofu all read without a plugin.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// How the instances of a stack hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Independent blocks.
    Flat,
    /// One block with `for_each`.
    Each,
    /// A long chain with shared parents: block i refers to i-1 and i/2.
    Dag,
    /// Ten layers; each block refers to three of the layer above.
    Layers,
    /// Calls of a module that holds a chain of ten blocks.
    Modules,
}

impl Shape {
    pub const ALL: [Shape; 5] = [Shape::Flat, Shape::Each, Shape::Dag, Shape::Layers, Shape::Modules];

    pub fn name(self) -> &'static str {
        match self {
            Shape::Flat => "flat",
            Shape::Each => "each",
            Shape::Dag => "dag",
            Shape::Layers => "layers",
            Shape::Modules => "modules",
        }
    }

    /// Writes a stack of `instances` resource instances into `folder`.
    pub fn write(self, instances: usize, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let text = match self {
            Shape::Flat => blocks(instances, |_| Vec::new()),
            Shape::Each => each(instances),
            Shape::Dag => blocks(instances, chain_parents),
            Shape::Layers => blocks(instances, |i| layer_parents(i, (instances / 10).max(1))),
            Shape::Modules => {
                fs::create_dir_all(folder.join("unit"))?;
                fs::write(folder.join("unit/main.tf"), unit())?;
                calls(instances / 10)
            }
        };
        fs::write(folder.join("main.tf"), text)
    }
}

fn chain_parents(i: usize) -> Vec<usize> {
    match i {
        0 => Vec::new(),
        1 => vec![0],
        2 => vec![1],
        _ => vec![i / 2, i - 1],
    }
}

/// Three blocks of the layer above, spread so that every block there has about as many dependents.
fn layer_parents(i: usize, width: usize) -> Vec<usize> {
    let (layer, position) = (i / width, i % width);
    if layer == 0 {
        return Vec::new();
    }
    let mut parents: Vec<usize> = (0..3).map(|k| (layer - 1) * width + (position * 7 + k * 13) % width).collect();
    parents.sort_unstable();
    parents.dedup();
    parents
}

fn blocks(count: usize, parents: impl Fn(usize) -> Vec<usize>) -> String {
    let mut text = String::with_capacity(count * 96);
    for i in 0..count {
        let _ = write!(
            text,
            "resource \"terraform_data\" \"n{i}\" {{\n  input = {{ name = \"node-{i}\", size = {}",
            i % 17
        );
        for (k, parent) in parents(i).into_iter().enumerate() {
            let _ = write!(text, ", r{k} = terraform_data.n{parent}.id");
        }
        text.push_str(" }\n}\n");
    }
    text
}

/// Keys come from nested ranges, as `range` gives at most 1,024 numbers.
fn each(count: usize) -> String {
    let rows = count.div_ceil(1000);
    format!(
        "locals {{\n  keys = slice(flatten([for a in range({rows}) : [for b in range(1000) : \"k${{a}}-${{b}}\"]]), 0, {count})\n}}\n\
         resource \"terraform_data\" \"n\" {{\n  for_each = toset(local.keys)\n  input    = {{ name = each.key }}\n}}\n"
    )
}

fn unit() -> String {
    let mut text = String::from("variable \"name\" {\n  type = string\n}\n");
    for i in 0..10 {
        let _ = write!(text, "resource \"terraform_data\" \"n{i}\" {{\n  input = {{ name = \"${{var.name}}-{i}\"");
        if i > 0 {
            let _ = write!(text, ", up = terraform_data.n{}.id", i - 1);
        }
        text.push_str(" }\n}\n");
    }
    text.push_str("output \"last\" {\n  value = terraform_data.n9.id\n}\n");
    text
}

fn calls(count: usize) -> String {
    let mut text = String::new();
    for i in 0..count {
        let _ = write!(text, "module \"m{i}\" {{\n  source = \"./unit\"\n  name   = \"m{i}\"\n}}\n");
    }
    text
}
