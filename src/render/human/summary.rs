//! The lines that scripts match, to the letter.

use crate::plan::Counts;

/// `Plan: [N to import, ]N to add, N to change, N to destroy.`
pub fn plan_summary(counts: &Counts) -> String {
    let Counts { add, change, destroy, .. } = counts;
    let import = part(counts.import, "to import");
    format!("Plan: {import}{add} to add, {change} to change, {destroy} to destroy.")
}

/// `Apply complete! Resources: [N imported, ]N added, N changed, N destroyed.`
pub fn apply_summary(done: &Counts) -> String {
    let Counts { add, change, destroy, .. } = done;
    let import = part(done.import, "imported");
    format!("Apply complete! Resources: {import}{add} added, {change} changed, {destroy} destroyed.")
}

/// `Destroy complete! Resources: N destroyed.`
pub fn destroy_summary(done: &Counts) -> String {
    format!("Destroy complete! Resources: {} destroyed.", done.destroy)
}

fn part(n: usize, what: &str) -> String {
    if n > 0 { format!("{n} {what}, ") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_match_to_the_letter() {
        let counts = Counts { add: 1, change: 2, destroy: 3, ..Counts::default() };
        assert_eq!(plan_summary(&counts), "Plan: 1 to add, 2 to change, 3 to destroy.");
        assert_eq!(apply_summary(&counts), "Apply complete! Resources: 1 added, 2 changed, 3 destroyed.");
        assert_eq!(destroy_summary(&counts), "Destroy complete! Resources: 3 destroyed.");
        let counts = Counts { import: 4, ..counts };
        assert_eq!(plan_summary(&counts), "Plan: 4 to import, 1 to add, 2 to change, 3 to destroy.");
        assert_eq!(apply_summary(&counts), "Apply complete! Resources: 4 imported, 1 added, 2 changed, 3 destroyed.");
    }
}
