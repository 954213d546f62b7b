//! One managed resource instance: from its configuration and its object to the change.

use super::change::{Action, Reason, ReplaceOrder};
use super::compare::{changed, forces_replacement};
use super::ignore;
use super::outside::{Outside, ProviderInstance, Refined};
use super::prior::mark_schema;
use super::propose::propose;
use crate::model::{Diagnostic, Path, Schema, Value};
use crate::spec::Lifecycle;

/// What the decision is made from.
pub struct Situation<'a> {
    pub ty: &'a str,
    pub schema: &'a Schema,
    pub provider: &'a ProviderInstance,
    pub lifecycle: &'a Lifecycle,
    /// As written, with marks.
    pub config: &'a Value,
    /// The object as it is; nothing where there is none.
    pub prior: Option<&'a Value>,
    pub tainted: bool,
    /// The user asked for a replacement.
    pub requested: bool,
    /// Something in `replace_triggered_by` changes.
    pub triggered: bool,
    pub create_first: bool,
}

pub struct Decision {
    pub action: Action,
    pub reason: Option<Reason>,
    /// With unknowns and marks.
    pub after: Value,
    pub diagnostics: Vec<Diagnostic>,
}

/// Decides what happens to the instance.
pub fn decide(situation: &Situation, outside: &dyn Outside) -> Decision {
    let s = situation;
    let Some(prior) = s.prior else {
        let refined = refine(s, outside, None, s.config, Vec::new());
        return Decision {
            action: Action::Create,
            reason: s.triggered.then_some(Reason::ReplaceByTriggers),
            after: mark_schema(refined.planned, &s.schema.block),
            diagnostics: refined.diagnostics,
        };
    };
    let config = ignore::apply(s.lifecycle, &s.schema.block, prior, s.config);
    let config = &config;
    let refined = refine(s, outside, Some(prior), config, Vec::new());
    let reason = match () {
        () if s.triggered => Some(Reason::ReplaceByTriggers),
        () if s.tainted => Some(Reason::ReplaceBecauseTainted),
        () if s.requested => Some(Reason::ReplaceByRequest),
        () if !refined.replace.is_empty() => Some(Reason::ReplaceBecauseCannotUpdate),
        () => None,
    };
    match reason {
        Some(reason) => replace(s, outside, refined, reason),
        None => update(s, prior, refined),
    }
}

fn refine(s: &Situation, outside: &dyn Outside, prior: Option<&Value>, config: &Value, replace: Vec<Path>) -> Refined {
    let planned = propose(&s.schema.block, prior, config);
    let mut forced = replace;
    if let Some(prior) = prior {
        forced.extend(forces_replacement(&s.schema.block, prior, &planned));
    }
    outside.refine(s.provider, s.ty, prior.unwrap_or(&Value::NULL), config, planned, forced)
}

fn update(s: &Situation, prior: &Value, refined: Refined) -> Decision {
    let after = mark_schema(refined.planned, &s.schema.block);
    let changed = changed(&s.schema.block, prior, &after);
    let same_marks =
        !changed.is_empty() || super::prior::sensitive_paths(prior) == super::prior::sensitive_paths(&after);
    let (action, after) = match changed.is_empty() && same_marks {
        true => (Action::NoOp, prior.clone()),
        false => (Action::Update { changed }, after),
    };
    Decision { action, reason: None, after, diagnostics: refined.diagnostics }
}

/// A replacement is planned like a creation: neither what the provider chose before nor what was to be ignored
/// counts.
fn replace(s: &Situation, outside: &dyn Outside, first: Refined, reason: Reason) -> Decision {
    let again = refine(s, outside, None, s.config, Vec::new());
    let order = if s.create_first { ReplaceOrder::CreateFirst } else { ReplaceOrder::DeleteFirst };
    // A tainted object goes whatever its attributes are.
    let forced_by = if s.tainted { Vec::new() } else { first.replace };
    Decision {
        action: Action::Replace { order, forced_by },
        reason: Some(reason),
        after: mark_schema(again.planned, &s.schema.block),
        diagnostics: first.diagnostics.into_iter().chain(again.diagnostics).collect(),
    }
}
