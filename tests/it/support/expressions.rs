//! Evaluates expressions that refer to nothing, for the tests and the benches.

use terrane::lang::compile::expression_text;
use terrane::lang::constants::Constants;
use terrane::lang::text_map::TextMap;
use terrane::model::{Diagnostics, SourceId};

const NOWHERE: Constants = Constants("there are no names here");

/// The text of `jsonencode(expr)`, or what is wrong.
pub fn evaluate(expr: &str) -> Result<String, String> {
    let mut diagnostics = Diagnostics::new();
    let map = TextMap::offset(SourceId(0), 0);
    let text = format!("jsonencode({expr})");
    let compiled = expression_text(&text, &map, &[], &mut { NOWHERE }, &mut diagnostics);
    if let Some(error) = diagnostics.0.iter().find(|d| d.is_error()) {
        return Err(error.summary.clone());
    }
    let value = compiled.eval(&NOWHERE).map_err(|d| d.0.first().map(|d| d.summary.clone()).unwrap_or_default())?;
    value.as_str().map(|s| s.to_string()).ok_or_else(|| format!("no string: {value:?}"))
}
