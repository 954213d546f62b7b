//! Takes out of a text what differs from run to run, and keeps what is equal recognisable as equal.
//!
//! The second id of a kind becomes `vpc-[2]` wherever it stands, so that a snapshot still shows which is which.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is replaced, in this order. A name in brackets that ends in `#` is numbered by first appearance.
static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "[UUID #]"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "[TIME]"),
        (r"\b(?P<kind>[a-z]{1,12}(?:-[a-z]{2,12})*)-[0-9a-f]{8}(?:[0-9a-f]{9})?\b", "${kind}-[#]"),
        (r"\b(?P<kind>A[A-Z]{3})[A-Z0-9]{16,17}\b", "${kind}[#]"),
        (r"\b\d{12,20}\b", "[NUMBER #]"),
        (r"(?P<kind>127\.0\.0\.1|localhost):\d{2,5}\b", "${kind}:[PORT]"),
        (r"(?P<kind>(?:after|in|took|for)) (?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:ms|µs|s)\b", "${kind} [DURATION]"),
        (r"(?P<kind>\[)(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:ms|s) elapsed\]", "${kind}[DURATION] elapsed]"),
    ]
    .into_iter()
    .map(|(pattern, name)| (Regex::new(pattern).expect("the pattern is tested below"), name))
    .collect()
});

/// Replaces volatile text; remembers the numbers it gave, so that several texts can share them.
#[derive(Default)]
pub struct Normaliser {
    hidden: Vec<(String, String)>,
    numbers: HashMap<String, HashMap<String, usize>>,
}

impl Normaliser {
    pub fn new() -> Normaliser {
        Normaliser::default()
    }

    /// Replaces this exact text by a name.
    pub fn hide(&mut self, text: &str, name: &str) {
        if !text.is_empty() && !self.hidden.iter().any(|(hidden, _)| hidden == text) {
            self.hidden.push((text.to_owned(), name.to_owned()));
        }
    }

    /// The text without what differs from run to run.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (hidden, name) in &self.hidden {
            text = text.replace(hidden.as_str(), name);
        }
        for (pattern, name) in PATTERNS.iter() {
            text = pattern.replace_all(&text, |found: &Captures| self.name(found, name)).into_owned();
        }
        text
    }

    fn name(&mut self, found: &Captures, name: &str) -> String {
        let mut expanded = String::new();
        found.expand(name, &mut expanded);
        if !name.contains('#') {
            return expanded;
        }
        let numbers = self.numbers.entry(expanded.clone()).or_default();
        let next = numbers.len() + 1;
        let number = numbers.entry(found[0].to_owned()).or_insert(next);
        expanded.replace('#', &number.to_string())
    }
}

#[test]
fn equal_ids_keep_equal_names() {
    let mut normaliser = Normaliser::new();
    normaliser.hide("/tmp/.tmpAbC/stack", "[STACK]");
    let text = "aws_vpc.a: Creation complete after 1m2s [id=vpc-0123456789abcdef0]\n\
                subnet-0aaaaaaaaaaaaaaa1 in vpc-0123456789abcdef0, subnet-0aaaaaaaaaaaaaaa2 in vpc-11111111\n\
                6f1c0d0e-9d3c-4b12-8f2e-6e0a4b0a7c11 at 2026-11-21T04:44:21.123Z by AKIAIOSFODNN7EXAMPLE\n\
                still creating [10s elapsed] http://127.0.0.1:34567/ /tmp/.tmpAbC/stack/main.tf rds-db-instance eni-attach-0aaaaaaaaaaaaaaa1";
    insta::assert_snapshot!(normaliser.text(text), @r"
    aws_vpc.a: Creation complete after [DURATION] [id=vpc-[1]]
    subnet-[1] in vpc-[1], subnet-[2] in vpc-[2]
    [UUID 1] at [TIME] by AKIA[1]
    still creating [[DURATION] elapsed] http://127.0.0.1:[PORT]/ [STACK]/main.tf rds-db-instance eni-attach-[1]
    ");
}
