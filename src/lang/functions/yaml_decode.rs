//! YAML text and the value that it means: YAML 1.2 syntax, scalars as in [`super::yaml_scalar`], anchors, aliases
//! and merge keys.

use std::collections::HashMap;

use base64::Engine as _;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::json::decode_function;
use super::{Call, CallError, Function, yaml_scalar};
use crate::lang::convert::convert;
use crate::lang::limits::{self, MAX_LEVELS};
use crate::model::{Str, Type, Value};

pub static FUNCTIONS: &[Function] =
    &[decode_function("yamldecode", "The value that a YAML text of one document means.", |call: &Call<'_>| {
        decode(call.str(0)?).map_err(|e| CallError::at(0, e))
    })];

/// The tags of the core schema start with it.
const CORE: &str = "tag:yaml.org,2002:";

/// Reads one document.
fn decode(text: &str) -> Result<Value, String> {
    let mut builder = Builder::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|e| syntax(&e))?;
        let place = |e: String| format!("line {}: {e}", span.start.line());
        builder.take(event).map_err(place)?;
    }
    builder.document.ok_or_else(|| "there is no document in it".to_string())
}

fn syntax(error: &ScanError) -> String {
    format!("line {}: {}", error.marker().line(), error.info())
}

#[derive(Default)]
struct Builder {
    document: Option<Value>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, u64)>,
    /// How many nodes there are so far, those behind aliases counted each time: a few lines can stand for billions.
    nodes: u64,
}

/// A collection that has not ended.
struct Open {
    /// 0 for none.
    anchor: usize,
    /// What [`Builder::nodes`] was at its start.
    nodes_before: u64,
    content: Content,
}

enum Content {
    Sequence(Vec<Value>),
    Mapping { entries: Vec<(Str, Value)>, key: Option<Str> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.document.is_some() => Err("there is a second document".to_string()),
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => {
                let (value, nodes) =
                    self.anchors.get(&anchor).cloned().ok_or("an alias refers to what it is part of")?;
                self.nodes = self.nodes.saturating_add(nodes);
                self.put(value)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())?;
                if anchor != 0 {
                    self.anchors.insert(anchor, (value.clone(), 1));
                }
                self.put(value)
            }
            Event::SequenceStart(anchor, tag) => {
                self.start(anchor, tag.as_deref(), "seq", Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.start(anchor, tag.as_deref(), "map", Content::Mapping { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn start(&mut self, anchor: usize, tag: Option<&Tag>, kind: &str, content: Content) -> Result<(), String> {
        match tag.map(tag_name) {
            Some(name) if name.strip_prefix(CORE) != Some(kind) => Err(format!("the tag \"{name}\" does not fit here")),
            _ if self.open.len() >= MAX_LEVELS => Err(format!("it nests more than {MAX_LEVELS} levels deep")),
            _ => {
                self.open.push(Open { anchor, nodes_before: self.nodes, content });
                Ok(())
            }
        }
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Err("a collection ends that did not start".to_string()) };
        let value = match open.content {
            Content::Sequence(items) => Value::tuple(items),
            Content::Mapping { entries, .. } => Value::object(entries),
        };
        if open.anchor != 0 {
            self.anchors.insert(open.anchor, (value.clone(), self.nodes - open.nodes_before + 1));
        }
        self.put(value)
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, value: Value) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > limits::MAX_NODES {
            return Err(format!("aliases make more than {} values of it", limits::MAX_NODES));
        }
        match self.open.last_mut().map(|o| &mut o.content) {
            None => self.document = Some(value),
            Some(Content::Sequence(items)) => items.push(value),
            Some(Content::Mapping { entries, key }) => match key.take() {
                None => *key = Some(mapping_key(&value)?),
                Some(name) if &*name == "<<" => match value {
                    Value::Object(fields) => entries.extend(fields.iter().cloned()),
                    other => return Err(format!("a {} cannot be merged into a mapping", other.ty().friendly())),
                },
                Some(name) => entries.push((name, value)),
            },
        }
        Ok(())
    }
}

fn mapping_key(value: &Value) -> Result<Str, String> {
    if value.is_null() {
        return Err("a key must not be null".to_string());
    }
    let text = convert(value, &Type::String).ok();
    text.as_ref().and_then(Value::as_str).cloned().ok_or_else(|| "only strings can be keys".to_string())
}

fn tag_name(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let plain = style == ScalarStyle::Plain;
    let Some(tag) = tag else {
        return if plain { yaml_scalar::resolve(text).map_err(|e| e.to_string()) } else { Ok(text.into()) };
    };
    let name = tag_name(tag);
    let unfit = || format!("\"{text}\" is no {name}");
    match (name.strip_prefix(CORE), plain) {
        (Some("str"), _) | (Some("int" | "float" | "bool" | "null" | "timestamp"), false) => Ok(text.into()),
        (Some("int"), true) => {
            let number = yaml_scalar::number(text).filter(crate::model::Number::is_integer);
            number.map(Value::Number).ok_or_else(unfit)
        }
        (Some("float"), true) => yaml_scalar::number(text).map(Value::Number).ok_or_else(unfit),
        (Some("bool"), true) => yaml_scalar::resolve(text).ok().filter(|v| v.as_bool().is_some()).ok_or_else(unfit),
        (Some("null"), true) => Ok(Value::NULL),
        (Some("timestamp"), true) => yaml_scalar::timestamp(text).map(Value::from).ok_or_else(unfit),
        (Some("binary"), _) => {
            let valid = super::encoding::BASE64.decode(text.replace('\n', "")).is_ok();
            if valid { Ok(text.into()) } else { Err(format!("\"{text}\" is no base 64")) }
        }
        _ => Err(format!("the tag \"{name}\" is not supported")),
    }
}
