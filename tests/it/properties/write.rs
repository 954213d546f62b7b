//! Writes random stacks as the files of a root module and the modules that it calls.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::stack::{Content, Item, Kind, Module, Reference, Repeat, Resource, Stack, address};
use super::text::{Arg, Block, Spelling, file};

/// File names and texts.
pub type Files = BTreeMap<String, String>;

pub fn files(stack: &Stack, spelling: Spelling) -> Files {
    let items = whole(&stack.items);
    let secret = has_secret(&items);
    let mut blocks = Vec::new();
    if stack.cloud {
        blocks.push(Block::new("provider", &["aws"]).arg("region", text("eu-west-1")));
    }
    blocks.push(secret_variable(stack.secret));
    let mut files = Files::new();
    add_items(&items, "", secret, spelling, &mut blocks, &mut files);
    for (name, reference, sensitive) in &stack.outputs {
        let Some(value) = expression(reference, &items) else { continue };
        let output = Block::new("output", &[name]).arg("value", Arg::Expr(value));
        blocks.push(output.maybe("sensitive", (*sensitive || secret).then_some(Arg::Literal(json!(true)))));
    }
    for reference in &stack.checks {
        let Some(value) = expression(reference, &items) else { continue };
        let condition = Arg::Expr(format!("length(jsonencode({value})) > 12"));
        let assert = Block::new("assert", &[]).arg("condition", condition).arg("error_message", text("too short"));
        blocks.push(Block::new("check", &["c"]).block(assert));
    }
    for (from, to) in &stack.moved {
        blocks.push(Block::new("moved", &[]).arg("from", Arg::Name(from.clone())).arg("to", Arg::Name(to.clone())));
    }
    for (from, destroy) in &stack.removed {
        let lifecycle = Block::new("lifecycle", &[]).arg("destroy", Arg::Literal(json!(destroy)));
        blocks.push(Block::new("removed", &[]).arg("from", Arg::Name(from.clone())).block(lifecycle));
    }
    add_file("", &blocks, spelling, &mut files);
    files
}

/// What can be written: a route table and a group need a network that is there.
fn whole(items: &[Item]) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        let needs_network = |kind: Kind| matches!(kind, Kind::RouteTable | Kind::Group);
        let lacks = matches!(&item.content, Content::Resource(r) if needs_network(r.kind) && network(&kept).is_none());
        if !lacks {
            let mut item = item.clone();
            if let Content::Module(module) = &mut item.content {
                module.items = whole(&module.items);
            }
            kept.push(item);
        }
    }
    kept
}

/// The last network that is not repeated.
fn network(items: &[Item]) -> Option<&Item> {
    let fits =
        |item: &&Item| matches!(&item.content, Content::Resource(r) if r.kind == Kind::Vpc && r.repeat == Repeat::Once);
    items.iter().rev().find(fits)
}

fn add_file(folder: &str, blocks: &[Block], spelling: Spelling, files: &mut Files) {
    let (name, text) = file(blocks, spelling);
    files.insert(format!("{folder}{name}"), text);
}

fn add_items(
    items: &[Item],
    folder: &str,
    secret: bool,
    spelling: Spelling,
    blocks: &mut Vec<Block>,
    files: &mut Files,
) {
    let mut locals = Block::new("locals", &[]);
    for (i, item) in items.iter().enumerate() {
        let before = &items[..i];
        match &item.content {
            Content::Resource(resource) => blocks.push(resource_block(&item.name, resource, before)),
            Content::Module(module) => {
                let below = format!("{folder}{}/", item.name);
                add_module(module, &below, secret, spelling, files);
                blocks.push(call_block(&item.name, module, before));
            }
            Content::Local(refs) => {
                let values: Vec<String> = refs.iter().filter_map(|r| expression(r, before)).collect();
                locals = locals.arg(&item.name, Arg::Expr(format!("[{}]", values.join(", "))));
            }
        }
    }
    if !locals.is_empty() {
        blocks.push(locals);
    }
}

/// Modules have one of their own.
fn secret_variable(number: usize) -> Block {
    let default = text(&format!("s{number}"));
    Block::new("variable", &["secret"]).arg("default", default).arg("sensitive", Arg::Literal(json!(true)))
}

fn add_module(module: &Module, folder: &str, secret: bool, spelling: Spelling, files: &mut Files) {
    let mut blocks = vec![Block::new("variable", &["x"]).arg("default", Arg::Literal(Json::Null)), secret_variable(0)];
    add_items(&module.items, folder, secret, spelling, &mut blocks, files);
    let last = |way| module.items.last().map(|item| Reference { to: item.name.clone(), way });
    let values = [last(0), last(1)].into_iter().flatten().filter_map(|r| expression(&r, &module.items));
    let values: Vec<String> = values.chain(["var.x".to_string()]).collect();
    let output = Block::new("output", &["out"]).arg("value", Arg::Expr(format!("[{}]", values.join(", "))));
    blocks.push(output.maybe("sensitive", secret.then_some(Arg::Literal(json!(true)))));
    add_file(folder, &blocks, spelling, files);
}

fn call_block(name: &str, module: &Module, before: &[Item]) -> Block {
    let block = Block::new("module", &[name]).arg("source", text(&format!("./{name}")));
    let argument = module.argument.as_ref().and_then(|r| expression(r, before));
    let block = repeated(block, &module.repeat).maybe("x", argument.map(Arg::Expr));
    block.maybe("depends_on", depends_on(module.depends_on.as_ref(), before))
}

fn repeated(block: Block, repeat: &Repeat) -> Block {
    match repeat {
        Repeat::Once => block,
        Repeat::Count(n) => block.arg("count", Arg::Literal(json!(n))),
        Repeat::Each(keys) => block.arg("for_each", Arg::Expr(format!("toset({})", json!(keys)))),
    }
}

fn depends_on(name: Option<&String>, before: &[Item]) -> Option<Arg> {
    let item = before.iter().find(|i| Some(&i.name) == name)?;
    Some(Arg::Names(vec![address(item)?]))
}

fn resource_block(name: &str, r: &Resource, before: &[Item]) -> Block {
    let block = repeated(Block::new("resource", &[r.kind.ty(), name]), &r.repeat);
    let references: Vec<(String, String)> = r
        .refs
        .iter()
        .enumerate()
        .filter_map(|(i, reference)| Some((format!("r{i}"), expression(reference, before)?)))
        .collect();
    let block = match r.kind {
        Kind::Data => {
            let mut input = vec![("me".to_string(), me(&r.repeat)), ("lit".to_string(), literal(r.literal))];
            input.extend(references.into_iter().map(|(n, e)| (n, Arg::Expr(e))));
            input.extend(r.secret.then(|| ("s".to_string(), Arg::Expr("var.secret".into()))));
            block.arg("input", Arg::Map(input)).maybe("triggers_replace", triggers(r, before))
        }
        Kind::RandomId => {
            let mut keepers = vec![("k".to_string(), text(&format!("v{}", r.literal)))];
            keepers.extend(references.into_iter().map(|(n, e)| (n, Arg::Expr(format!("jsonencode({e})")))));
            let length = 4 + r.trigger.unwrap_or_default() % 3;
            block.arg("byte_length", Arg::Literal(json!(length))).arg("keepers", Arg::Map(keepers))
        }
        kind => {
            let mut tags = vec![("k".to_string(), text(&format!("v{}", r.literal)))];
            tags.extend(references.into_iter().map(|(n, e)| (n, Arg::Expr(format!("jsonencode({e})")))));
            tags.extend(r.secret.then(|| ("s".to_string(), Arg::Expr("var.secret".into()))));
            cloud(kind, r, before, block).arg("tags", Arg::Map(tags))
        }
    };
    let block = block.maybe("depends_on", depends_on(r.depends_on.as_ref(), before));
    let lifecycle = lifecycle(r, before);
    if lifecycle.is_empty() { block } else { block.block(lifecycle) }
}

/// The arguments of a type that the sandbox has objects of, tags aside.
fn cloud(kind: Kind, r: &Resource, before: &[Item], block: Block) -> Block {
    let number = r.trigger.unwrap_or_default() % 250;
    let vpc_id = network(before).map(|item| Arg::Expr(format!("aws_vpc.{}.id", item.name)));
    match kind {
        Kind::Vpc => block.arg("cidr_block", text(&format!("10.{number}.0.0/16"))),
        Kind::Group => {
            let ports = Arg::Expr(format!("range(1, {})", 1 + r.rules));
            let content = Block::new("content", &[])
                .arg("from_port", Arg::Expr("ingress.value".into()))
                .arg("to_port", Arg::Expr("ingress.value + 1".into()))
                .arg("protocol", text("tcp"))
                .arg("cidr_blocks", Arg::Literal(json!(["10.0.0.0/8"])));
            block
                .arg("name_prefix", text("g-"))
                .arg("description", text(&format!("d{number}")))
                .maybe("vpc_id", vpc_id)
                .block(Block::new("dynamic", &["ingress"]).arg("for_each", ports).block(content))
        }
        Kind::RouteTable => block.maybe("vpc_id", vpc_id),
        _ => block.arg("domain", text("vpc")),
    }
}

fn lifecycle(r: &Resource, before: &[Item]) -> Block {
    let ignored = match r.kind {
        Kind::Data => "input",
        Kind::RandomId => "keepers",
        _ => "tags",
    };
    let triggered = r.triggered_by.as_ref().and_then(|reference| trigger_address(reference, &r.repeat, before));
    let block = Block::new("lifecycle", &[])
        .maybe("create_before_destroy", r.create_first.map(|on| Arg::Literal(json!(on))))
        .maybe("prevent_destroy", r.prevent.then_some(Arg::Literal(json!(true))))
        .maybe("ignore_changes", r.ignore.then(|| Arg::Names(vec![ignored.into()])))
        .maybe("replace_triggered_by", triggered.map(|address| Arg::Names(vec![address])));
    let Some(number) = r.condition else { return block };
    let (ty, condition) = match number {
        0..3 => ("precondition", format!("length(jsonencode({})) < 9", literal(number).expr())),
        3..6 => ("postcondition", format!("self.id != \"x{number}\"")),
        _ => ("postcondition", format!("length(jsonencode(self.input)) > {}", number * 4)),
    };
    block.block(Block::new(ty, &[]).arg("condition", Arg::Expr(condition)).arg("error_message", text("it is not so")))
}

/// A managed resource as `replace_triggered_by` names it.
fn trigger_address(reference: &Reference, own: &Repeat, before: &[Item]) -> Option<String> {
    let item = before.iter().find(|i| i.name == reference.to)?;
    let Content::Resource(target) = &item.content else { return None };
    let address = address(item)?;
    Some(match (&target.repeat, own, reference.way) {
        (Repeat::Once, _, 0..3) => format!("{address}.id"),
        (Repeat::Once, _, 3) if target.kind == Kind::Data => format!("{address}.output"),
        (Repeat::Count(a), Repeat::Count(b), 0..3) if a >= b => format!("{address}[count.index]"),
        (Repeat::Each(a), Repeat::Each(b), 0..3) if a == b => format!("{address}[each.key]"),
        _ => address,
    })
}

fn triggers(r: &Resource, before: &[Item]) -> Option<Arg> {
    let reference = r.trigger_ref.as_ref().and_then(|reference| expression(reference, before));
    let parts: Vec<String> = r.trigger.map(|n| literal(n).expr()).into_iter().chain(reference).collect();
    (!parts.is_empty()).then(|| Arg::Expr(format!("[{}]", parts.join(", "))))
}

fn me(repeat: &Repeat) -> Arg {
    match repeat {
        Repeat::Once => text("once"),
        Repeat::Count(_) => Arg::Expr("count.index".into()),
        Repeat::Each(_) => Arg::Expr("each.key".into()),
    }
}

fn literal(number: usize) -> Arg {
    Arg::Literal(match number % 8 {
        0 | 5 => json!(format!("v{number}")),
        1 => json!(number),
        2 => json!(number.is_multiple_of(3)),
        3 => Json::Null,
        4 => json!(["x", format!("y{number}")]),
        6 => json!({ "k": format!("v{number}"), "l": [1, number] }),
        _ => json!([]),
    })
}

impl Arg {
    /// The literal as an expression.
    fn expr(&self) -> String {
        match self {
            Arg::Literal(json) => json.to_string(),
            Arg::Expr(text) => text.clone(),
            _ => "null".into(),
        }
    }
}

fn text(text: &str) -> Arg {
    Arg::Literal(json!(text))
}

fn has_secret(items: &[Item]) -> bool {
    items.iter().any(|item| match &item.content {
        Content::Resource(r) => r.secret,
        Content::Module(m) => has_secret(&m.items),
        Content::Local(_) => false,
    })
}

/// The expression of a reference, where its target is among the items.
fn expression(reference: &Reference, items: &[Item]) -> Option<String> {
    let item = items.iter().find(|i| i.name == reference.to)?;
    let name = &item.name;
    let way = reference.way;
    match &item.content {
        Content::Local(_) => Some(format!("local.{name}")),
        Content::Module(m) => Some(match (&m.repeat, way) {
            (Repeat::Once, 0) => format!("module.{name}"),
            (Repeat::Once, _) => format!("module.{name}.out"),
            (Repeat::Count(_), 0) => format!("module.{name}[*].out"),
            (Repeat::Count(_), 1) => format!("length(module.{name})"),
            (Repeat::Count(_), 2) => format!("try(module.{name}[0].out, \"none\")"),
            (Repeat::Each(_), 0) => format!("{{ for k, v in module.{name} : k => v.out }}"),
            (Repeat::Each(_), 1) => format!("keys(module.{name})"),
            (Repeat::Each(_), 2) => format!("try(module.{name}[\"a\"].out, \"none\")"),
            _ => format!("module.{name}"),
        }),
        Content::Resource(r) => {
            let address = format!("{}.{name}", r.kind.ty());
            let value = if r.kind == Kind::Data { "output" } else { "id" };
            Some(of_resource(&address, value, &r.repeat, way))
        }
    }
}

fn of_resource(address: &str, value: &str, repeat: &Repeat, way: usize) -> String {
    match (repeat, way) {
        (Repeat::Once, 0) => format!("{address}.{value}"),
        (Repeat::Once, 1) => format!("{address}.id"),
        (Repeat::Once, 2) => format!("try({address}.{value}.lit, \"none\")"),
        (Repeat::Once, 3) => format!("\"x-${{{address}.id}}\""),
        (Repeat::Count(_), 0) => format!("{address}[*].id"),
        (Repeat::Count(_), 1) => format!("length({address})"),
        (Repeat::Count(_), 2) => format!("try({address}[0].{value}, \"none\")"),
        (Repeat::Count(_), 3) => format!("[for x in {address} : x.{value}]"),
        (Repeat::Count(_), 4) => format!("try({address}[length({address}) - 1].id, \"none\")"),
        (Repeat::Each(_), 0) => format!("{{ for k, v in {address} : k => v.id }}"),
        (Repeat::Each(_), 1) => format!("keys({address})"),
        (Repeat::Each(_), 2) => format!("try({address}[\"a\"].{value}, \"none\")"),
        (Repeat::Each(_), 3) => format!("values({address})[*].{value}"),
        (Repeat::Each(_), 4) => format!("join(\",\", keys({address}))"),
        _ => address.to_string(),
    }
}
