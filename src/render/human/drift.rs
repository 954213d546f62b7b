//! What changed outside: in full where the plan acts on it, else in a line, so that what others legitimately bring
//! (rules of a group, the association of an address) does not drown what matters. What the last apply's own steps may
//! have brought is no news, where nothing acts on it.

use super::delta::Forced;
use super::{MAX_LOSSES, PlanText, header};
use crate::model::{Address, Value};
use crate::plan::{Drift, Plan, PlanMode};
use crate::render::style::Role;

/// Names of attributes that one line tells.
const MAX_NAMES: usize = 3;

/// Whether the text of a plan without changes tells of drift.
pub(super) fn is_told(plan: &Plan) -> bool {
    let told = |drift: &Drift| plan.mode != PlanMode::Normal || !drift.may_be_own;
    plan.drift.iter().any(told)
}

impl PlanText<'_, '_, '_> {
    pub(super) fn drift(&mut self, plan: &Plan) {
        let acted: std::collections::HashSet<&Address> =
            plan.changes.iter().filter(|c| !c.action.is_noop()).map(|c| &c.address).collect();
        let is_full = |drift: &&Drift| match plan.mode {
            PlanMode::RefreshOnly => true,
            PlanMode::Normal => drift.after.is_null() || acted.contains(&drift.address),
            // All of it goes.
            PlanMode::Destroy => false,
        };
        let (full, brief): (Vec<&Drift>, Vec<&Drift>) = plan.drift.iter().partition(is_full);
        self.drift_in_full(&full);
        if plan.mode == PlanMode::Normal {
            let brief: Vec<&Drift> = brief.into_iter().filter(|drift| !drift.may_be_own).collect();
            self.drift_in_brief(&brief);
        }
    }

    fn drift_in_full(&mut self, drift: &[&Drift]) {
        if drift.is_empty() {
            return;
        }
        self.page.line(Role::Strong, "Objects have changed outside of Terrane since they were last applied:");
        self.page.blank();
        for object in drift {
            self.page.paragraph(Role::Strong, "  # ", "  # ", &header::drift_headline(object));
            if let Some(from) = &object.previous_address {
                self.page.line(Role::Faint, &format!("  # (moved from {from})"));
            }
            let (symbol, role) = match object.after.is_null() {
                true => ("  -", Role::Removed),
                false => ("  ~", Role::Changed),
            };
            self.object((symbol, role), &object.address, (&object.before, &object.after), &Forced::default(), None);
        }
    }

    fn drift_in_brief(&mut self, drift: &[&Drift]) {
        if drift.is_empty() {
            return;
        }
        self.page.line(Role::Strong, "Changed outside of Terrane, where the configuration leaves it open:");
        self.page.blank();
        for object in drift.iter().take(MAX_LOSSES) {
            self.page.put(Role::Changed, "  ~");
            self.page.line(Role::Plain, &format!(" {} ({})", object.address, changed_names(object)));
        }
        if let Some(more) = drift.len().checked_sub(MAX_LOSSES).filter(|n| *n > 0) {
            self.page.line(Role::Plain, &format!("    and {more} more"));
        }
        self.page.blank();
    }
}

fn changed_names(drift: &Drift) -> String {
    let (before, after) = (drift.before.unmark_deep().0, drift.after.unmark_deep().0);
    let Some(fields) = after.as_fields() else { return "it is of another kind".to_string() };
    let was = |name: &str| before.attr(name).unwrap_or(Value::NULL);
    let names: Vec<&str> = fields.iter().filter(|(n, v)| was(n) != *v).map(|(n, _)| &**n).collect();
    let shown = names.iter().take(MAX_NAMES).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
