//! Random stacks that change from step to step.
//!
//! Items stand in an order and refer to earlier ones alone, so that no stack has a cycle. What refers to an item that
//! a later step takes away loses the reference.

use super::dice::Dice;

/// Which resource types a stack is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Data,
    RandomId,
    Vpc,
    Group,
    Address,
    RouteTable,
}

/// What a stack may hold.
#[derive(Clone, Copy, Debug)]
pub struct Flavour {
    pub kinds: &'static [Kind],
    /// `prevent_destroy`, which keeps a stack from converging.
    pub prevents: bool,
    /// Conditions that may fail.
    pub conditions: bool,
    /// Objects that are forgotten and live on, of which no inventory knows.
    pub forgets: bool,
}

/// What plain Terraform plans without any plugin.
pub const PLAIN: Flavour = Flavour { kinds: &[Kind::Data], prevents: true, conditions: true, forgets: true };

/// What the sandbox keeps an inventory of.
pub const CLOUD: Flavour = Flavour {
    kinds: &[Kind::Vpc, Kind::Group, Kind::Address, Kind::RouteTable, Kind::Data, Kind::RandomId, Kind::Vpc],
    prevents: false,
    conditions: false,
    forgets: false,
};

/// As [`CLOUD`], without values that are different each time.
pub const STABLE: Flavour = Flavour {
    kinds: &[Kind::Vpc, Kind::Group, Kind::Address, Kind::RouteTable, Kind::Vpc],
    prevents: false,
    conditions: false,
    forgets: false,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Repeat {
    Once,
    Count(usize),
    Each(Vec<&'static str>),
}

/// A reference to an earlier item, and in which of the ways.
#[derive(Clone, Debug)]
pub struct Reference {
    pub to: String,
    pub way: usize,
}

#[derive(Clone, Debug)]
pub struct Resource {
    pub kind: Kind,
    pub repeat: Repeat,
    /// Numbers of values in the writer's list.
    pub literal: usize,
    pub trigger: Option<usize>,
    pub refs: Vec<Reference>,
    pub trigger_ref: Option<Reference>,
    pub triggered_by: Option<Reference>,
    pub depends_on: Option<String>,
    pub create_first: Option<bool>,
    pub prevent: bool,
    pub ignore: bool,
    pub secret: bool,
    pub condition: Option<usize>,
    /// Rules of a dynamic block.
    pub rules: usize,
}

#[derive(Clone, Debug)]
pub struct Module {
    pub repeat: Repeat,
    pub argument: Option<Reference>,
    pub depends_on: Option<String>,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug)]
pub enum Content {
    Resource(Resource),
    Module(Module),
    Local(Vec<Reference>),
}

#[derive(Clone, Debug)]
pub struct Item {
    pub name: String,
    pub content: Content,
}

#[derive(Clone, Debug, Default)]
pub struct Stack {
    pub items: Vec<Item>,
    pub outputs: Vec<(String, Reference, bool)>,
    /// Addresses without the module that states them: all are of the root.
    pub moved: Vec<(String, String)>,
    pub removed: Vec<(String, bool)>,
    pub checks: Vec<Reference>,
    pub secret: usize,
    /// Whether there are, were or will be objects of a cloud, which need its configuration to the end.
    pub cloud: bool,
    made: usize,
}

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

impl Stack {
    /// The first step.
    pub fn first(dice: &mut Dice, flavour: Flavour) -> Stack {
        let cloud = flavour.kinds.iter().any(|kind| kind.ty().starts_with("aws_"));
        let mut stack = Stack { cloud, ..Stack::default() };
        for _ in 0..2 + dice.pick(5) {
            stack.add(dice, flavour);
        }
        for i in 0..dice.pick(3) {
            if let Some(reference) = reference(dice, &stack.items) {
                stack.outputs.push((format!("o{i}"), reference, dice.once_in(2)));
            }
        }
        if flavour.conditions && dice.once_in(4) {
            stack.checks.extend(reference(dice, &stack.items));
        }
        stack
    }

    /// All steps of a case.
    pub fn steps(dice: &mut Dice, flavour: Flavour, most: usize) -> Vec<Stack> {
        let mut steps = vec![Stack::first(dice, flavour)];
        for _ in 1..most {
            let mut next = steps.last().expect("the first is there").clone();
            for _ in 0..1 + dice.pick(4) {
                next.change(dice, flavour);
            }
            steps.push(next);
        }
        steps
    }

    fn name(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{}", self.made)
    }

    fn add(&mut self, dice: &mut Dice, flavour: Flavour) {
        let item = match dice.pick(10) {
            7 | 8 => {
                let content = self.module(dice, flavour, 0);
                Item { name: self.name("m"), content }
            }
            9 => {
                let refs = (0..1 + dice.pick(2)).filter_map(|_| reference(dice, &self.items)).collect();
                Item { name: self.name("l"), content: Content::Local(refs) }
            }
            _ => {
                let content = Content::Resource(resource(dice, flavour, &self.items));
                Item { name: self.name("r"), content }
            }
        };
        self.items.push(item);
    }

    fn module(&mut self, dice: &mut Dice, flavour: Flavour, depth: usize) -> Content {
        let argument = if depth == 0 { reference(dice, &self.items) } else { None };
        let mut items: Vec<Item> = Vec::new();
        for _ in 0..1 + dice.pick(3) {
            let item = match dice.pick(6) {
                5 if depth == 0 => {
                    let content = self.module(dice, flavour, depth + 1);
                    Item { name: self.name("m"), content }
                }
                _ => {
                    let content = Content::Resource(resource(dice, flavour, &items));
                    Item { name: self.name("r"), content }
                }
            };
            items.push(item);
        }
        let depends_on = if depth == 0 && dice.once_in(8) { some_name(dice, &self.items) } else { None };
        Content::Module(Module { repeat: repeat(dice, 2), argument, depends_on, items })
    }

    fn change(&mut self, dice: &mut Dice, flavour: Flavour) {
        let at = dice.pick(self.items.len().max(1));
        match dice.pick(9) {
            0 | 1 => self.change_item(dice, at, flavour),
            2 => self.change_inner(dice, at, flavour),
            3 => self.add(dice, flavour),
            4 if !self.items.is_empty() => self.remove(dice, at, flavour),
            5 if !self.items.is_empty() => self.rename(at),
            6 => self.secret += 1,
            7 if !self.items.is_empty() => self.swap_in(dice, at, flavour),
            _ => self.change_item(dice, at, flavour),
        }
    }

    fn change_item(&mut self, dice: &mut Dice, at: usize, flavour: Flavour) {
        let at = at.min(self.items.len());
        let (before, rest) = self.items.split_at_mut(at);
        let Some(item) = rest.first_mut() else { return };
        match &mut item.content {
            Content::Resource(resource) => change_resource(dice, resource, before, flavour),
            Content::Module(module) => {
                if dice.once_in(2) {
                    module.repeat = repeat(dice, 2);
                } else {
                    module.argument = reference(dice, before);
                }
            }
            Content::Local(refs) => *refs = reference(dice, before).into_iter().collect(),
        }
    }

    /// Changes something inside a module.
    fn change_inner(&mut self, dice: &mut Dice, at: usize, flavour: Flavour) {
        let name = self.name("r");
        let Some(Item { content: Content::Module(module), .. }) = self.items.get_mut(at) else {
            return self.change_item(dice, at, flavour);
        };
        let inner = dice.pick(module.items.len().max(1));
        match dice.pick(4) {
            0 => {
                let new = resource(dice, flavour, &module.items);
                module.items.push(Item { name, content: Content::Resource(new) });
            }
            1 if module.items.len() > 1 => drop(module.items.remove(inner)),
            _ => {
                let (before, rest) = module.items.split_at_mut(inner);
                if let Some(Item { content: Content::Resource(resource), .. }) = rest.first_mut() {
                    change_resource(dice, resource, before, flavour);
                }
            }
        }
    }

    fn remove(&mut self, dice: &mut Dice, at: usize, flavour: Flavour) {
        let item = self.items.remove(at);
        let way = dice.pick(6);
        if way >= 4
            && let Some(address) = address(&item)
            && !self.moved.iter().any(|(from, to)| *from == address || *to == address)
        {
            self.removed.push((address, way == 5 || !flavour.forgets));
        }
    }

    fn rename(&mut self, at: usize) {
        let Some(from) = address(&self.items[at]) else { return };
        let old = self.items[at].name.clone();
        let new = self.name(&old[..1]);
        self.items[at].name = new.clone();
        if let Some(to) = address(&self.items[at]) {
            self.moved.push((from, to));
        }
        let rename = |name: &mut String| {
            if *name == old {
                *name = new.clone();
            }
        };
        self.items.iter_mut().for_each(|item| item.names(&mut |name| rename(name)));
        self.outputs.iter_mut().for_each(|(_, reference, _)| rename(&mut reference.to));
        self.checks.iter_mut().for_each(|reference| rename(&mut reference.to));
    }

    /// Takes an item away and puts a new one in its place.
    fn swap_in(&mut self, dice: &mut Dice, at: usize, flavour: Flavour) {
        let new = resource(dice, flavour, &self.items[..at]);
        let name = self.name("r");
        self.items[at] = Item { name, content: Content::Resource(new) };
    }
}

impl Item {
    /// Shows all names that it refers to.
    fn names(&mut self, each: &mut dyn FnMut(&mut String)) {
        match &mut self.content {
            Content::Resource(r) => {
                let references = r.refs.iter_mut().chain(&mut r.trigger_ref).chain(&mut r.triggered_by);
                references.map(|reference| &mut reference.to).chain(&mut r.depends_on).for_each(each);
            }
            Content::Module(m) => {
                m.argument.iter_mut().map(|reference| &mut reference.to).chain(&mut m.depends_on).for_each(each);
            }
            Content::Local(refs) => refs.iter_mut().map(|reference| &mut reference.to).for_each(each),
        }
    }
}

/// The address of an item that a state can hold.
pub fn address(item: &Item) -> Option<String> {
    match &item.content {
        Content::Resource(resource) => Some(format!("{}.{}", resource.kind.ty(), item.name)),
        Content::Module(_) => Some(format!("module.{}", item.name)),
        Content::Local(_) => None,
    }
}

impl Kind {
    pub fn ty(self) -> &'static str {
        match self {
            Kind::Data => "terraform_data",
            Kind::RandomId => "random_id",
            Kind::Vpc => "aws_vpc",
            Kind::Group => "aws_security_group",
            Kind::Address => "aws_eip",
            Kind::RouteTable => "aws_route_table",
        }
    }
}

fn reference(dice: &mut Dice, items: &[Item]) -> Option<Reference> {
    let to = some_name(dice, items)?;
    Some(Reference { to, way: dice.pick(6) })
}

fn some_name(dice: &mut Dice, items: &[Item]) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    Some(items[dice.pick(items.len())].name.clone())
}

fn repeat(dice: &mut Dice, rarity: usize) -> Repeat {
    match dice.pick(3 + rarity) {
        1 => Repeat::Count(dice.pick(4)),
        2 => {
            let from = dice.pick(4);
            let keys = KEYS.iter().copied().enumerate().filter(|(i, _)| (i + from) % 4 < 1 + from).map(|(_, k)| k);
            Repeat::Each(keys.collect())
        }
        _ => Repeat::Once,
    }
}

fn resource(dice: &mut Dice, flavour: Flavour, before: &[Item]) -> Resource {
    let kind = dice.of(flavour.kinds);
    let repeat = repeat(dice, 1);
    let refs = (0..dice.pick(3)).filter_map(|_| reference(dice, before)).collect();
    let often = dice.once_in(2);
    let mut made = Resource {
        kind,
        repeat,
        literal: dice.pick(8),
        trigger: None,
        refs,
        trigger_ref: None,
        triggered_by: None,
        depends_on: None,
        create_first: None,
        prevent: false,
        ignore: false,
        secret: false,
        condition: None,
        rules: 0,
    };
    if often {
        made.trigger = dice.once_in(2).then(|| dice.pick(8));
        made.trigger_ref = if dice.once_in(3) { reference(dice, before) } else { None };
        made.triggered_by = if dice.once_in(4) { reference(dice, before) } else { None };
        made.depends_on = if dice.once_in(4) { some_name(dice, before) } else { None };
        made.create_first = if dice.once_in(3) { Some(!dice.once_in(4)) } else { None };
        made.prevent = flavour.prevents && dice.once_in(12);
        made.ignore = dice.once_in(6);
        made.secret = dice.once_in(6);
        made.condition = if flavour.conditions && dice.once_in(6) { Some(dice.pick(8)) } else { None };
        made.rules = dice.pick(3);
    }
    made
}

fn change_resource(dice: &mut Dice, resource: &mut Resource, before: &[Item], flavour: Flavour) {
    match dice.pick(11) {
        0 => resource.literal += 1,
        1 => resource.trigger = Some(resource.trigger.unwrap_or_default() + 1),
        2 => resource.repeat = repeat(dice, 1),
        3 => resource.refs = (0..dice.pick(3)).filter_map(|_| reference(dice, before)).collect(),
        4 => resource.create_first = dice.of(&[Some(true), None, Some(false)]),
        5 => resource.ignore = !resource.ignore,
        6 => resource.triggered_by = reference(dice, before),
        7 => resource.secret = !resource.secret,
        8 => resource.prevent = flavour.prevents && !resource.prevent && dice.once_in(3),
        9 => resource.rules = dice.pick(4),
        _ => resource.trigger_ref = reference(dice, before),
    }
}
