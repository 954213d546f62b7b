//! Chooses the parts of a text that are parsed by themselves, so that no part nests too deep for the parser, and
//! what in the text must be written otherwise for it.

use std::collections::HashSet;
use std::ops::Range;

use super::DIGITS;
use super::large::{self, LargeObject};
use super::outline::{Bracket, Kind, Node};

/// Levels and operators in one part: each well below half of what the parser takes, since two may add up.
const LEVELS: usize = 24;
const OPERATORS: usize = 40;
/// Expressions in each other, signs and operators counted: what goes through trees may recurse.
const MAX_DEPTH: usize = 1000;

/// What must be done to a text before the parser takes it.
#[derive(Debug, Default)]
pub(super) struct Folds {
    /// Expressions to be parsed by themselves, inner ones first.
    pub parts: Vec<Range<usize>>,
    /// Numbers that are too large for the parser.
    pub numbers: Vec<Range<usize>>,
    /// Entries of objects that a later entry of the same key takes the place of.
    pub hidden: Vec<Range<usize>>,
    /// Objects that the parser is given as lists.
    pub large: Vec<LargeObject>,
}

/// How much of the parser's limits an expression takes, and how deep its tree is, parts included.
#[derive(Clone, Copy, Default)]
struct Cost {
    levels: usize,
    operators: usize,
    depth: usize,
}

impl Cost {
    fn max(self, other: Cost) -> Cost {
        Cost {
            levels: self.levels.max(other.levels),
            operators: self.operators.max(other.operators),
            depth: self.depth.max(other.depth),
        }
    }

    fn deeper(self) -> Cost {
        Cost { levels: self.levels + 1, depth: self.depth + 1, ..self }
    }
}

pub(super) struct Folder<'t> {
    text: &'t str,
    folds: Folds,
    open: usize,
    too_deep: bool,
}

impl<'t> Folder<'t> {
    pub fn new(text: &'t str) -> Folder<'t> {
        Folder { text, folds: Folds::default(), open: 0, too_deep: false }
    }

    /// What was found, unless something nests too deep for all who come after the parser.
    pub fn folds(self) -> Option<Folds> {
        (!self.too_deep).then_some(self.folds)
    }

    /// Blocks, and arguments that end with their lines.
    pub fn body(&mut self, nodes: &[Node]) {
        let mut rest = nodes;
        while let Some((node, behind)) = rest.split_first() {
            rest = behind;
            match &node.kind {
                Kind::Assign => {
                    let end = rest.iter().position(|n| matches!(n.kind, Kind::Newline)).unwrap_or(rest.len());
                    let (value, behind) = rest.split_at(end);
                    self.expression(value);
                    rest = behind;
                }
                Kind::Group(_, inner) => self.body(inner),
                _ => (),
            }
        }
    }

    pub fn whole_expression(&mut self, nodes: &[Node]) {
        self.expression(nodes);
    }

    pub fn template(&mut self, markers: &[Node]) {
        self.markers(markers);
    }

    fn fold(&mut self, nodes: &[Node]) {
        if let (Some(first), Some(last)) = (nodes.first(), nodes.last()) {
            self.folds.parts.push(first.start..last.end);
        }
    }

    /// An expression without commas outside of brackets.
    fn expression(&mut self, nodes: &[Node]) -> Cost {
        if self.open >= MAX_DEPTH {
            self.too_deep = true;
            return Cost::default();
        }
        self.open += 1;
        let cost = self.conditional(trimmed(nodes));
        self.open -= 1;
        self.too_deep |= cost.depth > MAX_DEPTH;
        cost
    }

    fn conditional(&mut self, nodes: &[Node]) -> Cost {
        let Some(question) = nodes.iter().position(|n| matches!(n.kind, Kind::Question)) else {
            return self.chain(nodes);
        };
        let (condition, behind) = nodes.split_at(question);
        let behind = behind.get(1..).unwrap_or_default();
        let colon = colon_of(behind).unwrap_or(behind.len());
        let (yes, no) = behind.split_at(colon);
        let no = no.get(1..).unwrap_or_default();
        let mut cost = self.chain(trimmed(condition));
        for branch in [yes, no] {
            cost = cost.max(self.part(branch));
        }
        cost
    }

    /// An expression inside another one, which becomes a part of its own where it costs too much.
    fn part(&mut self, nodes: &[Node]) -> Cost {
        let cost = self.expression(nodes);
        self.within(nodes, cost).deeper()
    }

    fn within(&mut self, nodes: &[Node], cost: Cost) -> Cost {
        if cost.levels < LEVELS && cost.operators <= OPERATORS {
            return cost;
        }
        self.fold(trimmed(nodes));
        Cost { depth: cost.depth, ..Cost::default() }
    }

    /// Operands with operators between them.
    fn chain(&mut self, nodes: &[Node]) -> Cost {
        // An operator with nothing before it is a sign.
        let is_operator = |(at, node): (usize, &Node)| match node.kind {
            Kind::Binary(level) if at > 0 => Some((at, level)),
            _ => None,
        };
        let operators: Vec<(usize, u8)> = nodes.iter().enumerate().filter_map(is_operator).collect();
        let mut cost = Cost::default();
        let mut from = 0;
        let ends = operators.iter().map(|(at, _)| *at).chain([nodes.len()]);
        for end in ends {
            let operand = nodes.get(from..end).unwrap_or_default();
            let own = self.operand(trimmed(operand));
            cost = cost.max(self.within(operand, own));
            from = end + 1;
        }
        let left = self.shorten(nodes, &operators, 0, nodes.len());
        Cost { operators: cost.operators + left, depth: cost.depth + operators.len(), ..cost }
    }

    /// Makes parts of the beginnings of a chain until few operators are left, and says how many these are. All
    /// operators bind to the left: what stands before one of the weakest is an expression.
    fn shorten(&mut self, nodes: &[Node], operators: &[(usize, u8)], start: usize, end: usize) -> usize {
        if operators.len() <= OPERATORS {
            return operators.len();
        }
        let weakest = operators.iter().map(|(_, level)| *level).min().unwrap_or_default();
        let mut left = 0;
        let mut from = start;
        let mut rest = operators;
        while !rest.is_empty() || from < end {
            let split = rest.iter().position(|(_, level)| *level == weakest);
            let (inner, behind) = rest.split_at(split.unwrap_or(rest.len()));
            let until = behind.first().map_or(end, |(at, _)| *at);
            let mut within = self.shorten(nodes, inner, from, until);
            if within > OPERATORS / 2 {
                self.fold(trimmed(nodes.get(from..until).unwrap_or_default()));
                within = 0;
            }
            left += within;
            let Some((_, behind)) = behind.split_first() else { break };
            if left >= OPERATORS {
                self.fold(trimmed(nodes.get(start..until).unwrap_or_default()));
                left = 0;
            }
            left += 1;
            from = until + 1;
            rest = behind;
        }
        left
    }

    /// Signs, a value, and what is taken from it.
    fn operand(&mut self, nodes: &[Node]) -> Cost {
        let signs = nodes.iter().take_while(|n| matches!(n.kind, Kind::Unary | Kind::Binary(_))).count();
        let mut cost = Cost::default();
        for node in nodes {
            cost = cost.max(self.node(node));
        }
        for at in (1..=signs).rev() {
            cost = self.within(nodes.get(at..).unwrap_or_default(), cost).deeper();
        }
        cost
    }

    fn node(&mut self, node: &Node) -> Cost {
        match &node.kind {
            Kind::Group(bracket, inner) => match bracket {
                Bracket::Curly if !is_for(inner) => self.object(node, inner),
                Bracket::Directive => self.directive(inner),
                _ if is_for(inner) => self.for_expression(inner),
                _ => self.list(inner),
            },
            Kind::Template(markers) => self.markers(markers),
            Kind::Number => {
                let text = self.text.get(node.range()).unwrap_or("");
                if text.len() > DIGITS || text.contains(['e', 'E']) && text.parse().is_ok_and(f64::is_infinite) {
                    self.folds.numbers.push(node.range());
                }
                Cost::default()
            }
            _ => Cost::default(),
        }
    }

    fn list(&mut self, nodes: &[Node]) -> Cost {
        let mut cost = Cost::default();
        for item in nodes.split(|n| matches!(n.kind, Kind::Comma)) {
            cost = cost.max(self.part(without_dots(item)));
        }
        cost
    }

    fn object(&mut self, object: &Node, nodes: &[Node]) -> Cost {
        let mut cost = Cost::default();
        let mut entries: Vec<(&str, Range<usize>)> = Vec::new();
        for entry in nodes.split(|n| matches!(n.kind, Kind::Comma | Kind::Newline)) {
            let Some(at) = entry.iter().position(|n| matches!(n.kind, Kind::Assign | Kind::Colon)) else { continue };
            let (key, value) = entry.split_at(at);
            let value = value.get(1..).unwrap_or_default();
            for node in key {
                // A key is not a value: it can't be a part.
                cost = cost.max(self.node(node).deeper());
            }
            cost = cost.max(self.part(value));
            if let (Some(first), Some(end), Some(last)) = (key.first(), key.last(), entry.last()) {
                entries.push((self.text.get(first.start..end.end).unwrap_or(""), first.start..last.end));
            }
        }
        if entries.len() > large::ENTRIES {
            self.folds.large.push(LargeObject::new(self.text, object, nodes));
            return cost;
        }
        let mut later: HashSet<&str> = HashSet::with_capacity(entries.len());
        for (key, place) in entries.into_iter().rev() {
            if !later.insert(key) {
                self.folds.hidden.push(self.with_comma(place));
            }
        }
        cost
    }

    /// An entry with the comma that ends it.
    fn with_comma(&self, place: Range<usize>) -> Range<usize> {
        let behind = self.text.get(place.end..).unwrap_or("");
        let blank = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let comma = behind.get(blank..).is_some_and(|b| b.starts_with(','));
        place.start..if comma { place.end + blank + 1 } else { place.end }
    }

    /// `for k, v in source : key => value... if condition`
    fn for_expression(&mut self, nodes: &[Node]) -> Cost {
        let is = |node: &Node, word: &str| {
            matches!(node.kind, Kind::Word) && self.text.get(node.range()).is_some_and(|text| text == word)
        };
        let source = nodes.iter().position(|n| is(n, "in")).map_or(nodes.len(), |at| at + 1);
        let rest = nodes.get(source..).unwrap_or_default();
        let colon = colon_of(rest).unwrap_or(rest.len());
        let (source, result) = rest.split_at(colon);
        let result = result.get(1..).unwrap_or_default();
        let condition = result.iter().position(|n| is(n, "if")).unwrap_or(result.len());
        let (result, condition) = result.split_at(condition);
        let mut cost = self.part(source).max(self.part(condition.get(1..).unwrap_or_default()));
        for side in result.split(|n| matches!(n.kind, Kind::Arrow)) {
            cost = cost.max(self.part(without_dots(side)));
        }
        cost
    }

    fn markers(&mut self, markers: &[Node]) -> Cost {
        let mut cost = Cost::default();
        let (mut open, mut deepest) = (0usize, 0usize);
        for marker in markers {
            cost = cost.max(self.node(marker));
            if let Kind::Group(Bracket::Directive, inner) = &marker.kind {
                let word = inner.iter().find(|n| matches!(n.kind, Kind::Word)).and_then(|n| self.text.get(n.range()));
                match word {
                    Some("if" | "for") => open += 1,
                    Some("endif" | "endfor") => open = open.saturating_sub(1),
                    _ => (),
                }
                deepest = deepest.max(open);
            }
        }
        Cost { levels: cost.levels + deepest, depth: cost.depth + deepest, ..cost }
    }

    /// `if condition`, `for k, v in source`
    fn directive(&mut self, nodes: &[Node]) -> Cost {
        let nodes = without_dots(nodes);
        let word = |node: &Node| if matches!(node.kind, Kind::Word) { self.text.get(node.range()) } else { None };
        let behind = match nodes.first().and_then(word) {
            Some("if") => 1,
            Some("for") => nodes.iter().position(|n| word(n) == Some("in")).map_or(nodes.len(), |at| at + 1),
            _ => return Cost::default(),
        };
        self.part(nodes.get(behind..).unwrap_or_default())
    }
}

/// Without the line breaks around it.
fn trimmed(nodes: &[Node]) -> &[Node] {
    let start = nodes.iter().take_while(|n| matches!(n.kind, Kind::Newline)).count();
    let nodes = nodes.get(start..).unwrap_or_default();
    let end = nodes.iter().rev().take_while(|n| matches!(n.kind, Kind::Newline)).count();
    nodes.get(..nodes.len() - end).unwrap_or_default()
}

/// Without the dots of `...` and the tildes of `${~ … ~}` around it.
fn without_dots(nodes: &[Node]) -> &[Node] {
    let sign = |node: &&Node| matches!(node.kind, Kind::Newline | Kind::Other);
    let start = nodes.iter().take_while(sign).count();
    let nodes = nodes.get(start..).unwrap_or_default();
    let end = nodes.iter().rev().take_while(sign).count();
    nodes.get(..nodes.len() - end).unwrap_or_default()
}

/// The colon that belongs to no question mark.
fn colon_of(nodes: &[Node]) -> Option<usize> {
    let mut open = 0usize;
    for (at, node) in nodes.iter().enumerate() {
        match node.kind {
            Kind::Question => open += 1,
            Kind::Colon if open == 0 => return Some(at),
            Kind::Colon => open -= 1,
            _ => (),
        }
    }
    None
}

fn is_for(nodes: &[Node]) -> bool {
    let nodes = trimmed(nodes);
    // No value begins with two words.
    let words = nodes.iter().take(2).filter(|n| matches!(n.kind, Kind::Word)).count();
    words == 2 && nodes.first().is_some_and(|n| n.end - n.start == 3)
}
