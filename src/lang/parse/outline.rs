//! The brackets, strings and operators of a text as a tree: enough of its form to find the expressions in it.

use std::ops::Range;

/// Brackets and templates in each other, beyond which no outline is made.
const MAX_DEPTH: usize = 400;

/// A word of the text, or a bracket with what stands in it.
#[derive(Debug)]
pub(super) struct Node {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Word,
    Number,
    Newline,
    Comma,
    /// `=`
    Assign,
    Colon,
    Question,
    /// `=>`
    Arrow,
    /// `!`, or a minus that has nothing before it.
    Unary,
    /// An operator between two operands; the higher, the closer it binds.
    Binary(u8),
    /// Dots and whatever else has no part in the form.
    Other,
    Group(Bracket, Vec<Node>),
    /// A string, a heredoc or a bare template: the markers in it.
    Template(Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Round,
    Square,
    Curly,
    /// `${`
    Interpolation,
    /// `%{`
    Directive,
}

impl Node {
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    fn ends_operand(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Number | Kind::Group(..) | Kind::Template(_))
    }
}

/// A text and how far it is read. Whatever does not fit together gives no outline.
pub(super) struct Outliner<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Whether brackets and quotes without partners are gone over.
    lenient: bool,
    /// Where strings begin that have no end on their line.
    pub open_strings: Vec<usize>,
    /// Words that the parser would take for the end of a heredoc, though they are not alone on their line.
    pub false_ends: Vec<usize>,
}

impl<'t> Outliner<'t> {
    pub fn new(text: &'t str) -> Outliner<'t> {
        Outliner { text, at: 0, depth: 0, lenient: false, open_strings: Vec::new(), false_ends: Vec::new() }
    }

    /// Gives an outline of texts with mistakes in them too: what is open at the end ends there, a string ends with its
    /// line.
    pub fn lenient(text: &'t str) -> Outliner<'t> {
        Outliner { lenient: true, ..Outliner::new(text) }
    }

    /// The outline of a body or of an expression.
    pub fn code(&mut self) -> Option<Vec<Node>> {
        self.nodes(None)
    }

    /// The outline of a template that nothing surrounds.
    pub fn template(&mut self) -> Option<Vec<Node>> {
        let mut markers = Vec::new();
        while self.at < self.text.len() {
            self.template_step(&mut markers)?;
        }
        Some(markers)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_char(&mut self) {
        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
    }

    /// What stands before a closing bracket, or before the end of the text.
    fn nodes(&mut self, close: Option<u8>) -> Option<Vec<Node>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut nodes: Vec<Node> = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                self.depth -= 1;
                return (close.is_none() || self.lenient).then_some(nodes);
            };
            if Some(byte) == close {
                self.at += 1;
                self.depth -= 1;
                return Some(nodes);
            }
            let start = self.at;
            if let Some(kind) = self.node(byte, &nodes)? {
                nodes.push(Node { start, end: self.at, kind });
            }
        }
    }

    /// Reads one node. White space and comments are none; a bracket without its partner ends everything.
    fn node(&mut self, byte: u8, before: &[Node]) -> Option<Option<Kind>> {
        let rest = self.rest();
        let kind = match byte {
            b' ' | b'\t' | b'\r' => {
                self.at += 1;
                return Some(None);
            }
            b'#' => return Some(self.comment()),
            b'/' if rest.starts_with("//") => return Some(self.comment()),
            b'/' if rest.starts_with("/*") => {
                self.at += rest.find("*/").map(|end| end + 2).or(self.lenient.then_some(rest.len()))?;
                return Some(None);
            }
            b'(' => self.group(1, Bracket::Round, b')')?,
            b'[' => self.group(1, Bracket::Square, b']')?,
            b'{' => self.group(1, Bracket::Curly, b'}')?,
            b')' | b']' | b'}' if !self.lenient => return None,
            b'"' => self.quoted()?,
            b'<' if rest.starts_with("<<") => self.heredoc()?,
            b'0'..=b'9' => self.number(),
            _ if rest.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                let continues = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                self.at += rest.find(|c| !continues(c)).unwrap_or(rest.len());
                Kind::Word
            }
            _ => self.sign(byte, before),
        };
        Some(Some(kind))
    }

    fn comment(&mut self) -> Option<Kind> {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        None
    }

    fn group(&mut self, opening: usize, bracket: Bracket, close: u8) -> Option<Kind> {
        self.at += opening;
        Some(Kind::Group(bracket, self.nodes(Some(close))?))
    }

    fn number(&mut self) -> Kind {
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        self.at += digits(self.rest());
        if let Some(fraction) = self.rest().strip_prefix('.') {
            let width = digits(fraction);
            self.at += if width > 0 { width + 1 } else { 0 };
        }
        if let Some(exponent) = self.rest().strip_prefix(['e', 'E']) {
            let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            let width = digits(unsigned);
            self.at += if width > 0 { 1 + exponent.len() - unsigned.len() + width } else { 0 };
        }
        Kind::Number
    }

    fn sign(&mut self, byte: u8, before: &[Node]) -> Kind {
        const PAIRS: [(&str, u8); 6] = [("||", 1), ("&&", 2), ("==", 3), ("!=", 3), ("<=", 4), (">=", 4)];
        let rest = self.rest();
        if let Some((_, level)) = PAIRS.iter().find(|(pair, _)| rest.starts_with(pair)) {
            self.at += 2;
            return Kind::Binary(*level);
        }
        if rest.starts_with("=>") || rest.starts_with("::") {
            self.at += 2;
            return if byte == b'=' { Kind::Arrow } else { Kind::Other };
        }
        self.skip_char();
        let operand = before.iter().rev().find(|n| !matches!(n.kind, Kind::Newline)).is_some_and(Node::ends_operand);
        match byte {
            b'\n' => Kind::Newline,
            b',' => Kind::Comma,
            b'=' => Kind::Assign,
            b':' => Kind::Colon,
            b'?' => Kind::Question,
            b'!' => Kind::Unary,
            b'-' if !operand => Kind::Unary,
            b'<' | b'>' => Kind::Binary(4),
            b'+' | b'-' => Kind::Binary(5),
            b'*' | b'/' | b'%' if operand => Kind::Binary(6),
            _ => Kind::Other,
        }
    }

    fn quoted(&mut self) -> Option<Kind> {
        let start = self.at;
        self.at += 1;
        let mut markers = Vec::new();
        loop {
            match self.peek() {
                None | Some(b'\n') if self.lenient => {
                    self.open_strings.push(start);
                    return Some(Kind::Template(markers));
                }
                None => return None,
                Some(b'"') => {
                    self.at += 1;
                    return Some(Kind::Template(markers));
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.skip_char();
                }
                Some(_) => self.template_step(&mut markers)?,
            }
        }
    }

    /// Goes over one character of a template, or over one marker.
    fn template_step(&mut self, markers: &mut Vec<Node>) -> Option<()> {
        let (start, rest) = (self.at, self.rest());
        let bracket = if rest.starts_with("$${") || rest.starts_with("%%{") {
            self.at += 3;
            return Some(());
        } else if rest.starts_with("${") {
            Bracket::Interpolation
        } else if rest.starts_with("%{") {
            Bracket::Directive
        } else {
            self.skip_char();
            return Some(());
        };
        let kind = self.group(2, bracket, b'}')?;
        markers.push(Node { start, end: self.at, kind });
        Some(())
    }

    /// A heredoc ends with a line on which its word stands alone.
    fn heredoc(&mut self) -> Option<Kind> {
        let head = self.rest().get(2..)?;
        let flush = head.strip_prefix('-').unwrap_or(head);
        let line = flush.find('\n')?;
        let word = flush.get(..line)?.trim_end_matches('\r');
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            self.at += 1;
            return Some(Kind::Binary(4));
        }
        self.at = self.text.len() - flush.len() + line + 1;
        let mut markers = Vec::new();
        loop {
            let rest = self.rest();
            let line = rest.split('\n').next().unwrap_or("");
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if line.trim() == word {
                self.at += indent + word.len();
                return Some(Kind::Template(markers));
            }
            let behind = line.get(indent..).and_then(|l| l.strip_prefix(word));
            if behind.is_some_and(|b| !b.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')) {
                self.false_ends.push(self.at + indent);
            }
            // A marker may go over line breaks; what is left of its last line is no line of its own.
            while self.peek()? != b'\n' {
                self.template_step(&mut markers)?;
            }
            self.at += 1;
        }
    }
}
