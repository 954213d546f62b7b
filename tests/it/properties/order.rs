//! The order of a plan's steps, judged from what the rows of the state say that they were made from.

use std::collections::{HashMap, HashSet};

use terrane::model::{Address, ResourceAddress};
use terrane::plan::{Action, Plan, ReplaceOrder, StepKind};
use terrane::state::Snapshot;

use super::lab::Problem;

/// Checks the steps of a plan that was made from a state.
pub fn check(plan: &Plan, state: &Snapshot) -> Result<(), Problem> {
    let order = Order::of(plan);
    order.check_whole(plan)?;
    order.check_replacements(plan)?;
    order.check_deletes(plan, state)
}

/// Checks that what was made came after what it refers to, by the state that was made.
pub fn check_made(plan: &Plan, made: &Snapshot) -> Result<(), Problem> {
    let order = Order::of(plan);
    let creates = order.by_block(plan, |kind| matches!(kind, StepKind::Create { .. }));
    for row in made.rows().iter().filter(|r| r.deposed.is_none()) {
        let Some(make) = order.creates.get(&row.address) else { continue };
        for need in row.dependencies.iter() {
            // Of a repeated block one instance may be all that is referred to.
            let [(address, create)] = creates.get(need).map(Vec::as_slice).unwrap_or_default() else { continue };
            if !order.follows(*make, *create) && address.key.is_none() && address.resource.module.is_root() {
                return Err(format!("{} is created before {address}, which it refers to", row.address));
            }
        }
    }
    Ok(())
}

struct Order {
    /// For each step those that it follows, near and far.
    before: Vec<HashSet<usize>>,
    creates: HashMap<Address, usize>,
}

impl Order {
    fn of(plan: &Plan) -> Order {
        let mut before: Vec<HashSet<usize>> = Vec::with_capacity(plan.steps.len());
        let mut creates = HashMap::new();
        for (i, step) in plan.steps.iter().enumerate() {
            let mut all = HashSet::new();
            for need in step.after.iter().map(|s| s.0 as usize).filter(|need| *need < i) {
                all.insert(need);
                all.extend(before[need].iter().copied());
            }
            before.push(all);
            if let StepKind::Create { change } = step.kind {
                creates.insert(plan.changes[change as usize].address.clone(), i);
            }
        }
        Order { before, creates }
    }

    fn follows(&self, later: usize, earlier: usize) -> bool {
        self.before[later].contains(&earlier)
    }

    /// Every change has its steps, and no step waits for a later one.
    fn check_whole(&self, plan: &Plan) -> Result<(), Problem> {
        for (i, step) in plan.steps.iter().enumerate() {
            if step.after.iter().any(|need| need.0 as usize >= i) {
                return Err(format!("step {i} waits for a later one"));
            }
        }
        for (i, change) in plan.changes.iter().enumerate() {
            let steps = plan.steps.iter().filter(|s| s.kind.change() == Some(i as u32)).count();
            let wanted = match change.action {
                Action::NoOp => 0,
                Action::Replace { .. } => 2,
                _ => 1,
            };
            if steps != wanted {
                return Err(format!("{} has {steps} steps and should have {wanted}", change.address));
            }
        }
        Ok(())
    }

    fn check_replacements(&self, plan: &Plan) -> Result<(), Problem> {
        for (i, step) in plan.steps.iter().enumerate() {
            let StepKind::Delete { change } = step.kind else { continue };
            let change = &plan.changes[change as usize];
            let Action::Replace { order, .. } = change.action else { continue };
            let create = self.creates[&change.address];
            let right = match order {
                ReplaceOrder::CreateFirst => self.follows(i, create),
                ReplaceOrder::DeleteFirst => self.follows(create, i),
            };
            if !right {
                return Err(format!("{} is replaced in the wrong order", change.address));
            }
        }
        Ok(())
    }

    /// A delete follows the deletes of all whose rows name the object's block.
    fn check_deletes(&self, plan: &Plan, state: &Snapshot) -> Result<(), Problem> {
        let deletes = self.by_block(plan, |kind| matches!(kind, StepKind::Delete { .. }));
        for row in state.rows() {
            let deposed = row.deposed.as_ref();
            let change = plan.changes.iter().position(|c| {
                c.previous_address.as_ref().unwrap_or(&c.address) == &row.address && c.deposed.as_ref() == deposed
            });
            let is_own =
                |kind: &StepKind| matches!(kind, StepKind::Delete { change: c } if Some(*c as usize) == change);
            let Some(own) = plan.steps.iter().position(|s| is_own(&s.kind)) else { continue };
            for need in row.dependencies.iter().filter(|need| **need != without_keys(&row.address)) {
                for (address, delete) in deletes.get(need).into_iter().flatten() {
                    if !self.follows(*delete, own) {
                        return Err(format!("{address} is deleted before {}, which refers to it", row.address));
                    }
                }
            }
        }
        Ok(())
    }

    /// The steps of a kind, by the block of their object as the plan addresses it.
    fn by_block(
        &self,
        plan: &Plan,
        fits: impl Fn(&StepKind) -> bool,
    ) -> HashMap<ResourceAddress, Vec<(Address, usize)>> {
        let mut found: HashMap<ResourceAddress, Vec<(Address, usize)>> = HashMap::new();
        for (i, step) in plan.steps.iter().enumerate().filter(|(_, s)| fits(&s.kind)) {
            let Some(change) = step.kind.change() else { continue };
            let address = plan.changes[change as usize].address.clone();
            found.entry(without_keys(&address)).or_default().push((address, i));
        }
        found
    }
}

fn without_keys(address: &Address) -> ResourceAddress {
    ResourceAddress { module: address.resource.module.without_keys(), ..address.resource.clone() }
}
