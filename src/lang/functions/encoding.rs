//! Base 64, gzip, URL escapes and character sets.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;
use flate2::{Compress, CompressError, Compression, Crc, FlushCompress};

use super::{Call, CallError, Function, Kind, Param, param, plain};
use crate::model::Value;

type Answer = Result<Value, CallError>;

/// The standard alphabet with padding; bits behind the last byte do not matter.
pub const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The most bytes that are unpacked: a small string may hold a huge one.
const MAX_UNPACKED: u64 = 256 << 20;

pub static FUNCTIONS: &[Function] = &[
    plain("base64decode", "The text that stands in base 64.", STR, Kind::String, |call| {
        let bytes = decode(call, 0)?;
        text(bytes, "the decoded bytes are no UTF-8 text")
    }),
    plain("base64encode", "The text in base 64.", STR, Kind::String, |call| {
        Ok(BASE64.encode(call.str(0)?.as_bytes()).into())
    }),
    plain("base64gunzip", "The text that was packed with gzip and stands in base 64.", STR, Kind::String, |call| {
        let mut bytes = Vec::new();
        let packed = decode(call, 0)?;
        let mut unpacked = MultiGzDecoder::new(&packed[..]).take(MAX_UNPACKED + 1);
        unpacked.read_to_end(&mut bytes).map_err(|e| CallError::at(0, format!("not packed with gzip: {e}")))?;
        if bytes.len() as u64 > MAX_UNPACKED {
            return Err(CallError::at(0, "more than 256 MiB when unpacked"));
        }
        text(bytes, "the unpacked bytes are no UTF-8 text")
    }),
    plain("base64gzip", "The text packed with gzip, in base 64.", STR, Kind::String, |call| {
        let packed = gzip(call.str(0)?.as_bytes()).map_err(|e| CallError::new(e.to_string()))?;
        Ok(BASE64.encode(packed).into())
    }),
    plain(
        "textdecodebase64",
        "The text that stands in a character set, and that in base 64.",
        &[param("source", Kind::String, "The base 64."), param("encoding", Kind::String, CHARSET)],
        Kind::String,
        textdecode,
    ),
    plain(
        "textencodebase64",
        "The text in a character set, and that in base 64.",
        &[param("string", Kind::String, "The text."), param("encoding", Kind::String, CHARSET)],
        Kind::String,
        textencode,
    ),
    plain("urldecode", "The text with URL escapes replaced.", STR, Kind::String, |call| {
        let spaces = call.str(0)?.replace('+', " ");
        if !well_escaped(&spaces) {
            return Err(CallError::at(0, "a % is not followed by two hexadecimal digits"));
        }
        text(percent_encoding::percent_decode_str(&spaces).collect(), "the decoded bytes are no UTF-8 text")
    }),
    plain("urlencode", "The text as a part of a URL's query.", STR, Kind::String, |call| {
        Ok(url_escape(call.str(0)?).into())
    }),
];

const STR: &[Param] = &[param("str", Kind::String, "The text.")];
const CHARSET: &str = "The IANA name of the character set, such as UTF-16LE or windows-1252.";

fn text(bytes: Vec<u8>, problem: &str) -> Answer {
    Ok(String::from_utf8(bytes).map_err(|_| CallError::at(0, problem))?.into())
}

fn decode(call: &Call<'_>, i: usize) -> Result<Vec<u8>, CallError> {
    let compact: String = call.str(i)?.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    BASE64.decode(compact).map_err(|e| CallError::at(i, format!("this is no base 64: {e}")))
}

/// Gzip with nothing in its header that depends on where and when: the blocks are flushed to a byte boundary and
/// an empty last block follows.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>, CompressError> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    if bytes.is_empty() {
        // An encoder that got nothing flushes nothing.
        out.extend([0, 0, 0, 0xff, 0xff]);
    } else {
        let mut deflate = Compress::new(Compression::default(), false);
        loop {
            let taken = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
            out.reserve(bytes.len() / 2 + 64);
            let room = out.capacity();
            deflate.compress_vec(bytes.get(taken..).unwrap_or(&[]), &mut out, FlushCompress::Sync)?;
            if out.len() < room {
                break;
            }
        }
    }
    out.extend([1, 0, 0, 0xff, 0xff]);
    let mut crc = Crc::new();
    crc.update(bytes);
    out.extend(crc.sum().to_le_bytes());
    out.extend(crc.amount().to_le_bytes());
    Ok(out)
}

fn url_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn well_escaped(text: &str) -> bool {
    let hex = |s: &str| s.get(..2).is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
    text.split('%').skip(1).all(hex)
}

/// A character set. Those that the WHATWG reads as something else stand on their own here.
enum Charset {
    Ascii,
    Latin1,
    Utf16 { big: bool, mark: bool },
    Other(&'static Encoding),
}

fn charset(call: &Call<'_>) -> Result<Charset, CallError> {
    let name = call.str(1)?;
    Ok(match name.to_ascii_lowercase().as_str() {
        "us-ascii" | "ascii" | "iso-ir-6" | "ansi_x3.4-1968" | "iso646-us" | "us" | "csascii" => Charset::Ascii,
        "iso-8859-1" | "iso_8859-1" | "latin1" | "l1" | "ibm819" | "cp819" | "csisolatin1" => Charset::Latin1,
        "utf-16" => Charset::Utf16 { big: true, mark: true },
        "utf-16be" => Charset::Utf16 { big: true, mark: false },
        "utf-16le" => Charset::Utf16 { big: false, mark: false },
        other => {
            let unknown = || CallError::at(1, format!("the character set \"{name}\" is not known"));
            Charset::Other(Encoding::for_label(other.as_bytes()).ok_or_else(unknown)?)
        }
    })
}

fn textencode(call: &Call<'_>) -> Answer {
    let text = call.str(0)?;
    let single = |limit: u32| -> Option<Vec<u8>> {
        text.chars().map(|c| u8::try_from(c as u32).ok().filter(|b| u32::from(*b) < limit)).collect()
    };
    let bytes = match charset(call)? {
        Charset::Ascii => single(0x80),
        Charset::Latin1 => single(0x100),
        Charset::Utf16 { big, mark } => {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            Some(units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect())
        }
        Charset::Other(encoding) => {
            let (bytes, _, lossy) = encoding.encode(text);
            (!lossy).then(|| bytes.into_owned())
        }
    };
    let bytes = bytes.ok_or_else(|| CallError::at(0, "the text has characters that the character set lacks"))?;
    Ok(BASE64.encode(bytes).into())
}

fn textdecode(call: &Call<'_>) -> Answer {
    let bytes = decode(call, 0)?;
    let text = match charset(call)? {
        Charset::Ascii => bytes.is_ascii().then(|| bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Latin1 => Some(bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Utf16 { big, mark } => utf16(&bytes, big, mark),
        Charset::Other(encoding) => {
            encoding.decode_without_bom_handling_and_without_replacement(&bytes).map(|t| t.into_owned())
        }
    };
    let text: String = text.ok_or_else(|| CallError::at(0, "the bytes mean nothing in the character set"))?;
    Ok(text.into())
}

fn utf16(bytes: &[u8], mut big: bool, mark: bool) -> Option<String> {
    let mut bytes = bytes;
    if mark && let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        (big, bytes) = (false, rest);
    } else if mark && let Some(rest) = bytes.strip_prefix(&[0xfe, 0xff]) {
        bytes = rest;
    }
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let unit = |pair: &[u8]| match pair {
        [a, b] if big => u16::from_be_bytes([*a, *b]),
        [a, b] => u16::from_le_bytes([*a, *b]),
        _ => 0xfffd,
    };
    String::from_utf16(&bytes.chunks(2).map(unit).collect::<Vec<u16>>()).ok()
}
