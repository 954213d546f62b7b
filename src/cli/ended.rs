//! How an apply ended: what was done, what became of everything else, and what to do next.

use crate::apply::{Fate, Outcome, Tally, Unfinished};
use crate::plan::{Counts, PlanMode};
use crate::render::human::{apply_summary, destroy_summary};
use crate::render::quote::printable;

/// How it ended, for people. The first line is the one that scripts match.
pub fn ended(mode: PlanMode, outcome: &Outcome) -> String {
    if outcome.succeeded() {
        let counts = Counts::from(outcome.tally);
        return match mode {
            PlanMode::Destroy => destroy_summary(&counts),
            PlanMode::Normal | PlanMode::RefreshOnly => apply_summary(&counts),
        };
    }
    let mut text = format!("{}\n", headline(mode, outcome));
    if !outcome.unfinished.is_empty() {
        text.push_str(&format!("\nNot done: {}.\n", Left::of(outcome).text()));
        for unfinished in &outcome.unfinished {
            text.push_str(&format!("  {}\n", line(unfinished)));
        }
    }
    let again = if mode == PlanMode::Destroy { "destroy" } else { "apply" };
    let first = if outcome.diagnostics.has_errors() { "Mend what failed and" } else { "To finish it," };
    text.push_str(&format!("\nWhat was done is in the state. {first} {again} again: it goes on from here."));
    if Left::of(outcome).unsettled > 0 {
        text.push_str("\nWhat is unsettled is looked for first: nothing is made twice.");
    }
    text
}

/// `Apply did not complete. Resources: 1 added, 0 changed, 0 destroyed.`
pub fn headline(mode: PlanMode, outcome: &Outcome) -> String {
    let Tally { added, changed, destroyed, imported, .. } = outcome.tally;
    let end = if outcome.interrupted { "stopped" } else { "did not complete" };
    let imported = if imported > 0 { format!("{imported} imported, ") } else { String::new() };
    match mode {
        PlanMode::Destroy => format!("Destroy {end}. Resources: {destroyed} destroyed."),
        _ => format!("Apply {end}. Resources: {imported}{added} added, {changed} changed, {destroyed} destroyed."),
    }
}

/// What became of one change, behind its address.
pub fn line(unfinished: &Unfinished) -> String {
    let Unfinished { address, deposed, fate } = unfinished;
    let deposed = deposed.as_ref().map(|key| format!(" (deposed {key})")).unwrap_or_default();
    let told = match fate {
        Fate::Failed(cause) => format!(" failed: {cause}"),
        Fate::Unsettled(cause) => format!(" is unsettled: {cause}"),
        Fate::Skipped { needs: Some(needs), .. } => format!(" (needs {needs})"),
        Fate::Skipped { needs: None, cause } => format!(" (needs what failed: {cause})"),
        Fate::NotBegun => " (not begun)".to_string(),
    };
    printable(&format!("{address}{deposed}{told}")).into_owned()
}

/// How many changes did not end well, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    pub failed: usize,
    pub unsettled: usize,
    pub skipped: usize,
    pub not_begun: usize,
}

impl Left {
    pub fn of(outcome: &Outcome) -> Left {
        let mut left = Left::default();
        for unfinished in &outcome.unfinished {
            *match unfinished.fate {
                Fate::Failed(_) => &mut left.failed,
                Fate::Unsettled(_) => &mut left.unsettled,
                Fate::Skipped { .. } => &mut left.skipped,
                Fate::NotBegun => &mut left.not_begun,
            } += 1;
        }
        left
    }

    /// `1 failed, 2 skipped`.
    fn text(self) -> String {
        let parts = [
            (self.failed, "failed"),
            (self.unsettled, "unsettled"),
            (self.skipped, "skipped"),
            (self.not_begun, "not begun"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Diagnostic};

    #[test]
    fn every_change_that_did_not_end_well_is_told_with_its_cause() {
        let address = |text: &str| Address::parse(text).unwrap();
        let of = |text: &str, fate| Unfinished { address: address(text), deposed: None, fate };
        let unfinished = vec![
            of("aws_vpc.a", Fate::Failed("not created: VpcLimitExceeded: ec2:CreateVpc: no more".into())),
            Unfinished { deposed: Some("d1".into()), ..of("aws_eip.b", Fate::Unsettled("given up".into())) },
            of("aws_subnet.c[0]", Fate::Skipped { needs: Some(address("aws_vpc.a")), cause: String::new() }),
            of("aws_eip.d", Fate::Skipped { needs: None, cause: "division by zero".into() }),
            of("aws_eip.e", Fate::NotBegun),
        ];
        let tally = Tally { added: 1, ..Tally::default() };
        let mut outcome = Outcome { tally, unfinished, interrupted: true, ..Outcome::default() };
        outcome.diagnostics.push(Diagnostic::error("aws_vpc.a was not created"));
        insta::assert_snapshot!(ended(PlanMode::Normal, &outcome), @r"
        Apply stopped. Resources: 1 added, 0 changed, 0 destroyed.

        Not done: 1 failed, 1 unsettled, 2 skipped, 1 not begun.
          aws_vpc.a failed: not created: VpcLimitExceeded: ec2:CreateVpc: no more
          aws_eip.b (deposed d1) is unsettled: given up
          aws_subnet.c[0] (needs aws_vpc.a)
          aws_eip.d (needs what failed: division by zero)
          aws_eip.e (not begun)

        What was done is in the state. Mend what failed and apply again: it goes on from here.
        What is unsettled is looked for first: nothing is made twice.
        ");
    }
}
