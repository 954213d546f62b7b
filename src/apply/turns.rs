//! Turns: how many steps of one type are under way at once, so that neither the memory of a run nor what a kill leaves
//! open grows with the number of objects. A type that waits takes no turn from another.

use std::collections::{HashMap, VecDeque};

use crate::model::Str;
use crate::plan::StepId;

/// Far more than any service answers at once, and enough to share the cost of reaching the disk.
pub const MOST: usize = 2048;

pub struct Turns {
    most: usize,
    types: HashMap<Str, Type>,
}

#[derive(Default)]
struct Type {
    under_way: usize,
    waiting: VecDeque<StepId>,
}

impl Turns {
    pub fn new(most: usize) -> Turns {
        Turns { most, types: HashMap::new() }
    }

    /// Whether a step may start now. If not, it waits here.
    pub fn enter(&mut self, ty: &Str, step: StepId) -> bool {
        let of_type = match self.types.get_mut(ty) {
            Some(known) => known,
            None => self.types.entry(ty.clone()).or_default(),
        };
        let starts = of_type.under_way < self.most;
        match starts {
            true => of_type.under_way += 1,
            false => of_type.waiting.push_back(step),
        }
        starts
    }

    /// A step that entered has ended. Gives the one whose turn it is, which has to enter.
    pub fn leave(&mut self, ty: &Str) -> Option<StepId> {
        let of_type = self.types.get_mut(ty)?;
        of_type.under_way = of_type.under_way.saturating_sub(1);
        of_type.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_a_crowded_type_wait_in_order_and_hold_up_no_other() {
        let (a, b) = (Str::from("a"), Str::from("b"));
        let mut turns = Turns::new(2);
        let started: Vec<bool> = (0..5).map(|n| turns.enter(&a, StepId(n))).collect();
        assert_eq!(started, [true, true, false, false, false]);
        assert!(turns.enter(&b, StepId(9)));
        assert_eq!(turns.leave(&a), Some(StepId(2)));
        assert!(turns.enter(&a, StepId(2)));
        assert!(!turns.enter(&a, StepId(7)));
        let rest: Vec<_> = (0..3).map_while(|_| turns.leave(&a)).collect();
        assert_eq!(rest, [StepId(3), StepId(4), StepId(7)]);
        assert_eq!(turns.leave(&b), None);
    }
}
