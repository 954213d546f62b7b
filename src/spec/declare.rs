//! Sorts the blocks of a module by kind, lays override files over them, and declares their names.

use std::collections::HashMap;

use super::decode::{check_blocks, resource_mode};
use super::resolve::{CallFacts, Declared, Repeats, ResourceFacts, local_name};
use super::syntax::{Argument, Block, BodySource, Shape};
use crate::model::{Diagnostic, Diagnostics, Span, Str};

/// The blocks of a module by kind, overrides applied, names distinct.
#[derive(Default)]
pub struct Blocks<'a> {
    pub terraform: Vec<Overridable<'a>>,
    pub providers: Vec<Block<'a>>,
    pub variables: Vec<Block<'a>>,
    pub locals: Vec<WrittenLocal<'a>>,
    pub resources: Vec<Block<'a>>,
    pub calls: Vec<Block<'a>>,
    pub outputs: Vec<Block<'a>>,
    pub moved: Vec<Block<'a>>,
    pub removed: Vec<Block<'a>>,
    pub imports: Vec<Block<'a>>,
    /// With the index of the scoped data source among the resources.
    pub checks: Vec<(Block<'a>, Option<u32>)>,
}

/// A block of which there may be many, and whether it stands in an override file.
pub struct Overridable<'a> {
    pub block: Block<'a>,
    pub overrides: bool,
}

pub struct WrittenLocal<'a> {
    pub argument: Argument<'a>,
}

/// A parsed file of a module.
pub struct File<'a> {
    pub body: BodySource<'a>,
    pub overrides: bool,
}

const ROOT: &[(&str, usize)] = &[
    ("terraform", 0),
    ("provider", 1),
    ("variable", 1),
    ("locals", 0),
    ("resource", 2),
    ("data", 2),
    ("ephemeral", 2),
    ("module", 1),
    ("output", 1),
    ("moved", 0),
    ("removed", 0),
    ("import", 0),
    ("check", 1),
];

/// What the labels of a block are, for messages.
fn label_names(ty: &str) -> &'static [&'static str] {
    match ty {
        "resource" | "data" | "ephemeral" => &["a type", "a name"],
        "provider" | "variable" | "module" | "output" | "check" => &["a name"],
        _ => &[],
    }
}

/// Collects the blocks of all files of a module.
pub fn collect<'a>(files: &[File<'a>], diagnostics: &mut Diagnostics) -> Blocks<'a> {
    let mut blocks = Blocks::default();
    for file in files.iter().filter(|f| !f.overrides) {
        for block in top_blocks(file, diagnostics) {
            add(&mut blocks, block, diagnostics);
        }
    }
    if files.iter().any(|f| f.overrides) {
        let mut places = Places::of(&blocks);
        for file in files.iter().filter(|f| f.overrides) {
            for block in top_blocks(file, diagnostics) {
                override_with(&mut blocks, &mut places, block, diagnostics);
            }
        }
    }
    blocks
}

fn top_blocks<'a>(file: &File<'a>, diagnostics: &mut Diagnostics) -> Vec<Block<'a>> {
    let content = file.body.content(Shape::of(ROOT), diagnostics);
    for stray in &content.arguments {
        let name = &*stray.name;
        let error = Diagnostic::error(format!("unknown block type \"{name}\"")).at(stray.name_span);
        let error = error.label("no block of this type can stand here");
        diagnostics.push(error.did_you_mean(name, ROOT.iter().map(|(ty, _)| *ty)));
    }
    content.blocks.into_iter().filter(|block| is_well_formed(block, diagnostics)).collect()
}

/// Type, number of labels and names.
fn is_well_formed(block: &Block<'_>, diagnostics: &mut Diagnostics) -> bool {
    let ty = &*block.ty;
    let Some((_, labels)) = ROOT.iter().find(|(known, _)| *known == ty) else {
        let error = Diagnostic::error(format!("unknown block type \"{ty}\"")).at(block.header);
        let error = error.label("no block of this type can stand here");
        diagnostics.push(error.did_you_mean(ty, ROOT.iter().map(|(ty, _)| *ty)));
        return false;
    };
    if block.labels.len() != *labels {
        let names = label_names(ty);
        let wanted = if names.is_empty() { "no labels".to_string() } else { names.join(" and ") };
        let error = Diagnostic::error(format!("\"{ty}\" blocks have {wanted}")).at(block.header);
        diagnostics.push(error.label(format!("{} found here", count(block.labels.len()))));
        return false;
    }
    let mut good = true;
    for (label, span) in &block.labels {
        if !is_name(label) {
            let error = Diagnostic::error(format!("\"{label}\" is not a name")).at(*span);
            diagnostics.push(error.label(NAME_RULE));
            good = false;
        }
    }
    good
}

fn count(labels: usize) -> String {
    match labels {
        0 => "no label".into(),
        1 => "one label".into(),
        n => format!("{n} labels"),
    }
}

const NAME_RULE: &str = "a name begins with a letter or \"_\"; letters, digits, \"_\" and \"-\" follow";

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn add<'a>(blocks: &mut Blocks<'a>, block: Block<'a>, diagnostics: &mut Diagnostics) {
    match &*block.ty {
        "terraform" => blocks.terraform.push(Overridable { block, overrides: false }),
        "provider" => blocks.providers.push(block),
        "variable" => blocks.variables.push(block),
        "locals" => blocks.locals.extend(locals(&block, diagnostics)),
        "module" => blocks.calls.push(block),
        "output" => blocks.outputs.push(block),
        "moved" => blocks.moved.push(block),
        "removed" => blocks.removed.push(block),
        "import" => blocks.imports.push(block),
        "check" => blocks.checks.push((block, None)),
        _ => blocks.resources.push(block),
    }
}

fn locals<'a>(block: &Block<'a>, diagnostics: &mut Diagnostics) -> Vec<WrittenLocal<'a>> {
    let mut content = block.content(Shape::default(), diagnostics);
    let arguments = std::mem::take(&mut content.arguments);
    content.finish("a locals block", &[], &[], diagnostics);
    let good = arguments.into_iter().filter(|argument| {
        let good = is_name(&argument.name);
        if !good {
            let error = Diagnostic::error(format!("\"{}\" is not a name", argument.name)).at(argument.name_span);
            diagnostics.push(error.label(NAME_RULE));
        }
        good
    });
    good.map(|argument| WrittenLocal { argument }).collect()
}

/// Where the blocks stand that an override file can change.
struct Places {
    blocks: HashMap<(Str, Vec<Str>), usize>,
    providers: HashMap<(Str, Option<Str>), usize>,
    locals: HashMap<Str, usize>,
}

impl Places {
    fn of(blocks: &Blocks<'_>) -> Places {
        let lists = [&blocks.variables, &blocks.resources, &blocks.calls, &blocks.outputs];
        let named = lists.into_iter().flat_map(|list| list.iter().enumerate());
        let providers = blocks.providers.iter().enumerate().map(|(i, b)| ((b.label(0).0, alias(b)), i));
        let locals = blocks.locals.iter().enumerate().map(|(i, l)| (l.argument.name.clone(), i));
        Places {
            blocks: named.map(|(i, b)| (b.key(), i)).collect(),
            providers: providers.collect(),
            locals: locals.collect(),
        }
    }
}

/// The alias of a provider block.
fn alias(block: &Block<'_>) -> Option<Str> {
    block.argument("alias")?.plain_text()
}

fn override_with<'a>(blocks: &mut Blocks<'a>, places: &mut Places, block: Block<'a>, diagnostics: &mut Diagnostics) {
    let list = match &*block.ty {
        "terraform" => return blocks.terraform.push(Overridable { block, overrides: true }),
        "removed" => return add(blocks, block, diagnostics),
        "moved" | "import" | "check" => {
            let error = Diagnostic::error(format!("a \"{}\" block in an override file", block.ty)).at(block.header);
            let error = error.label("there is nothing that it could override");
            return diagnostics.push(error.help("write it in a file that is not named *_override.tf"));
        }
        "locals" => {
            for local in locals(&block, diagnostics) {
                let argument = &local.argument;
                match places.locals.get(&argument.name).and_then(|i| blocks.locals.get_mut(*i)) {
                    Some(base) => *base = local,
                    None => diagnostics.push(nothing_to_override("local", &argument.name, argument.name_span)),
                }
            }
            return;
        }
        "provider" => {
            let place = places.providers.get(&(block.label(0).0, alias(&block)));
            return match place.and_then(|i| blocks.providers.get_mut(*i)) {
                Some(base) => base.bodies.extend(block.bodies),
                None => blocks.providers.push(block),
            };
        }
        "variable" => &mut blocks.variables,
        "module" => &mut blocks.calls,
        "output" => &mut blocks.outputs,
        _ => &mut blocks.resources,
    };
    refuse_lists(&block, diagnostics);
    match places.blocks.get(&block.key()).and_then(|i| list.get_mut(*i)) {
        Some(base) => base.bodies.extend(block.bodies),
        None => {
            let names: Vec<&str> = block.labels.iter().map(|(label, _)| &**label).collect();
            diagnostics.push(nothing_to_override(&block.ty, &names.join("."), block.header));
        }
    }
}

fn nothing_to_override(what: &str, name: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::error(format!("{what} \"{name}\" has nothing to override")).at(span);
    let error = error.label("this file changes blocks of other files");
    error.help("declare it in a file that is not named *_override.tf")
}

/// Complains about what an override file cannot change: dependencies and conditions, of which there may be many.
fn refuse_lists(block: &Block<'_>, diagnostics: &mut Diagnostics) {
    const RULES: &[(&str, usize)] = &[("precondition", 0), ("postcondition", 0), ("validation", 0), ("lifecycle", 0)];
    let mut ignored = Diagnostics::new();
    let mut content = block.content(Shape::of(RULES), &mut ignored);
    let mut refused: Vec<(Str, Span)> = Vec::new();
    refused.extend(content.take("depends_on").map(|argument| (argument.name, argument.name_span)));
    for lifecycle in content.take_blocks("lifecycle") {
        content.blocks.extend(lifecycle.content(Shape::of(RULES), &mut ignored).blocks);
    }
    let rules = content.blocks.into_iter().filter(|b| RULES.iter().any(|(ty, _)| *ty == &*b.ty));
    refused.extend(rules.map(|rule| (rule.ty, rule.header)));
    for (name, span) in refused {
        let error = Diagnostic::error(format!("\"{name}\" cannot be overridden")).at(span);
        let error = error.label("it would be unclear what becomes of those in other files");
        diagnostics.push(error.help("write it where the block is declared"));
    }
}

/// Declares all names, and drops the blocks whose name is taken. The children of calls are still to be loaded.
pub fn declare(blocks: &mut Blocks<'_>, diagnostics: &mut Diagnostics) -> Declared {
    let mut declared = Declared::default();
    distinct(&mut blocks.variables, "variable", &mut declared.variables, diagnostics);
    distinct(&mut blocks.outputs, "output", &mut declared.outputs, diagnostics);
    declare_locals(blocks, &mut declared, diagnostics);
    let scoped = scoped_data(blocks, diagnostics);
    blocks.resources.retain(|block| declare_resource(block, false, &mut declared, diagnostics).is_some());
    for (at, block) in scoped {
        if let Some(index) = declare_resource(&block, true, &mut declared, diagnostics) {
            blocks.resources.push(block);
            if let Some((_, data)) = blocks.checks.get_mut(at) {
                *data = Some(index);
            }
        }
    }
    declare_calls(blocks, &mut declared, diagnostics);
    declare_providers(blocks, &mut declared, diagnostics);
    let mut checks = HashMap::new();
    blocks.checks.retain(|(block, _)| first_of(block, "check", &mut checks, diagnostics));
    declared
}

fn twice(what: &str, name: &str, first: Span, again: Span) -> Diagnostic {
    let error = Diagnostic::error(format!("{what} \"{name}\" is declared twice")).at(again);
    error.label("declared again here").related(first, "first declared here")
}

fn first_of(block: &Block<'_>, what: &str, seen: &mut HashMap<Str, Span>, diagnostics: &mut Diagnostics) -> bool {
    let (name, _) = block.label(0);
    match seen.get(&name) {
        Some(first) => {
            diagnostics.push(twice(what, &name, *first, block.header));
            false
        }
        None => {
            seen.insert(name, block.header);
            true
        }
    }
}

fn distinct(blocks: &mut Vec<Block<'_>>, what: &str, names: &mut HashMap<Str, u32>, diagnostics: &mut Diagnostics) {
    let mut seen = HashMap::with_capacity(blocks.len());
    blocks.retain(|block| first_of(block, what, &mut seen, diagnostics));
    names.extend(blocks.iter().enumerate().map(|(i, b)| (b.label(0).0, i as u32)));
}

fn declare_locals(blocks: &mut Blocks<'_>, declared: &mut Declared, diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<Str, Span> = HashMap::with_capacity(blocks.locals.len());
    blocks.locals.retain(|local| {
        let (name, span) = (&local.argument.name, local.argument.name_span);
        match seen.get(name) {
            Some(first) => diagnostics.push(twice("local", name, *first, span)),
            None => {
                seen.insert(name.clone(), span);
                return true;
            }
        }
        false
    });
    declared.locals.extend(blocks.locals.iter().enumerate().map(|(i, l)| (l.argument.name.clone(), i as u32)));
}

/// The data sources in `check` blocks, with the index of their check.
fn scoped_data<'a>(blocks: &Blocks<'a>, diagnostics: &mut Diagnostics) -> Vec<(usize, Block<'a>)> {
    let mut scoped = Vec::new();
    let mut ignored = Diagnostics::new();
    for (at, (check, _)) in blocks.checks.iter().enumerate() {
        let mut content = check.content(check_blocks(), &mut ignored);
        let mut data = content.take_blocks("data").into_iter();
        scoped.extend(data.next().filter(|b| is_well_formed(b, diagnostics)).map(|block| (at, block)));
        for again in data {
            let error = Diagnostic::error("a check has one data source").at(again.header);
            diagnostics.push(error.label("this is another"));
        }
    }
    scoped
}

/// `scoped` says that it stands in a check.
fn declare_resource(
    block: &Block<'_>,
    scoped: bool,
    declared: &mut Declared,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let mode = resource_mode(&block.ty);
    let ((ty, _), (name, _)) = (block.label(0), block.label(1));
    let facts = ResourceFacts { mode, repeats: block_repeats(block), span: block.header, ty, name, scoped };
    let full = local_name(mode, &facts.ty, &facts.name);
    match declared.add_resource(facts) {
        Ok(index) => Some(index),
        Err(earlier) => {
            let first = declared.resource_facts.get(earlier as usize).map_or(block.header, |facts| facts.span);
            let what = match &*block.ty {
                "data" => "data source",
                "ephemeral" => "ephemeral resource",
                _ => "resource",
            };
            diagnostics.push(twice(what, &full, first, block.header));
            None
        }
    }
}

/// How a block repeats, from the arguments that it has.
pub fn block_repeats(block: &Block<'_>) -> Repeats {
    if block.argument("count").is_some() {
        Repeats::Count
    } else if block.argument("for_each").is_some() {
        Repeats::ForEach
    } else {
        Repeats::Once
    }
}

fn declare_calls(blocks: &mut Blocks<'_>, declared: &mut Declared, diagnostics: &mut Diagnostics) {
    let mut seen = HashMap::new();
    blocks.calls.retain(|block| {
        let first = first_of(block, "module", &mut seen, diagnostics);
        if first {
            let (name, _) = block.label(0);
            declared.calls.insert(name.clone(), declared.call_facts.len() as u32);
            let (repeats, span) = (block_repeats(block), block.header);
            declared.call_facts.push(CallFacts { name, repeats, span, source: Str::default(), child: None });
        }
        first
    });
}

fn declare_providers(blocks: &mut Blocks<'_>, declared: &mut Declared, diagnostics: &mut Diagnostics) {
    blocks.providers.retain(|block| {
        let (name, _) = block.label(0);
        let key = (name.clone(), alias(block));
        match declared.providers.get(&key) {
            Some(first) => {
                let full = key.1.map_or(name.to_string(), |alias| format!("{name}.{alias}"));
                let error = twice("provider", &full, *first, block.header);
                diagnostics.push(error.help("give each further configuration an \"alias\" of its own"));
                false
            }
            None => {
                declared.providers.insert(key, block.header);
                true
            }
        }
    });
}
