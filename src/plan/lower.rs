//! Lowering: from the work that planning found to steps in an order that can be run.
//!
//! Deletes get their place here. A delete follows the deletes of all that refer to the object, and the updates and
//! creations that give up a reference to it. The predecessor of a create-first replacement is deleted after all
//! who move to the successor.
//!
//! These orders are kept where they can be: letting go of an object before it is deleted yields to what values need,
//! and so does the order of two deletes when the state, written by several configurations, has it both ways.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::change::{Action, Change};
use super::step::{Step, StepId, StepKind};
use super::work::{Bond, Work, WorkId, WorkList};
use crate::model::{Diagnostic, Diagnostics, ResourceAddress};

/// The work of one change.
#[derive(Clone, Debug, Default)]
pub struct ChangeWork {
    /// Creates, updates or reads it.
    pub make: Option<WorkId>,
    /// Deletes or forgets it.
    pub delete: Option<WorkId>,
    pub create_first: bool,
    /// What the object was made from, as the state has it.
    pub dependencies: Option<Arc<[ResourceAddress]>>,
}

/// Sorts the changes by address and turns the work into steps.
pub fn lower(changes: Vec<(Change, ChangeWork)>, mut work: WorkList) -> (Vec<Change>, Vec<Step>, Diagnostics) {
    order_deletes(&changes, &mut work);
    follow_users(&changes, &mut work);
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_by(|a, b| {
        let key = |i: usize| (&changes[i].0.address, &changes[i].0.deposed);
        key(*a).cmp(&key(*b))
    });
    let mut position = vec![0u32; changes.len()];
    for (new, old) in order.iter().enumerate() {
        position[*old] = new as u32;
    }
    let (steps, problems) = into_steps(work, &position);
    let mut slots: Vec<Option<Change>> = changes.into_iter().map(|(c, _)| Some(c)).collect();
    let sorted = order.into_iter().filter_map(|old| slots[old].take()).collect();
    (sorted, steps, problems)
}

/// Work per block: what deletes its objects, and all that changes them.
#[derive(Default)]
struct BlockWork {
    deletes: Vec<(WorkId, bool)>,
    all: Vec<WorkId>,
    removals: Vec<WorkId>,
    dependencies: Vec<Arc<[ResourceAddress]>>,
}

fn order_deletes(changes: &[(Change, ChangeWork)], work: &mut WorkList) {
    if changes.iter().all(|(_, links)| links.delete.is_none()) {
        return;
    }
    let mut blocks: HashMap<ResourceAddress, BlockWork> = HashMap::new();
    let mut names: Vec<ResourceAddress> = Vec::new();
    for (change, links) in changes.iter().filter(|(_, l)| l.make.is_some() || l.delete.is_some()) {
        let name = change.address.resource.without_keys();
        let block = blocks.entry(name.clone()).or_insert_with(|| {
            names.push(name);
            BlockWork::default()
        });
        // Only a plain delete, or one behind its successor, can wait for those who let go of the object.
        let last = links.create_first || matches!(change.action, Action::Delete);
        block.deletes.extend(links.delete.map(|d| (d, last)));
        block.removals.extend(links.delete);
        block.all.extend(links.make.into_iter().chain(links.delete));
        if let Some(dependencies) = &links.dependencies
            && !block.dependencies.iter().any(|known| Arc::ptr_eq(known, dependencies) || known == dependencies)
        {
            block.dependencies.push(dependencies.clone());
        }
    }
    let mut gates: HashMap<ResourceAddress, (Vec<WorkId>, Vec<WorkId>)> = HashMap::new();
    for name in &names {
        let block = &blocks[name];
        let needed: Vec<ResourceAddress> = block.dependencies.iter().flat_map(|d| d.iter().cloned()).collect();
        let wanted: Vec<&ResourceAddress> =
            needed.iter().filter(|d| *d != name && blocks.get(*d).is_some_and(|b| !b.deletes.is_empty())).collect();
        if wanted.is_empty() {
            continue;
        }
        let all = work.producers(block.all.clone()).to_vec();
        let removals = work.producers(block.removals.clone()).to_vec();
        for dependency in wanted {
            let gate = gates.entry(dependency.clone()).or_default();
            gate.0.extend_from_slice(&all);
            gate.1.extend_from_slice(&removals);
        }
    }
    for name in &names {
        let Some((all, removals)) = gates.remove(name) else { continue };
        let (all, removals) = (work.producers(all).to_vec(), work.producers(removals).to_vec());
        for (delete, last) in &blocks[name].deletes {
            work.follow(*delete, Bond::Removal, removals.iter().copied());
            if *last {
                work.follow(*delete, Bond::Release, all.iter().copied());
            }
        }
    }
}

/// The predecessor of a create-first replacement goes after everything that follows the successor's creation.
fn follow_users(changes: &[(Change, ChangeWork)], work: &mut WorkList) {
    let replaced: Vec<(WorkId, WorkId)> =
        changes.iter().filter(|(_, l)| l.create_first).filter_map(|(_, l)| Some((l.make?, l.delete?))).collect();
    if replaced.is_empty() {
        return;
    }
    let known = work.items.len();
    let mut users: Vec<Vec<WorkId>> = vec![Vec::new(); known];
    for (id, item) in work.items.iter().enumerate() {
        for need in &item.after {
            users[*need as usize].push(id as WorkId);
        }
    }
    let creates = replaced.iter().map(|(create, _)| *create);
    let through = users_behind(creates, &users, work);
    for (create, delete) in replaced {
        let after = real_users(create, &users, work, &through);
        work.follow(delete, Bond::Release, after.into_iter().filter(|w| *w != delete));
    }
}

/// Whether a step only hands on what it waits for.
fn passes(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Join | StepKind::Evaluate { .. } | StepKind::Judge { .. })
}

/// For the joins and evaluations that can be reached from some work: the steps that use them, near and far, behind
/// one join of their own where they are many.
fn users_behind(
    from: impl Iterator<Item = WorkId>,
    users: &[Vec<WorkId>],
    work: &mut WorkList,
) -> HashMap<WorkId, Vec<WorkId>> {
    let mut reached = vec![false; users.len()];
    let mut open: Vec<WorkId> = from.collect();
    while let Some(id) = open.pop() {
        for user in &users[id as usize] {
            if passes(&work.items[*user as usize].kind) && !std::mem::replace(&mut reached[*user as usize], true) {
                open.push(*user);
            }
        }
    }
    let mut through = HashMap::new();
    // What hands on was added after what it waits for: users have higher numbers.
    for id in (0..users.len() as WorkId).rev().filter(|id| reached[*id as usize]) {
        let behind = real_users(id, users, work, &through);
        let joined = work.producers(behind).to_vec();
        through.insert(id, joined);
    }
    through
}

/// The steps that use a piece of work, without deletes.
fn real_users(
    id: WorkId,
    users: &[Vec<WorkId>],
    work: &WorkList,
    through: &HashMap<WorkId, Vec<WorkId>>,
) -> Vec<WorkId> {
    let mut found = Vec::new();
    for user in users.get(id as usize).into_iter().flatten() {
        match &work.items[*user as usize].kind {
            StepKind::Delete { .. } => (),
            kind if passes(kind) => found.extend(through.get(user).into_iter().flatten().copied()),
            _ => found.push(*user),
        }
    }
    found
}

/// Puts the work in an order in which each piece follows those that it waits for. Where that can't be done, the
/// weakest bonds in the way are given up first.
fn into_steps(mut work: WorkList, position: &[u32]) -> (Vec<Step>, Diagnostics) {
    let mut order = sort(&work.items);
    for bond in [Bond::Release, Bond::Removal] {
        if let Err(stuck) = &order {
            for id in stuck {
                let item = &mut work.items[*id as usize];
                item.yielding.retain(|(kind, need)| *kind != bond || !stuck.contains(need));
            }
            order = sort(&work.items);
        }
    }
    let mut problems = Diagnostics::new();
    let order = order.unwrap_or_else(|_| {
        problems.push(
            Diagnostic::error("the planned steps wait for each other")
                .help("apply in two goes with -target; and please report it, this is a defect of Terrane"),
        );
        Vec::new()
    });
    let mut numbers: Vec<Option<StepId>> = vec![None; work.items.len()];
    let mut steps = Vec::with_capacity(order.len());
    for id in order {
        let item = &work.items[id as usize];
        let mut after: Vec<StepId> = item.needs().filter_map(|need| numbers[need as usize]).collect();
        after.sort_unstable();
        after.dedup();
        numbers[id as usize] = Some(StepId(steps.len() as u32));
        steps.push(Step { kind: renumber(&item.kind, position), after });
    }
    (steps, problems)
}

/// The needed work in order, or the pieces that wait for each other with those between them.
fn sort(items: &[Work]) -> Result<Vec<WorkId>, BTreeSet<WorkId>> {
    let needed = needed(items);
    let mut waiting: Vec<usize> = vec![0; items.len()];
    let mut users: Vec<Vec<WorkId>> = vec![Vec::new(); items.len()];
    for (id, item) in items.iter().enumerate().filter(|(id, _)| needed[*id]) {
        for need in item.needs() {
            waiting[id] += 1;
            users[need as usize].push(id as WorkId);
        }
    }
    let mut ready: VecDeque<usize> = (0..items.len()).filter(|i| needed[*i] && waiting[*i] == 0).collect();
    let mut order = Vec::new();
    while let Some(id) = ready.pop_front() {
        order.push(id as WorkId);
        for user in &users[id] {
            waiting[*user as usize] -= 1;
            if waiting[*user as usize] == 0 {
                ready.push_back(*user as usize);
            }
        }
    }
    let mut stuck: BTreeSet<WorkId> = (0..items.len()).filter(|i| waiting[*i] > 0).map(|i| i as WorkId).collect();
    if stuck.is_empty() {
        return Ok(order);
    }
    // What only waits for a circle is not in it.
    let mut followed: Vec<usize> = vec![0; items.len()];
    let stuck_needs = |id: WorkId, stuck: &BTreeSet<WorkId>| {
        items[id as usize].needs().filter(|need| stuck.contains(need)).collect::<Vec<_>>()
    };
    stuck.iter().flat_map(|id| stuck_needs(*id, &stuck)).for_each(|need| followed[need as usize] += 1);
    let mut last: Vec<WorkId> = stuck.iter().copied().filter(|id| followed[*id as usize] == 0).collect();
    while let Some(id) = last.pop() {
        for need in stuck_needs(id, &stuck) {
            followed[need as usize] -= 1;
            if followed[need as usize] == 0 {
                last.push(need);
            }
        }
        stuck.remove(&id);
    }
    Err(stuck)
}

/// Joins and evaluations that nothing waits for are left out; what the root's outputs and checks need stays.
fn needed(items: &[Work]) -> Vec<bool> {
    use super::step::CellKind;
    let mut needed = vec![false; items.len()];
    let mut open = Vec::new();
    for (id, item) in items.iter().enumerate() {
        let real = match &item.kind {
            _ if item.deferred => false,
            StepKind::Join | StepKind::Open { .. } => false,
            StepKind::Evaluate { cell } => match cell.kind {
                CellKind::Output(_) => cell.module == 0,
                kind => matches!(kind, CellKind::Check(_)),
            },
            _ => true,
        };
        if real {
            needed[id] = true;
            open.push(id);
        }
    }
    while let Some(id) = open.pop() {
        for need in items[id].needs() {
            if !std::mem::replace(&mut needed[need as usize], true) {
                open.push(need as usize);
            }
        }
    }
    needed
}

fn renumber(kind: &StepKind, position: &[u32]) -> StepKind {
    let new = |change: &u32| position.get(*change as usize).copied().unwrap_or(*change);
    match kind {
        StepKind::Create { change } => StepKind::Create { change: new(change) },
        StepKind::Update { change } => StepKind::Update { change: new(change) },
        StepKind::Delete { change } => StepKind::Delete { change: new(change) },
        StepKind::Read { change } => StepKind::Read { change: new(change) },
        StepKind::Forget { change } => StepKind::Forget { change: new(change) },
        StepKind::Import { change } => StepKind::Import { change: new(change) },
        other => other.clone(),
    }
}
