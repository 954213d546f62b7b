//! `decode_tfvars`: reads the text of a `.tfvars` file, in which only constants stand.

use hcl_edit::structure::Structure;

use super::json::decode_function;
use super::{Call, CallError, Function};
use crate::lang::compile::Compiler;
use crate::lang::constants::Constants;
use crate::lang::parse;
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostics, SourceId, Str, Value};

const NAMES: Constants = Constants("only constants are allowed here");

pub static FUNCTIONS: &[Function] = &[decode_function(
    "provider::terraform::decode_tfvars",
    "The variables that the text of a .tfvars file sets, as an object.",
    decode,
)];

fn decode(call: &Call<'_>) -> Result<Value, CallError> {
    let text = call.str(0)?;
    let wrong = |problem: String| CallError::at(0, problem);
    let map = TextMap::offset(SourceId(0), 0);
    let body = parse::body(text).map_err(|e| wrong(format!("line {}: {}", e.location().line(), e.message())))?;
    let mut entries: Vec<(Str, Value)> = Vec::new();
    for structure in &body {
        let attribute = match structure {
            Structure::Attribute(attribute) => attribute,
            Structure::Block(block) => {
                return Err(wrong(format!("there is no place for the block \"{}\"", block.ident)));
            }
        };
        let name = attribute.key.as_str();
        let (mut diagnostics, mut constants) = (Diagnostics::new(), NAMES);
        let compiled = Compiler::new(text, map.clone(), &mut constants, &mut diagnostics).expression(&attribute.value);
        let value = if diagnostics.has_errors() { Err(diagnostics) } else { compiled.eval(&NAMES) };
        let told = |all: Diagnostics| all.0.into_iter().next().map_or_else(String::new, |d| d.summary);
        entries.push((name.into(), value.map_err(|d| wrong(format!("\"{name}\": {}", told(d))))?));
    }
    Ok(Value::object(entries))
}
