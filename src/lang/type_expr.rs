//! Type constraints as variables declare them: `list(object({ name = string, size = optional(number, 1) }))`.

use std::sync::Arc;

use crate::model::{Str, Type, Value};

/// A type that values are converted to, and the defaults of its optional attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeConstraint {
    /// Attributes that may be absent are optional in it.
    pub ty: Type,
    /// Nothing where no attribute has a default.
    pub defaults: Option<Arc<Defaults>>,
}

/// The defaults of optional attributes, following the structure of the type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Defaults of the attributes of the object here, converted to the attributes' types.
    pub values: Vec<(Str, Value)>,
    /// Defaults deeper in: by attribute of an object, by position of a tuple (as text).
    pub children: Vec<(Str, Arc<Defaults>)>,
    /// Defaults in the elements of a collection.
    pub element: Option<Arc<Defaults>>,
}

impl Default for TypeConstraint {
    fn default() -> Self {
        TypeConstraint::any()
    }
}

impl TypeConstraint {
    /// No constraint.
    pub fn any() -> TypeConstraint {
        TypeConstraint { ty: Type::Dynamic, defaults: None }
    }
}
