//! The attributes whose values went into the changes of a plan: `relevant_attributes`.
//!
//! What a changed block or output refers to is followed through locals, variables and outputs of modules to the
//! attributes of resources.

use std::collections::{BTreeSet, HashSet};

use super::configuration::{base, constant_steps};
use crate::graph::body_references;
use crate::lang::scope::{Reference, Slot};
use crate::model::ModulePath;
use crate::plan::Plan;
use crate::render::json::RelevantAttribute;
use crate::spec::Spec;
use crate::spec::module::{Module, ModuleCall, Repeat};

/// Of all changes and changed outputs, sorted.
pub fn relevant_attributes(spec: &Spec, plan: &Plan) -> Vec<RelevantAttribute> {
    let Some(root) = spec.root() else { return Vec::new() };
    let mut search = Search { spec, seen: HashSet::new(), found: BTreeSet::new() };
    let top = [Level { module: root, call: None, path: ModulePath::root() }];
    let mut blocks = HashSet::new();
    for change in plan.changes.iter().filter(|c| !c.action.is_noop()) {
        let resource = &change.address.resource;
        if !blocks.insert((resource.module.without_keys(), resource.mode, &resource.ty, &resource.name)) {
            continue;
        }
        let Some(levels) = descend(spec, &top, &resource.module) else { continue };
        let Some(level) = levels.last() else { continue };
        let block = level.module.names.resource(resource).and_then(|i| level.module.resources.get(i as usize));
        let Some(block) = block else { continue };
        let mut references = Vec::new();
        if let Repeat::Count(expr) | Repeat::ForEach(expr) | Repeat::Enabled(expr) = &block.repeat {
            expr.references(&mut |r| references.push(r));
        }
        body_references(&block.body, &mut |r| references.push(r));
        references.into_iter().for_each(|r| search.follow(&levels, &r));
    }
    for change in plan.outputs.iter().filter(|o| !o.action.is_noop()) {
        if let Some(output) = root.names.outputs.get(&change.name).and_then(|i| root.outputs.get(*i as usize)) {
            output.value.references(&mut |r| search.follow(&top, &r));
        }
    }
    search.found.into_iter().map(|(resource, attribute)| RelevantAttribute { resource, attribute }).collect()
}

/// A module on the way from the root, with the call that led to it.
#[derive(Clone)]
struct Level<'s> {
    module: &'s Module,
    call: Option<&'s ModuleCall>,
    path: ModulePath,
}

fn descend<'s>(spec: &'s Spec, top: &[Level<'s>], path: &ModulePath) -> Option<Vec<Level<'s>>> {
    let mut levels = top.to_vec();
    for step in path.steps() {
        let module = levels.last()?.module;
        let call = module.calls.get(*module.names.calls.get(&step.name)? as usize)?;
        levels.push(below(spec, levels.last()?, call)?);
    }
    Some(levels)
}

fn below<'s>(spec: &'s Spec, level: &Level<'s>, call: &'s ModuleCall) -> Option<Level<'s>> {
    let module = spec.module(call.module)?;
    Some(Level { module, call: Some(call), path: level.path.child(call.name.clone(), None) })
}

struct Search<'s> {
    spec: &'s Spec,
    /// Values that were followed already: module, kind and name.
    seen: HashSet<(ModulePath, &'static str, u32)>,
    found: BTreeSet<(String, Vec<String>)>,
}

impl<'s> Search<'s> {
    fn follow(&mut self, levels: &[Level<'s>], reference: &Reference) {
        let Some((level, above)) = levels.split_last() else { return };
        match reference.slot {
            Slot::Resource(i) => self.note(level, i, reference),
            Slot::Local(i) if self.seen.insert((level.path.clone(), "local", i)) => {
                if let Some(local) = level.module.locals.get(i as usize) {
                    local.value.references(&mut |r| self.follow(levels, &r));
                }
            }
            Slot::Variable(i) if self.seen.insert((level.path.clone(), "variable", i)) => {
                let arguments = level.call.map(|call| call.arguments.as_slice()).unwrap_or_default();
                if let Some((_, _, expr)) = arguments.iter().find(|(_, variable, _)| *variable == i) {
                    expr.references(&mut |r| self.follow(above, &r));
                }
            }
            Slot::Module(i) => self.follow_outputs(levels, i, reference),
            _ => (),
        }
    }

    fn follow_outputs(&mut self, levels: &[Level<'s>], call: u32, reference: &Reference) {
        let Some(level) = levels.last() else { return };
        let child = level.module.calls.get(call as usize).and_then(|call| below(self.spec, level, call));
        let Some(child) = child else { return };
        let wanted = reference.output.as_ref();
        for (i, output) in child.module.outputs.iter().enumerate() {
            let is_wanted = wanted.is_none_or(|name| *name == output.name);
            if is_wanted && self.seen.insert((child.path.clone(), "output", i as u32)) {
                let levels = [levels, std::slice::from_ref(&child)].concat();
                output.value.references(&mut |r| self.follow(&levels, &r));
            }
        }
    }

    fn note(&mut self, level: &Level<'s>, resource: u32, reference: &Reference) {
        let Some(name) = base(level.module, reference) else { return };
        let block = level.module.resources.get(resource as usize);
        let repeats = block.is_some_and(|r| matches!(r.repeat, Repeat::Count(_) | Repeat::ForEach(_)));
        let mut steps = constant_steps(self.spec, &name, reference).into_iter().peekable();
        let key = steps.next_if(|step| repeats && step.starts_with('[')).unwrap_or_default();
        let path = if level.path.is_root() { String::new() } else { format!("{}.", level.path) };
        // Behind an instance that is not named nothing says whose attribute it is.
        let attribute = if repeats && key.is_empty() { Vec::new() } else { steps.map(str::to_string).collect() };
        self.found.insert((format!("{path}{name}{key}"), attribute));
    }
}
