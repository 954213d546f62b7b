//! Values of expressions.

use super::expr::{Expr, Kind};
use super::scope::Scope;
use crate::model::{Diagnostic, Type, Value};

impl Expr {
    /// The value in a scope.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, Diagnostic> {
        match &self.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Slot(slot) => scope.value(slot, self.span),
            _ => Ok(Value::unknown(Type::Dynamic)),
        }
    }
}
