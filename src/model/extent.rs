//! How much a value holds, summed up where collections are made: values are shared, so that a short configuration
//! can make one whose parts, counted one by one, nobody could walk through.

use std::hash::{Hash, Hasher};
use std::ops::Deref;

use super::{Marks, Value};

/// What is inside of a value, at any depth. Counts stop at their largest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The value itself and all in it, what is shared counted each time.
    pub nodes: u64,
    /// Bytes of strings and names.
    pub text: u64,
    /// How deep collections nest in it; 0 for one that is empty.
    pub levels: u32,
    pub marks: Marks,
    /// Whether nothing in it is unknown.
    pub known: bool,
}

impl Extent {
    /// Of a value without parts.
    pub(super) const fn leaf(text: usize, known: bool) -> Extent {
        Extent { nodes: 1, text: text as u64, levels: 0, marks: Marks::NONE, known }
    }

    fn add(&mut self, part: Extent) {
        self.nodes = self.nodes.saturating_add(part.nodes);
        self.text = self.text.saturating_add(part.text);
        self.levels = self.levels.max(part.levels.saturating_add(1));
        self.marks |= part.marks;
        self.known &= part.known;
    }

    pub(super) fn of_items(items: &[Value]) -> Extent {
        let mut all = Extent::leaf(0, true);
        items.iter().for_each(|item| all.add(item.extent()));
        all
    }

    pub(super) fn of_fields(fields: &super::Fields) -> Extent {
        let mut all = Extent::leaf(0, true);
        for (name, value) in fields {
            all.text = all.text.saturating_add(name.len() as u64);
            all.add(value.extent());
        }
        all
    }
}

/// The contents of a collection beside what they come to.
#[derive(Debug)]
pub struct Measured<T> {
    contents: T,
    pub(super) extent: Extent,
}

impl<T> Measured<T> {
    pub(super) fn new(contents: T, extent: Extent) -> Measured<T> {
        Measured { contents, extent }
    }
}

impl Measured<super::Fields> {
    pub(super) fn of_fields(fields: super::Fields) -> Self {
        let extent = Extent::of_fields(&fields);
        Measured::new(fields, extent)
    }
}

impl<T> Deref for Measured<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.contents
    }
}

impl<T: PartialEq> PartialEq for Measured<T> {
    fn eq(&self, other: &Self) -> bool {
        // Different sums tell different contents without a walk.
        self.extent == other.extent && self.contents == other.contents
    }
}

impl<T: Eq> Eq for Measured<T> {}

impl<T: Hash> Hash for Measured<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.contents.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Type;

    #[test]
    fn what_is_shared_counts_each_time_and_costs_nothing_to_ask() {
        let mut value = Value::tuple(vec!["ab".into()]);
        for _ in 0..200 {
            value = Value::tuple(vec![value.clone(), value]);
        }
        let extent = value.extent();
        assert_eq!((extent.nodes, extent.text, extent.levels), (u64::MAX, u64::MAX, 201));
        assert!(!value.has_marks() && value.is_wholly_known() && value.is_deeper_than(200));
        assert!(!value.is_deeper_than(201));
    }

    #[test]
    fn marks_and_unknowns_are_seen_from_outside() {
        let secret = Value::from("x").mark(Marks::SENSITIVE);
        let object = Value::object([("name", Value::tuple(vec![secret])), ("id", Value::unknown(Type::String))]);
        assert_eq!(object.all_marks(), Marks::SENSITIVE);
        assert!(!object.is_wholly_known());
        let extent = object.extent();
        assert_eq!((extent.nodes, extent.text, extent.levels), (4, 7, 2));
    }
}
