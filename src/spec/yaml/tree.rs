//! From the events of the YAML parser to the tree of nodes.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{scalar, text};
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, SourceFile, SourceId, Span, Str};
use crate::spec::node::{Entry, MAX_DEPTH, Node, NodeKind, Text, TextMode};

/// How many nodes the aliases of one file may stand for, all together.
const MAX_ALIASED: u64 = 100_000;

/// Parses the one document of a file. Nothing comes back where the file has only comments in it, or where it
/// cannot be read; the diagnostics then say why.
pub fn parse(source: SourceId, file: &SourceFile, diagnostics: &mut Diagnostics) -> Option<Arc<Node>> {
    let mut builder =
        Builder { source, file, lines: Lines::new(&file.text), anchors: HashMap::new(), aliased: 0, diagnostics };
    match builder.stream() {
        Ok(node) => node,
        Err(error) => {
            builder.diagnostics.push(error);
            None
        }
    }
}

/// A node with the number of nodes that it stands for when every alias in it is written out.
#[derive(Clone)]
struct Sized {
    node: Arc<Node>,
    size: u64,
}

/// A list or mapping whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    size: u64,
    items: Items,
}

enum Items {
    List(Vec<Arc<Node>>),
    Map { entries: Vec<Entry>, seen: HashMap<Str, Span>, merges: Option<(Span, Arc<Node>)>, key: Option<Key> },
}

/// A key whose value has not come yet.
struct Key {
    name: Str,
    span: Span,
    literal: bool,
    /// `<<`, without quotes or tag.
    merges: bool,
}

struct Builder<'a> {
    source: SourceId,
    file: &'a SourceFile,
    lines: Lines<'a>,
    /// By the parser's number; nothing where the anchored node is not complete.
    anchors: HashMap<usize, Sized>,
    aliased: u64,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Builder<'a> {
    fn stream(&mut self) -> Result<Option<Arc<Node>>, Diagnostic> {
        let file = self.file;
        let mut parser = Parser::new_from_str(&file.text);
        let mut open: Vec<Open> = Vec::new();
        let mut root: Option<Arc<Node>> = None;
        while let Some(event) = parser.next_event() {
            let (event, at) = event.map_err(|e| self.syntax_error(e.marker(), e.info()))?;
            let (start, end) = (self.lines.offset(at.start), self.lines.offset(at.end));
            let span = Span::new(self.source, start, end.max(start));
            let done = match event {
                Event::SequenceStart(anchor, tag) => {
                    self.check_collection_tag(tag.as_deref(), span, "seq");
                    self.check_depth(open.len(), span)?;
                    open.push(Open { start, anchor, size: 1, items: Items::List(Vec::new()) });
                    continue;
                }
                Event::MappingStart(anchor, tag) => {
                    self.check_collection_tag(tag.as_deref(), span, "map");
                    self.check_depth(open.len(), span)?;
                    open.push(Open { start, anchor, size: 1, items: Items::map() });
                    continue;
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let sized = Sized { node: Arc::new(self.scalar(&value, style, tag.as_deref(), span)), size: 1 };
                    self.remember(anchor, &sized);
                    sized
                }
                Event::Alias(anchor) => self.alias(anchor, span)?,
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(ended) = open.pop() else { continue };
                    self.close(ended, end)
                }
                Event::DocumentStart(_) if root.is_some() => {
                    let second = Diagnostic::error("more than one document in a file").at(span);
                    return Err(second.label("a second document begins here").help("put it into a file of its own"));
                }
                _ => continue,
            };
            match open.last_mut() {
                Some(parent) => self.add(parent, done),
                None => root = Some(done.node),
            }
        }
        // A file of comments alone has an empty document.
        Ok(root.filter(|node| !(matches!(node.kind, NodeKind::Null) && node.span.start == node.span.end)))
    }

    fn add(&mut self, parent: &mut Open, child: Sized) {
        parent.size = parent.size.saturating_add(child.size);
        match &mut parent.items {
            Items::List(items) => items.push(child.node),
            Items::Map { entries, seen, merges, key } => match key.take() {
                None => *key = Some(self.key(&child.node)),
                Some(Key { name, span, merges: true, .. }) => match merges {
                    Some((first, _)) => {
                        let twice = twice(&name, *first, span);
                        self.diagnostics.push(twice.help("merge more than one mapping with a list: \"<<: [*a, *b]\""));
                    }
                    None => *merges = Some((span, child.node)),
                },
                Some(Key { name, span, literal, .. }) => match seen.get(&name) {
                    Some(first) => self.diagnostics.push(twice(&name, *first, span)),
                    None => {
                        seen.insert(name.clone(), span);
                        entries.push(Entry { key: name, key_span: span, literal, value: child.node });
                    }
                },
            },
        }
    }

    fn key(&mut self, node: &Node) -> Key {
        let written = self.file.text.get(node.span.start as usize..node.span.end as usize).unwrap_or("").trim();
        let plain = |name: Str| Key { name, span: node.span, literal: false, merges: false };
        match &node.kind {
            NodeKind::Text(text) => {
                if text.mode == TextMode::Expression {
                    let error = Diagnostic::error("a key cannot be a bare expression").at(node.span);
                    self.diagnostics.push(error.help(format!("write it as a template: \"${{{}}}\"", text.text)));
                }
                let literal = text.mode == TextMode::Literal;
                Key { literal, merges: written == "<<" && !literal, ..plain(text.text.clone()) }
            }
            NodeKind::Number(_) | NodeKind::Bool(_) => plain(written.into()),
            // A name can look like the word for nothing: the provider "null".
            NodeKind::Null if !written.is_empty() => plain(written.into()),
            _ => {
                let error = Diagnostic::error(format!("{} cannot be a key", node.describe())).at(node.span);
                self.diagnostics.push(error.label("a key is a string"));
                plain(written.into())
            }
        }
    }

    fn close(&mut self, ended: Open, end: usize) -> Sized {
        let kind = match ended.items {
            Items::List(items) => NodeKind::List(items),
            Items::Map { mut entries, mut seen, merges, .. } => {
                if let Some((span, merged)) = merges {
                    self.merge(&mut entries, &mut seen, span, &merged);
                }
                NodeKind::Map(entries)
            }
        };
        // The end mark of a block stands at the next token: white space before it does not belong to the node.
        let text = self.file.text.get(ended.start..end.max(ended.start)).unwrap_or("");
        let span = Span::new(self.source, ended.start, ended.start + text.trim_end().len());
        let sized = Sized { node: Arc::new(Node { span, kind }), size: ended.size };
        self.remember(ended.anchor, &sized);
        sized
    }

    /// `<<: *defaults` or `<<: [*a, *b]`: entries that the mapping does not have itself; earlier ones win.
    fn merge(&mut self, entries: &mut Vec<Entry>, seen: &mut HashMap<Str, Span>, span: Span, merged: &Node) {
        match &merged.kind {
            NodeKind::Map(more) => {
                for entry in more.iter().filter(|e| !seen.contains_key(&e.key)).cloned().collect::<Vec<_>>() {
                    seen.insert(entry.key.clone(), entry.key_span);
                    entries.push(entry);
                }
            }
            NodeKind::List(items) if items.iter().all(|i| i.entries().is_some()) => {
                items.iter().for_each(|item| self.merge(entries, seen, span, item));
            }
            _ => self.diagnostics.push(
                Diagnostic::error("\"<<\" merges mappings").at(span).label(format!("this is {}", merged.describe())),
            ),
        }
    }

    fn remember(&mut self, anchor: usize, sized: &Sized) {
        if anchor > 0 {
            self.anchors.insert(anchor, sized.clone());
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Sized, Diagnostic> {
        let Some(sized) = self.anchors.get(&anchor).cloned() else {
            return Err(Diagnostic::error("an alias inside the node that it stands for").at(span));
        };
        self.aliased = self.aliased.saturating_add(sized.size);
        if self.aliased > MAX_ALIASED {
            let label = format!("with this alias the aliases of the file stand for more than {MAX_ALIASED} nodes");
            return Err(Diagnostic::error("aliases expand too far").at(span).label(label));
        }
        Ok(sized)
    }

    fn check_depth(&self, depth: usize, span: Span) -> Result<(), Diagnostic> {
        if depth < MAX_DEPTH {
            return Ok(());
        }
        Err(Diagnostic::error(format!("lists and mappings nest deeper than {MAX_DEPTH} levels")).at(span))
    }

    fn check_collection_tag(&mut self, tag: Option<&Tag>, span: Span, expected: &str) {
        let Some(tag) = tag else { return };
        if !(tag.is_yaml_core_schema() && tag.suffix == expected) {
            self.unknown_tag(tag, span);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, span: Span) {
        let name = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
        let error = Diagnostic::error(format!("tag \"{name}\" is not known here")).at(span);
        self.diagnostics.push(
            error
                .did_you_mean(&name, ["!expr", "!literal", "!raw"])
                .help("\"!expr\" gives an expression, \"!literal\" a string without templates"),
        );
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
        let (whole, span) = (span, self.behind_properties(span));
        let mode = match tag {
            None => None,
            Some(tag) if tag.handle == "!" && tag.suffix == "expr" => Some(TextMode::Expression),
            Some(tag) if tag.handle == "!" && matches!(tag.suffix.as_str(), "literal" | "raw") => {
                Some(TextMode::Literal)
            }
            // The non-specific tag, and `!!str`.
            Some(tag) if tag.to_string() == "!" || (tag.is_yaml_core_schema() && tag.suffix == "str") => {
                Some(TextMode::Template)
            }
            Some(tag) if tag.is_yaml_core_schema() => {
                return Node { span, kind: self.core_tagged(&tag.suffix, value, style, tag, span) };
            }
            Some(tag) => {
                self.unknown_tag(tag, whole);
                Some(TextMode::Literal)
            }
        };
        if mode.is_none() && style == ScalarStyle::Plain {
            match scalar::core(value) {
                Ok(Some(kind)) => return Node { span, kind },
                Ok(None) => (),
                Err(why) => {
                    self.diagnostics
                        .push(Diagnostic::error(format!("\"{value}\" is not a number here")).at(span).label(why));
                }
            }
        }
        Node { span, kind: self.text(value, style, mode.unwrap_or(TextMode::Template), span) }
    }

    /// The span without the tag and the anchor before a scalar.
    fn behind_properties(&self, mut span: Span) -> Span {
        let text = self.file.text.get(..span.end as usize).unwrap_or("");
        while let Some(rest) = text.get(span.start as usize..).filter(|rest| rest.starts_with(['!', '&'])) {
            let Some(property) = rest.find(char::is_whitespace) else { break };
            let gap = rest.len() - property - rest.get(property..).unwrap_or("").trim_start().len();
            span.start += (property + gap) as u32;
        }
        span
    }

    fn core_tagged(&mut self, suffix: &str, value: &str, style: ScalarStyle, tag: &Tag, span: Span) -> NodeKind {
        let kind = match suffix {
            "null" | "bool" => scalar::core(value).ok().flatten(),
            "int" | "float" => scalar::number(value).map(NodeKind::Number),
            _ => {
                self.unknown_tag(tag, span);
                return self.text(value, style, TextMode::Literal, span);
            }
        };
        let fits = match (&kind, suffix) {
            (Some(NodeKind::Null), "null")
            | (Some(NodeKind::Bool(_)), "bool")
            | (Some(NodeKind::Number(_)), "float") => true,
            (Some(NodeKind::Number(n)), "int") => n.is_integer(),
            _ => false,
        };
        match kind {
            Some(kind) if fits => kind,
            _ => {
                self.diagnostics
                    .push(Diagnostic::error(format!("\"{value}\" does not fit the tag \"!!{suffix}\"")).at(span));
                NodeKind::Null
            }
        }
    }

    fn text(&self, value: &str, style: ScalarStyle, mode: TextMode, span: Span) -> NodeKind {
        let raw = self.file.text.get(span.start as usize..span.end as usize).unwrap_or("");
        let map = match mode {
            TextMode::Literal => TextMap::within(span),
            _ => text::map(value, raw, style, span, mode == TextMode::Expression),
        };
        NodeKind::Text(Text { text: value.into(), map, mode })
    }

    fn syntax_error(&self, at: &Marker, info: &str) -> Diagnostic {
        let start = self.lines.offset(*at);
        let rest = self.file.text.get(start..).unwrap_or("");
        let width = rest.chars().next().filter(|c| !c.is_control()).map_or(0, char::len_utf8);
        let error = Diagnostic::error("invalid YAML").at(Span::new(self.source, start, start + width)).label(info);
        let line = self.file.line(self.file.position(start as u32).line);
        if line.trim_start_matches(' ').starts_with('\t') || rest.starts_with('\t') {
            error.help("YAML is indented with spaces; replace the tab")
        } else if line.contains("${") {
            error.help("put a value with \"${…}\" between double quotes where it contains \": \", \" #\", \"{\" in a list, or quotes")
        } else {
            error
        }
    }
}

fn twice(key: &str, first: Span, again: Span) -> Diagnostic {
    let error = Diagnostic::error(format!("key \"{key}\" is written twice")).at(again);
    error.label("here again").related(first, "first written here")
}

impl Items {
    fn map() -> Items {
        Items::Map { entries: Vec::new(), seen: HashMap::new(), merges: None, key: None }
    }
}

/// Turns lines and columns, which count characters, into byte offsets.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The line, column and offset that were asked for last: on long lines the next one is found from there.
    last: Cell<(usize, usize, usize)>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        // YAML takes a lone carriage return for a line break as well.
        let breaks = bytes.iter().enumerate().filter(|(i, b)| match b {
            b'\n' => true,
            b'\r' => bytes.get(i + 1) != Some(&b'\n'),
            _ => false,
        });
        starts.extend(breaks.map(|(i, _)| i + 1));
        Lines { text, starts, last: Cell::new((0, 0, 0)) }
    }

    fn offset(&self, at: Marker) -> usize {
        let Some(start) = at.line().checked_sub(1).and_then(|line| self.starts.get(line)) else {
            return self.text.len();
        };
        let (line, column, offset) = self.last.get();
        let (from, skip) = match line == at.line() && column <= at.col() {
            true => (offset, at.col() - column),
            false => (*start, at.col()),
        };
        let rest = self.text.get(from..).unwrap_or("");
        let found = rest.char_indices().nth(skip).map_or(self.text.len(), |(i, _)| from + i);
        self.last.set((at.line(), at.col(), found));
        found
    }
}
