//! Functions that a provider brings along: `provider::aws::arn_parse(…)`.

use crate::model::{Type, Value};

/// A function of values: no connection, no clock, the same answer each time.
pub struct ProviderFunction {
    /// Without the provider: `arn_parse`.
    pub name: &'static str,
    /// What it gives, in a sentence or two.
    pub doc: &'static str,
    pub params: Vec<FunctionParam>,
    pub returns: Type,
    /// Gets one value a parameter: known, without marks, not null, of the parameter's type. The error says what is wrong
    /// with the arguments.
    pub body: fn(&[Value]) -> Result<Value, String>,
}

pub struct FunctionParam {
    pub name: &'static str,
    pub doc: &'static str,
    pub ty: Type,
}

impl FunctionParam {
    pub fn string(name: &'static str, doc: &'static str) -> Self {
        FunctionParam { name, doc, ty: Type::String }
    }
}

/// The text of an argument.
pub fn text(args: &[Value], i: usize) -> &str {
    args.get(i).and_then(Value::as_str).map_or("", |s| s)
}
