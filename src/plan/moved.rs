//! `moved` blocks: objects that the configuration has under another address now.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use crate::graph::{StaticModuleId, Tree, static_module};
use crate::model::{Address, Diagnostic, Diagnostics, ModulePath, ModuleStep, ResourceAddress, Span};
use crate::spec::{Spec, module::Target};

/// All moves of a configuration, each with the static module that states it.
#[derive(Default)]
pub struct Moves {
    all: Vec<Move>,
    /// The moves of each block, and those of each module call. All names are without keys.
    by_block: HashMap<ResourceAddress, Vec<usize>>,
    by_call: HashMap<ModulePath, Vec<usize>>,
}

struct Move {
    span: Span,
    /// The module that states it, without keys: addresses are relative to each of its instances.
    module: ModulePath,
    from: Target,
    to: Target,
}

impl Moves {
    pub fn collect(spec: &Spec, tree: &Tree) -> Moves {
        let mut moves = Moves::default();
        for (index, module) in tree.modules.iter().enumerate() {
            for moved in &tree.definition(spec, StaticModuleId(index as u32)).moved {
                moves.add(Move {
                    span: moved.span,
                    module: module.path.clone(),
                    from: moved.from.clone(),
                    to: moved.to.clone(),
                });
            }
        }
        moves
    }

    fn add(&mut self, one: Move) {
        let number = self.all.len();
        let below =
            |path: &ModulePath| ModulePath::from_steps([one.module.steps(), path.steps()].concat()).without_keys();
        match &one.from {
            Target::Resource(from) => {
                let block = ResourceAddress { module: below(&from.resource.module), ..from.resource.clone() };
                self.by_block.entry(block).or_default().push(number);
            }
            Target::Module(from) => self.by_call.entry(below(from)).or_default().push(number),
        }
        self.all.push(one);
    }

    /// The moves that can be of an object, by what they name without keys, in the order of the configuration.
    fn candidates(&self, address: &Address) -> Vec<usize> {
        let bare = address.resource.without_keys();
        let mut found = self.by_block.get(&bare).cloned().unwrap_or_default();
        if !self.by_call.is_empty() {
            for depth in 1..=bare.module.steps().len() {
                let call = ModulePath::from_steps(bare.module.steps()[..depth].to_vec());
                found.extend(self.by_call.get(&call).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found
    }

    /// What is wrong with the moves taken together: circles, and objects that would have two places or one.
    pub fn problems(&self, spec: &Spec, tree: &Tree) -> Diagnostics {
        let mut problems = Diagnostics::new();
        let mut by_source: HashMap<(&ModulePath, &Target), &Move> = HashMap::new();
        let mut by_target: HashMap<(&ModulePath, &Target), &Move> = HashMap::new();
        for one in &self.all {
            for (known, target, what) in [
                (&mut by_source, &one.from, "moves to two places"),
                (&mut by_target, &one.to, "is where two objects move to"),
            ] {
                match known.entry((&one.module, target)) {
                    Entry::Occupied(first) if first.get().from != one.from || first.get().to != one.to => problems
                        .push(
                            Diagnostic::error(format!("{} {what}", shown(target)))
                                .at(one.span)
                                .related(first.get().span, "the other move"),
                        ),
                    Entry::Occupied(_) => (),
                    Entry::Vacant(free) => {
                        free.insert(one);
                    }
                }
            }
            if one.still_there(spec, tree) {
                problems.push(
                    Diagnostic::error(format!("{} moves away, but its block is still there", shown(&one.from)))
                        .at(one.span)
                        .help("take the block away, or the moved block"),
                );
            }
        }
        problems.extend(self.circles(&by_source));
        problems
    }

    /// Moves that lead back to where they begin; each circle is told once.
    fn circles(&self, by_source: &HashMap<(&ModulePath, &Target), &Move>) -> Diagnostics {
        let mut problems = Diagnostics::new();
        // By the move itself: several can stand at one place of a file.
        let mut seen: HashSet<*const Move> = HashSet::new();
        for start in &self.all {
            let (mut at, mut way) = (start, vec![start]);
            while seen.insert(std::ptr::from_ref(at)) {
                let Some(next) = by_source.get(&(&at.module, &at.to)).copied() else { break };
                let back = || way.iter().position(|w| std::ptr::eq(*w, next));
                if let Some(from) = seen.contains(&std::ptr::from_ref(next)).then(back).flatten() {
                    let circle = &way[from..];
                    let error = Diagnostic::error("moves run in a circle").at(next.span);
                    let error = error.label(format!("{} comes back to itself", shown(&next.from)));
                    let more = circle.iter().filter(|m| !std::ptr::eq(**m, next));
                    problems.push(more.fold(error, |error, m| {
                        error.related(m.span, format!("{} moves to {}", shown(&m.from), shown(&m.to)))
                    }));
                    break;
                }
                way.push(next);
                at = next;
            }
        }
        problems
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Where an object stands after all moves, if anywhere else. Chains are followed; a move to an address that
    /// holds an object of its own is not made.
    pub fn apply(&self, address: &Address, occupied: impl Fn(&Address) -> bool) -> Option<Address> {
        let mut at = address.clone();
        // A chain can't be longer than the number of moves, unless it runs in a circle.
        for _ in 0..self.all.len() {
            let next = self.candidates(&at).into_iter().find_map(|m| self.all[m].apply(&at));
            let Some(next) = next.filter(|to| !occupied(to)) else { break };
            at = next;
        }
        (at != *address).then_some(at)
    }
}

impl Move {
    /// Whether the whole block that moves away is declared all the same.
    fn still_there(&self, spec: &Spec, tree: &Tree) -> bool {
        let (Target::Resource(from), Target::Resource(to)) = (&self.from, &self.to) else { return false };
        if from.key.is_some() || from.resource == to.resource {
            return false;
        }
        let path = ModulePath::from_steps([self.module.steps(), from.resource.module.steps()].concat());
        let module = static_module(spec, tree, &path).map(|m| tree.definition(spec, m));
        let r = &from.resource;
        module.is_some_and(|m| m.names.resources.contains_key(&(r.mode, r.ty.clone(), r.name.clone())))
    }

    fn apply(&self, address: &Address) -> Option<Address> {
        let steps = address.resource.module.steps();
        let depth = self.module.steps().len();
        if steps.len() < depth || !same_names(&steps[..depth], self.module.steps()) {
            return None;
        }
        let (base, below) = steps.split_at(depth);
        match (&self.from, &self.to) {
            (Target::Resource(from), Target::Resource(to)) => move_resource(base, below, address, from, to),
            (Target::Module(from), Target::Module(to)) => move_module(base, below, address, from, to),
            _ => None,
        }
    }
}

fn shown(target: &Target) -> String {
    match target {
        Target::Module(path) => path.to_string(),
        Target::Resource(address) => address.to_string(),
    }
}

fn same_names(a: &[ModuleStep], b: &[ModuleStep]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.name == y.name)
}

fn move_resource(
    base: &[ModuleStep],
    below: &[ModuleStep],
    address: &Address,
    from: &Address,
    to: &Address,
) -> Option<Address> {
    let r = &address.resource;
    let same = r.mode == from.resource.mode && r.ty == from.resource.ty && r.name == from.resource.name;
    let keys = carry_keys(below, from.resource.module.steps(), to.resource.module.steps())?;
    // With a key on either side one instance moves; without keys all instances of the block do.
    let one = from.key.is_some() || to.key.is_some();
    if !same || (one && address.key != from.key) {
        return None;
    }
    let key = if one { to.key.clone() } else { address.key.clone() };
    let module = ModulePath::from_steps([base, &keys].concat());
    let resource = ResourceAddress { module, ..to.resource.clone() };
    Some(Address { resource, key })
}

fn move_module(
    base: &[ModuleStep],
    below: &[ModuleStep],
    address: &Address,
    from: &ModulePath,
    to: &ModulePath,
) -> Option<Address> {
    let depth = from.steps().len();
    if below.len() < depth {
        return None;
    }
    let (moved, rest) = below.split_at(depth);
    let (last_from, last_to) = (from.steps().last()?, to.steps().last()?);
    let one = last_from.key.is_some() || last_to.key.is_some();
    if one && moved.last()?.key != last_from.key {
        return None;
    }
    let mut steps = carry_keys(moved, from.steps(), to.steps())?;
    if let Some(last) = steps.last_mut() {
        last.key = if one { last_to.key.clone() } else { moved.last()?.key.clone() };
    }
    let module = ModulePath::from_steps([base, &steps, rest].concat());
    Some(Address { resource: ResourceAddress { module, ..address.resource.clone() }, key: address.key.clone() })
}

/// The steps of the target, where each step that names no key keeps the key that the object has; nothing where
/// the object does not stand under the source.
fn carry_keys(actual: &[ModuleStep], from: &[ModuleStep], to: &[ModuleStep]) -> Option<Vec<ModuleStep>> {
    if !same_names(actual, from) {
        return None;
    }
    let fits = |(a, f): (&ModuleStep, &ModuleStep)| f.key.is_none() || a.key == f.key;
    if !actual.iter().zip(from).all(fits) {
        return None;
    }
    let carried = |(i, t): (usize, &ModuleStep)| {
        let own = actual.get(i).filter(|_| t.key.is_none() && from.get(i).is_some_and(|f| f.key.is_none()));
        ModuleStep { name: t.name.clone(), key: own.map_or_else(|| t.key.clone(), |a| a.key.clone()) }
    };
    Some(to.iter().enumerate().map(carried).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    fn moves(all: &[(&str, &str, &str)]) -> Moves {
        let target = |text: &str| match Address::parse(text) {
            Ok(address) => Target::Resource(address),
            Err(_) => Target::Module(ModulePath::parse(text).unwrap()),
        };
        let mut moves = Moves::default();
        for (module, from, to) in all {
            let module = ModulePath::parse(module).unwrap();
            moves.add(Move { span: Span::new(SourceId(0), 0, 0), module, from: target(from), to: target(to) });
        }
        moves
    }

    #[test]
    fn an_object_is_compared_with_the_moves_of_its_block_and_its_modules_alone() {
        let names: Vec<(String, String)> = (0..1000).map(|n| (format!("t.a{n}"), format!("t.b{n}"))).collect();
        let mut all: Vec<(&str, &str, &str)> = names.iter().map(|(a, b)| ("", a.as_str(), b.as_str())).collect();
        all.extend([("module.m", "module.in", "module.out"), ("module.m", "t.x", "t.y"), ("", "module.m", "module.n")]);
        all.push(("module.m", "t.x[0]", "t.z"));
        let moves = moves(&all);
        for (address, candidates, moved) in [
            ("t.a7[\"k\"]", vec![7], Some("t.b7[\"k\"]")),
            ("t.c", vec![], None),
            ("module.m[1].t.x[2]", vec![1001, 1002, 1003], Some("module.n[1].t.y[2]")),
            ("module.m[1].module.in.t.x", vec![1000, 1002], Some("module.n[1].module.out.t.x")),
        ] {
            let address = Address::parse(address).unwrap();
            assert_eq!(moves.candidates(&address), candidates, "{address}");
            let to = moves.apply(&address, |_| false);
            assert_eq!(to.map(|to| to.to_string()).as_deref(), moved, "{address}");
        }
    }
}
