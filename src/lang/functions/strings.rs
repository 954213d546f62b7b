//! Strings: case, ends, parts and joining. Characters are what a reader sees as one (grapheme clusters).

use super::call::fits;
use super::{Call, CallError, Function, Kind, param, plain};
use crate::model::{Type, Value};
use unicode_segmentation::UnicodeSegmentation;

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    plain("chomp", "The string without the line breaks at its end.", STR, Kind::String, |call| {
        Ok(call.str(0)?.trim_end_matches(['\r', '\n']).into())
    }),
    plain(
        "endswith",
        "Whether a string ends with another.",
        &[param("str", Kind::String, "The string."), param("suffix", Kind::String, "The end.")],
        Kind::Bool,
        |call| Ok(call.str(0)?.ends_with(&**call.str(1)?).into()),
    ),
    plain(
        "indent",
        "Puts spaces before each line but the first.",
        &[param("spaces", Kind::Number, "How many spaces."), param("str", Kind::String, "The lines.")],
        Kind::String,
        indent,
    ),
    plain(
        "join",
        "The strings of all lists, one behind the other, with a separator between.",
        &[param("separator", Kind::String, "What stands between two strings.")],
        Kind::String,
        join,
    )
    .with_variadic(param("lists", Kind::StringList, "Lists of strings; at least one.")),
    plain("lower", "All letters in lower case.", STR, Kind::String, |call| {
        Ok(call.str(0)?.chars().map(lower).collect::<String>().into())
    }),
    plain(
        "split",
        "The parts of a string between separators.",
        &[
            param("separator", Kind::String, "The separator; empty to get each character."),
            param("str", Kind::String, "The string."),
        ],
        Kind::StringList,
        split,
    ),
    plain(
        "startswith",
        "Whether a string starts with another.",
        &[param("str", Kind::String, "The string."), param("prefix", Kind::String, "The start.")],
        Kind::Bool,
        |call| Ok(call.str(0)?.starts_with(&**call.str(1)?).into()),
    )
    .returning_prefix(),
    plain(
        "strcontains",
        "Whether a string is part of another.",
        &[param("str", Kind::String, "The string."), param("substr", Kind::String, "The part.")],
        Kind::Bool,
        |call| Ok(call.str(0)?.contains(&**call.str(1)?).into()),
    ),
    plain("strrev", "The characters in opposite order.", STR, Kind::String, |call| {
        Ok(call.str(0)?.graphemes(true).rev().collect::<String>().into())
    }),
    plain(
        "substr",
        "A part of a string, by characters.",
        &[
            param("str", Kind::String, "The string."),
            param("offset", Kind::Number, "Where the part starts; negative counts from the end."),
            param("length", Kind::Number, "How many characters; -1 for all that follow."),
        ],
        Kind::String,
        substr,
    ),
    plain("title", "The first letter of each word in upper case.", STR, Kind::String, |call| {
        Ok(title(call.str(0)?).into())
    }),
    plain(
        "trim",
        "The string without certain characters at both ends.",
        &[param("str", Kind::String, "The string."), param("cutset", Kind::String, "The characters to remove.")],
        Kind::String,
        |call| {
            let cut: Vec<char> = call.str(1)?.chars().collect();
            Ok(call.str(0)?.trim_matches(cut.as_slice()).into())
        },
    ),
    plain(
        "trimprefix",
        "The string without a beginning, where it has it.",
        &[param("str", Kind::String, "The string."), param("prefix", Kind::String, "The beginning.")],
        Kind::String,
        |call| {
            let s = call.str(0)?;
            Ok(s.strip_prefix(&**call.str(1)?).unwrap_or(s).into())
        },
    ),
    plain("trimspace", "The string without white space at both ends.", STR, Kind::String, |call| {
        Ok(call.str(0)?.trim().into())
    }),
    plain(
        "trimsuffix",
        "The string without an end, where it has it.",
        &[param("str", Kind::String, "The string."), param("suffix", Kind::String, "The end.")],
        Kind::String,
        |call| {
            let s = call.str(0)?;
            Ok(s.strip_suffix(&**call.str(1)?).unwrap_or(s).into())
        },
    ),
    plain("upper", "All letters in upper case.", STR, Kind::String, |call| {
        Ok(call.str(0)?.chars().map(upper).collect::<String>().into())
    }),
];

const STR: &[super::Param] = &[param("str", Kind::String, "The string.")];

impl Function {
    /// `startswith` can answer while the string is unknown but its beginning is known.
    const fn returning_prefix(mut self) -> Function {
        self.returns = super::Returns::Depends(Kind::Bool, |call| {
            let open = Ok(super::call::not_null(Type::Bool));
            let (Value::Unknown(u), Value::String(wanted)) = (call.arg(0)?, call.arg(1)?) else { return open };
            let Some(known) = &u.refinement.prefix else { return open };
            if known.starts_with(&**wanted) {
                return Ok(true.into());
            }
            if wanted.starts_with(&**known) { open } else { Ok(false.into()) }
        });
        self
    }
}

/// The lower case of one character. Mappings to several characters are not applied, except that a capital I
/// with a dot becomes a plain i.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The upper case of one character; letters whose upper case is several letters, such as ß, stay.
fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => greek_with_iota(c),
    }
}

/// Greek letters with a subscript iota have a single capital besides the mapping to two letters.
fn greek_with_iota(c: char) -> char {
    let by = match c as u32 {
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => 8,
        0x1fb3 | 0x1fc3 | 0x1ff3 => 9,
        _ => 0,
    };
    char::from_u32(c as u32 + by).unwrap_or(c)
}

/// The form of a letter at the beginning of a word: two Latin letters in one have a form of their own.
fn title_letter(c: char) -> char {
    match c {
        'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
        c => upper(c),
    }
}

fn title(text: &str) -> String {
    let mut before = ' ';
    let letter = |c: char| {
        let starts = !(before.is_alphanumeric() || before == '_') && (before.is_ascii() || before.is_whitespace());
        before = c;
        if starts { title_letter(c) } else { c }
    };
    text.chars().map(letter).collect()
}

fn indent(call: &Call<'_>) -> Answer {
    let spaces = usize::try_from(call.int(0)?);
    let spaces = spaces.ok().filter(|n| *n <= 10_000).ok_or_else(|| CallError::at(0, "from 0 to 10000 spaces"))?;
    let text = call.str(1)?;
    let lines = text.bytes().filter(|b| *b == b'\n').count();
    fits(1, text.len() as u64 + lines as u64 * spaces as u64)?;
    Ok(text.replace('\n', &format!("\n{}", " ".repeat(spaces))).into())
}

fn join(call: &Call<'_>) -> Answer {
    if call.args.len() < 2 {
        return Err(CallError::new("at least one list is required"));
    }
    let mut parts: Vec<&str> = Vec::new();
    for i in 1..call.args.len() {
        for (at, item) in call.items(i)?.iter().enumerate() {
            parts.push(item.as_str().ok_or_else(|| CallError::at(i, format!("element {at} is null")))?);
        }
    }
    let separator = call.str(0)?;
    fits(1, (parts.len() as u64).saturating_mul(separator.len() as u64))?;
    Ok(parts.join(separator).into())
}

fn split(call: &Call<'_>) -> Answer {
    let (separator, text) = (call.str(0)?, call.str(1)?);
    fits(text.matches(&**separator).count() as u64, 0)?;
    let parts: Vec<Value> = match separator.is_empty() {
        true => text.chars().map(|c| c.to_string().into()).collect(),
        false => text.split(&**separator).map(Value::from).collect(),
    };
    Ok(Value::list(Type::String, parts))
}

fn substr(call: &Call<'_>) -> Answer {
    let characters: Vec<&str> = call.str(0)?.graphemes(true).collect();
    let (offset, length) = (call.int(1)?, call.int(2)?);
    let count = i64::try_from(characters.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { count.saturating_add(offset).max(0) } else { offset.min(count) };
    // A length of 0 behind a negative offset takes the rest, as it always has.
    let end = if length < 0 || length == 0 && offset < 0 { count } else { start.saturating_add(length).min(count) };
    let place = |n: i64| usize::try_from(n).unwrap_or(0);
    Ok(characters.get(place(start)..place(end)).unwrap_or(&[]).concat().into())
}
