//! `format` and `formatlist`: templates with verbs such as `%s`, `%05d` or `%[2]q`.

use super::call::{fits, not_null};
use super::format_number::{self, Flags};
use super::{Call, CallError, Function, Kind, Needs, Returns, nullable, param, plain};
use crate::lang::convert::convert;
use crate::model::value::Refinement;
use crate::model::{Type, Value};
use unicode_segmentation::UnicodeSegmentation;

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    format_function(
        "format",
        "A string with values put in at the verbs of a template.",
        nullable("args", Kind::Any, "The values, in the order of the verbs."),
        Kind::String,
        format_unknown,
        format,
    )
    .with_needs(Needs::All),
    format_function(
        "formatlist",
        "A list of strings, one for each element of the lists among the arguments.",
        nullable("args", Kind::Any, "Lists of the same length; other values serve every element."),
        Kind::StringList,
        |_| Ok(not_null(Type::list(Type::String))),
        formatlist,
    )
    .with_needs(Needs::Outer),
];

const TEMPLATE: &[super::Param] = &[param("format", Kind::String, "The template; `%%` is a percent sign.")];

const fn format_function(
    name: &'static str,
    doc: &'static str,
    args: super::Param,
    kind: Kind,
    unknown: fn(&Call<'_>) -> Answer,
    body: fn(&Call<'_>) -> Answer,
) -> Function {
    let mut function = plain(name, doc, TEMPLATE, Kind::String, body);
    function.returns = Returns::Depends(kind, unknown);
    function.with_variadic(args)
}

/// A piece of a template.
enum Piece {
    Text(String),
    Verb(Verb),
}

struct Verb {
    /// As it stands in the template, for messages.
    text: String,
    letter: char,
    flags: Flags,
    /// Which argument it takes, from zero.
    argument: usize,
}

fn format(call: &Call<'_>) -> Answer {
    let pieces = parse(call.str(0)?)?;
    let args: Vec<&Value> = call.args.iter().skip(1).collect();
    check_used(&pieces, args.len())?;
    Ok(render(&pieces, &args)?.into())
}

/// The text before the first verb is known even while arguments are not.
fn format_unknown(call: &Call<'_>) -> Answer {
    let mut refinement = Refinement { not_null: true, ..Refinement::default() };
    if let Some(template) = call.arg(0)?.as_str() {
        let pieces = parse(template)?;
        check_used(&pieces, call.args.len().saturating_sub(1))?;
        let literal = pieces.iter().map_while(|p| if let Piece::Text(text) = p { Some(text.as_str()) } else { None });
        let prefix: String = literal.collect();
        if !prefix.is_empty() {
            refinement.prefix = Some(prefix.into());
        }
    }
    Ok(Value::refined(Type::String, refinement))
}

fn formatlist(call: &Call<'_>) -> Answer {
    let args = call.args.get(1..).unwrap_or(&[]);
    let sequence = |v: &Value| matches!(v, Value::List(_) | Value::Set(_) | Value::Tuple(_));
    let mut length: Option<(usize, usize)> = None;
    for (i, arg) in args.iter().enumerate().filter(|(_, v)| sequence(v)) {
        let count = arg.as_items().map_or(0, <[Value]>::len);
        match length {
            Some((first, other)) if other != count => {
                let message = format!("argument {} has {count} elements, argument {} has {other}", i + 1, first + 1);
                return Err(CallError::at(i + 1, message));
            }
            _ => length = Some((i, count)),
        }
    }
    let count = length.map_or(1, |(_, count)| count);
    if count == 0 {
        // A template that nothing is written with is not looked at.
        return Ok(Value::list(Type::String, Vec::new()));
    }
    let pieces = parse(call.str(0)?)?;
    check_used(&pieces, args.len())?;
    let mut out = Vec::with_capacity(count);
    let mut written = 0;
    for row in 0..count {
        let of_row = |v| if sequence(v) { v.as_items().and_then(|items| items.get(row)).unwrap_or(v) } else { v };
        let row_args: Vec<&Value> = args.iter().map(of_row).collect();
        if row_args.iter().all(|v| v.is_wholly_known()) {
            let text = render(&pieces, &row_args)
                .map_err(|e| CallError { message: format!("at element {row}: {}", e.message), ..e })?;
            written += text.len() as u64;
            fits(1, written)?;
            out.push(text.into());
        } else {
            out.push(not_null(Type::String));
        }
    }
    Ok(Value::list(Type::String, out))
}

/// Arguments behind the last one that a verb takes are a mistake.
fn check_used(pieces: &[Piece], given: usize) -> Result<(), CallError> {
    let verbs = pieces.iter().filter_map(|p| if let Piece::Verb(v) = p { Some(v) } else { None });
    let mut used = 0;
    for verb in verbs {
        if verb.argument >= given {
            let message = format!("\"{}\" takes argument {}, {given} are given", verb.text, verb.argument + 1);
            return Err(CallError::at(0, message));
        }
        used = used.max(verb.argument + 1);
    }
    if used < given {
        return Err(CallError::at(used + 1, format!("too many arguments: the template takes {used}")));
    }
    Ok(())
}

fn parse(template: &str) -> Result<Vec<Piece>, CallError> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut implicit = 0;
    while let Some(at) = rest.find('%') {
        push_text(&mut pieces, &rest[..at]);
        let from = &rest[at..];
        if let Some(after) = from.strip_prefix("%%") {
            push_text(&mut pieces, "%");
            rest = after;
            continue;
        }
        let (verb, length) = parse_verb(from, implicit)?;
        implicit = verb.argument + 1;
        pieces.push(Piece::Verb(verb));
        rest = &from[length..];
    }
    push_text(&mut pieces, rest);
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if text.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ => pieces.push(Piece::Text(text.to_string())),
    }
}

/// The verb at the start of a text, and its length in bytes.
fn parse_verb(text: &str, implicit: usize) -> Result<(Verb, usize), CallError> {
    let mut chars = text.char_indices().skip(1).peekable();
    let mut flags = Flags::default();
    while let Some((_, c)) = chars.peek() {
        match c {
            '#' => flags.alternative = true,
            '0' => flags.zeros = true,
            '-' => flags.left = true,
            '+' => flags.plus = true,
            ' ' => flags.space = true,
            _ => break,
        }
        chars.next();
    }
    flags.width = digits(&mut chars);
    if chars.next_if(|(_, c)| *c == '.').is_some() {
        flags.precision = Some(digits(&mut chars).unwrap_or(0));
    }
    let mut argument = implicit;
    let unfinished = || CallError::at(0, format!("the verb \"{text}\" is not finished"));
    if chars.next_if(|(_, c)| *c == '[').is_some() {
        let index = digits(&mut chars).filter(|n| *n > 0);
        if chars.next_if(|(_, c)| *c == ']').is_none() {
            return Err(unfinished());
        }
        argument = index.ok_or_else(unfinished)? - 1;
    }
    let (at, letter) = chars.next().ok_or_else(unfinished)?;
    let length = at + letter.len_utf8();
    let text = text[..length].to_string();
    if !"vsqtdboxXeEfgG".contains(letter) {
        return Err(CallError::at(0, format!("\"{text}\" has no verb that is known")));
    }
    Ok((Verb { text, letter, flags, argument }, length))
}

/// Widths beyond this are slips that would only cost memory.
const MAX_WIDTH: usize = 100_000;

fn digits(chars: &mut std::iter::Peekable<impl Iterator<Item = (usize, char)>>) -> Option<usize> {
    let mut number: Option<usize> = None;
    while let Some((_, c)) = chars.next_if(|(_, c)| c.is_ascii_digit()) {
        let digit = c as usize - '0' as usize;
        number = Some((number.unwrap_or(0).saturating_mul(10) + digit).min(MAX_WIDTH));
    }
    number
}

fn render(pieces: &[Piece], args: &[&Value]) -> Result<String, CallError> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Verb(verb) => {
                let missing = || CallError::at(0, format!("\"{}\" has no argument", verb.text));
                let value = args.get(verb.argument).ok_or_else(missing)?;
                let text = render_verb(verb, value)
                    .map_err(|message| CallError::at(verb.argument + 1, format!("\"{}\": {message}", verb.text)))?;
                out.push_str(&text);
            }
        }
        fits(1, out.len() as u64)?;
    }
    Ok(out)
}

fn render_verb(verb: &Verb, value: &Value) -> Result<String, String> {
    let flags = &verb.flags;
    if value.is_null() && verb.letter != 'v' {
        return Err("null cannot be formatted".to_string());
    }
    let as_type = |ty: Type| convert(value, &ty).map_err(|e| e.message);
    match verb.letter {
        'v' => Ok(render_value(flags, value)),
        't' => Ok(as_type(Type::Bool)?.as_bool().unwrap_or_default().to_string()),
        's' | 'q' => {
            let text = as_type(Type::String)?;
            let text = text.as_str().map_or("", |s| &**s);
            match (verb.letter, flags.precision) {
                ('q', _) => Ok(pad(flags, super::json::quoted(text))),
                (_, Some(most)) => Ok(pad(flags, text.graphemes(true).take(most).collect())),
                _ => Ok(pad(flags, text.to_string())),
            }
        }
        letter => {
            let number = as_type(Type::Number)?;
            let number = number.as_number().ok_or("a number is required")?;
            format_number::render(letter, flags, number)
        }
    }
}

/// `%v`: strings as they are, numbers in short form, the rest as JSON; `%#v` is JSON for all.
fn render_value(flags: &Flags, value: &Value) -> String {
    match value {
        Value::String(s) if !flags.alternative => pad(flags, s.to_string()),
        Value::Number(n) if !flags.alternative => {
            let flags = Flags { plus: false, space: false, precision: None, ..flags.clone() };
            format_number::render('g', &flags, n).unwrap_or_default()
        }
        Value::Bool(b) if !flags.alternative => b.to_string(),
        other => pad(flags, super::json::encode(other)),
    }
}

/// Fills up to the width, counted in characters as a reader sees them.
fn pad(flags: &Flags, text: String) -> String {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.graphemes(true).count());
    match flags {
        _ if missing == 0 => text,
        Flags { left: true, .. } => text + &" ".repeat(missing),
        Flags { zeros: true, .. } => "0".repeat(missing) + &text,
        _ => " ".repeat(missing) + &text,
    }
}
