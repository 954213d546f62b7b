//! A plan for people: what drifted, what will be lost, each change, the outputs, and the summary line.

mod blocks;
mod delta;
mod drift;
mod header;
mod page;
mod sequence;
mod summary;
#[cfg(test)]
mod tests;

pub use summary::{apply_summary, destroy_summary, plan_summary};

use delta::{Entry, Forced, Hidden, Sign};
use page::Page;

use super::diagnostic::diagnostics_text;
use super::quote::{self, counted};
use super::style::{Role, Style};
use crate::model::{Address, Marks, Mode, Schema, SourceMap, Value};
use crate::plan::{Action, Change, Deferred, OutputChange, Plan, PlanMode};

/// Finds the schema of an object's type. Without it nested blocks read as attributes.
pub type SchemaOf<'a> = dyn Fn(&Address) -> Option<&'a Schema> + 'a;

/// Finds the expression that the configuration gives a part of an object, as [`blocks::Written`] says.
pub type WrittenOf<'a> = dyn Fn(&Address, &str) -> Option<String> + 'a;

/// How a plan is to be shown.
#[derive(Clone, Copy, Default)]
pub struct PlanView<'a, 's> {
    pub style: Style,
    pub schemas: Option<&'a SchemaOf<'s>>,
    /// Without it every attribute that is known after apply is listed.
    pub written: Option<&'a WrittenOf<'s>>,
    /// Where the plan's diagnostics point into. Without it they are left to the caller.
    pub sources: Option<&'a SourceMap>,
}

/// Losses, and what drifted without need for action, that are listed by name before the changes.
const MAX_LOSSES: usize = 10;

/// The whole plan as text. It ends with a line break.
pub fn plan_text(plan: &Plan, view: &PlanView) -> String {
    let mut text = PlanText { page: Page::new(view.style), view };
    text.drift(plan);
    if plan.mode != PlanMode::RefreshOnly {
        let shown: Vec<&Change> = plan.changes.iter().filter(|c| is_shown(c)).collect();
        if plan.mode == PlanMode::Normal {
            text.losses(&shown);
        }
        text.changes(&shown);
    }
    text.conclusion(plan);
    if let Some(sources) = view.sources.filter(|_| !plan.diagnostics.is_empty()) {
        text.page.blank();
        text.page.text(&diagnostics_text(&plan.diagnostics, sources, view.style));
    }
    text.page.finish()
}

/// One change alone, as it stands in the plan.
pub fn change_text(change: &Change, view: &PlanView) -> String {
    let mut text = PlanText { page: Page::new(view.style), view };
    text.change(change);
    text.page.finish()
}

fn is_shown(change: &Change) -> bool {
    !change.action.is_noop() || change.previous_address.is_some() || change.importing.is_some()
}

fn loses(change: &Change) -> bool {
    let takes_away = matches!(change.action, Action::Delete | Action::Replace { .. });
    takes_away && change.address.resource.mode == Mode::Managed
}

struct PlanText<'v, 'a, 's> {
    page: Page,
    view: &'v PlanView<'a, 's>,
}

impl PlanText<'_, '_, '_> {
    fn losses(&mut self, changes: &[&Change]) {
        let (replaced, destroyed): (Vec<_>, Vec<_>) =
            changes.iter().filter(|c| loses(c)).partition(|c| c.action.is_replace());
        let all: Vec<&&Change> = destroyed.into_iter().chain(replaced).collect();
        if all.is_empty() {
            return;
        }
        self.page.line(Role::Strong, "Will be destroyed:");
        self.page.blank();
        for change in all.iter().take(MAX_LOSSES) {
            self.page.put(Role::Removed, header::symbol(change));
            self.page.line(Role::Plain, &format!(" {}", header::loss(change)));
        }
        if let Some(more) = all.len().checked_sub(MAX_LOSSES).filter(|n| *n > 0) {
            self.page.line(Role::Plain, &format!("    and {more} more"));
        }
        self.page.blank();
    }

    fn changes(&mut self, changes: &[&Change]) {
        if changes.is_empty() {
            return;
        }
        self.page.line(Role::Strong, "Terrane will perform the following actions:");
        self.page.blank();
        for change in changes {
            self.change(change);
        }
    }

    fn change(&mut self, change: &Change) {
        self.page.paragraph(Role::Strong, "  # ", "  # ", &header::headline(change));
        for reason in header::reasons(change) {
            self.page.paragraph(Role::Faint, "  # ", "  # ", &reason);
        }
        let forced = match &change.action {
            Action::Replace { forced_by, .. } => Forced::new(forced_by),
            _ => Forced::default(),
        };
        let (symbol, role) = (header::symbol(change), header::role(&change.action));
        // What is forgotten lives on as it is.
        let after = if change.action == Action::Forget { &change.before } else { &change.after };
        let written = self.view.written.map(|find| move |name: &str| find(&change.address, name));
        let written = written.as_ref().map(|w| w as &blocks::Written);
        self.object((symbol, role), &change.address, (&change.before, after), &forced, written);
    }

    fn object(
        &mut self,
        (symbol, role): (&str, Role),
        address: &Address,
        sides: (&Value, &Value),
        forced: &Forced,
        written: Option<&blocks::Written>,
    ) {
        let schema = self.view.schemas.and_then(|find| find(address));
        let delta = blocks::object(Some(sides.0), Some(sides.1), schema.map(|s| &s.block), forced, written);
        self.page.put(role, symbol);
        self.page.text(&format!(" {} {{", header::block_header(address)));
        self.page.end_line();
        match &delta.body {
            delta::Body::Fields { entries, hidden } => self.page.inside(entries, hidden, 8, true),
            _ => {
                self.page.text("      # ");
                self.page.value(&delta, 8);
                self.page.end_line();
            }
        }
        self.page.line(Role::Plain, "    }");
        self.page.blank();
    }

    fn conclusion(&mut self, plan: &Plan) {
        let acts = plan.mode != PlanMode::RefreshOnly && plan.changes.iter().any(is_shown);
        if plan.errored() {
            let text = "Planning failed. What stands above is as far as it came.";
            if acts {
                self.page.paragraph(Role::Strong, "", "", text);
            }
            return;
        }
        if acts {
            let counts = plan.counts();
            self.page.line(Role::Strong, &plan_summary(&counts));
            if counts.forget > 0 {
                let objects = counted(counts.forget, "object");
                self.page
                    .line(Role::Plain, &format!("{objects} will no longer be managed, and will not be destroyed."));
            }
        }
        if plan.has_output_changes() {
            if acts {
                self.page.blank();
            }
            self.outputs(&plan.outputs);
        }
        if !acts {
            self.nothing_to_do(plan);
        }
        if !plan.complete {
            self.deferred(&plan.deferred);
        }
    }

    fn deferred(&mut self, parts: &[Deferred]) {
        if !parts.is_empty() {
            self.page.blank();
            self.page.line(Role::Strong, "Left for a later plan:");
        }
        for part in parts {
            self.page.paragraph(Role::Plain, "  ? ", "    ", &header::deferred(part));
        }
        self.page.blank();
        let text = "This plan is not complete: some parts wait for values that are known only after apply. \
                    Plan again after applying it.";
        self.page.paragraph(Role::Plain, "", "", text);
    }

    fn nothing_to_do(&mut self, plan: &Plan) {
        let (headline, text) = match (plan.mode, !drift::is_told(plan), plan.has_output_changes()) {
            (PlanMode::RefreshOnly, false, _) => {
                (None, "This plan only refreshes: applying it records in the state what has changed, and nothing else.")
            }
            (_, _, true) => {
                (None, "Applying this plan saves the new output values in the state and changes no object.")
            }
            (PlanMode::RefreshOnly, true, _) => (
                Some("No changes. Your infrastructure still matches the configuration."),
                "Terrane has compared the real objects with the state and found no differences.",
            ),
            (PlanMode::Destroy, ..) => (Some("No changes. No objects need to be destroyed."), ""),
            (PlanMode::Normal, true, _) => (
                Some("No changes. Your infrastructure matches the configuration."),
                "Terrane has compared the real objects with the configuration and found no differences.",
            ),
            (PlanMode::Normal, false, _) => (
                Some("No changes. Your infrastructure matches the configuration."),
                "What changed outside of Terrane needs no action; \"terrane apply -refresh-only\" records it in the state.",
            ),
        };
        if let Some(headline) = headline {
            self.page.line(Role::Strong, headline);
        }
        if !text.is_empty() {
            self.page.blank();
            self.page.paragraph(Role::Plain, "", "", text);
        }
    }

    fn outputs(&mut self, outputs: &[OutputChange]) {
        self.page.line(Role::Strong, "Changes to Outputs:");
        let entries: Vec<Entry> = outputs.iter().filter(|o| !o.action.is_noop()).map(output_entry).collect();
        self.page.inside(&entries, &Hidden::default(), 4, true);
    }
}

fn output_entry(output: &OutputChange) -> Entry {
    let hide = |v: &Value| if output.sensitive { v.clone().mark(Marks::SENSITIVE) } else { v.clone() };
    let (before, after) = (hide(&output.before), hide(&output.after));
    let delta = match output.action {
        Action::Create => delta::whole(&after, Sign::Add),
        Action::Delete => delta::whole(&before, Sign::Remove),
        _ => delta::delta(Some(&before), Some(&after), &Forced::default()),
    };
    Entry::argument(quote::name(&output.name).into_owned(), delta)
}
