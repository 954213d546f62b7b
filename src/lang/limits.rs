//! How large values become. A few lines can stand for more than any memory holds: each local twice the one before,
//! a product of sets, a `for` in a `for`. What goes beyond these limits is an error.

use crate::model::{Diagnostic, Span, Value};

/// Values in a value, what is shared counted each time.
pub const MAX_NODES: u64 = 10_000_000;
/// Bytes of text in a value.
pub const MAX_TEXT: u64 = 256 * 1024 * 1024;
/// Collections nest no deeper than this: everything that walks through values may recurse.
pub const MAX_LEVELS: usize = 400;
/// Values that are kept, in states and plans, nest no deeper than this: readers of JSON give up at 128 levels, a type
/// takes two for each level of its value, and some stand around it.
pub const MAX_KEPT_LEVELS: usize = 56;
/// Elements that the `for` expressions of one evaluation go through.
pub(super) const MAX_ROUNDS: u64 = 100_000_000;

/// What is too much of a value that holds so much.
pub(super) fn excess_of(nodes: u64, text: u64) -> Option<String> {
    if nodes > MAX_NODES {
        return Some(format!("it holds more than {MAX_NODES} values"));
    }
    (text > MAX_TEXT).then(|| format!("it holds more than {} MiB of text", MAX_TEXT / 1024 / 1024))
}

/// The value, where it is within the limits.
pub fn within(value: Value, span: Span) -> Result<Value, Box<Diagnostic>> {
    let extent = value.extent();
    if value.is_deeper_than(MAX_LEVELS) {
        let label = format!("lists and objects stand in each other more than {MAX_LEVELS} levels deep");
        return Err(Box::new(Diagnostic::error("the value is nested too deeply").at(span).label(label)));
    }
    match excess_of(extent.nodes, extent.text) {
        None => Ok(value),
        Some(why) => Err(too_large(why, span)),
    }
}

/// Why a value cannot be kept in a state or a plan.
pub fn too_deep_to_keep(value: &Value, span: Span) -> Option<Diagnostic> {
    value.is_deeper_than(MAX_KEPT_LEVELS).then(|| {
        let label = format!("it nests more than {MAX_KEPT_LEVELS} levels deep");
        let problem = Diagnostic::error("the value is nested too deeply to be kept").at(span).label(label);
        problem.help("keep jsonencode() of it")
    })
}

pub(super) fn too_large(why: String, span: Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("the value is too large").at(span).label(why))
}
