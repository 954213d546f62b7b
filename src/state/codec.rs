//! How rows are spelt in the tables: keys, times and checksums.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::Output;
use super::seal::{Bound, Purpose};
use crate::model::{Key, Value};

/// Nothing, `#7` or `=name`.
pub(super) fn key_text(key: Option<&Key>) -> String {
    match key {
        None => String::new(),
        Some(Key::Index(n)) => format!("#{n}"),
        Some(Key::Name(name)) => format!("={name}"),
    }
}

/// Reads what [`key_text`] writes; nothing where it is something else.
pub(super) fn key_from_text(text: &str) -> Option<Option<Key>> {
    match text.split_at_checked(1) {
        None if text.is_empty() => Some(None),
        Some(("#", digits)) => digits.parse().ok().map(|n| Some(Key::Index(n))),
        Some(("=", name)) => Some(Some(Key::Name(name.into()))),
        _ => None,
    }
}

pub(super) fn to_millis(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000_000).clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

pub(super) fn from_millis(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}

pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// CRC-32 over fields, each with its length, so that no field can lend bytes to its neighbour.
pub(super) struct Checksum(flate2::Crc);

impl Checksum {
    pub(super) fn new() -> Checksum {
        Checksum(flate2::Crc::new())
    }

    pub(super) fn bytes(mut self, field: &[u8]) -> Checksum {
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// A field that may be missing, which differs from an empty one.
    pub(super) fn maybe(self, field: Option<&[u8]>) -> Checksum {
        match field {
            Some(field) => self.bytes(b"+").bytes(field),
            None => self.bytes(b"-"),
        }
    }

    pub(super) fn number(self, n: i64) -> Checksum {
        self.bytes(&n.to_le_bytes())
    }

    pub(super) fn sum(self) -> i64 {
        i64::from(self.0.sum())
    }
}

/// The fields of a row in the tables that its checksum covers.
pub(super) struct RowFields<'a> {
    pub resource: &'a str,
    pub key: &'a str,
    pub deposed: &'a str,
    pub provider: &'a str,
    pub dependencies: &'a [u8],
    pub schema_version: i64,
    pub tainted: bool,
    pub create_before_destroy: bool,
    pub remote_id: Option<&'a str>,
    pub sensitive: &'a str,
    pub private: Option<&'a [u8]>,
    pub attributes: &'a [u8],
}

impl RowFields<'_> {
    /// What the sealed body of a row is bound to: its name, and everything about it that stands in clear.
    pub(super) fn bound(&self) -> Bound {
        Purpose::Row
            .bound()
            .and(self.resource.as_bytes())
            .and(self.key.as_bytes())
            .and(self.deposed.as_bytes())
            .and(self.provider.as_bytes())
            .and(self.dependencies)
            .and(&self.schema_version.to_le_bytes())
            .and(&[u8::from(self.tainted), u8::from(self.create_before_destroy)])
    }

    pub(super) fn checksum(&self) -> i64 {
        Checksum::new()
            .bytes(self.resource.as_bytes())
            .bytes(self.key.as_bytes())
            .bytes(self.deposed.as_bytes())
            .bytes(self.provider.as_bytes())
            .bytes(self.dependencies)
            .number(self.schema_version)
            .number(i64::from(self.tainted) | i64::from(self.create_before_destroy) << 1)
            .maybe(self.remote_id.map(str::as_bytes))
            .bytes(self.sensitive.as_bytes())
            .maybe(self.private)
            .bytes(self.attributes)
            .sum()
    }
}

/// The checksum of a row: that of its fields, and its first and last serial.
pub(super) fn with_stamps(sum: i64, created: i64, updated: i64) -> i64 {
    Checksum::new().number(sum).number(created).number(updated).sum()
}

/// How an output's column says that it is sensitive: 1, and 2 where only its declaration makes it so.
pub(super) fn sensitivity(output: &Output) -> u8 {
    match (output.sensitive, output.declared) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    }
}

/// The output that [`sensitivity`] was written of.
pub(super) fn output_with(value: Value, sensitivity: u8) -> Output {
    Output { value, sensitive: sensitivity > 0, declared: sensitivity == 2 }
}

/// What the sealed value of an output is bound to.
pub(super) fn output_bound(name: &str, ty: &str, sensitivity: u8) -> Bound {
    Purpose::Output.bound().and(name.as_bytes()).and(ty.as_bytes()).and(&[sensitivity])
}

pub(super) fn output_checksum(name: &str, ty: &str, sensitivity: u8, value: &[u8]) -> i64 {
    Checksum::new().bytes(name.as_bytes()).bytes(ty.as_bytes()).number(sensitivity.into()).bytes(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_the_same() {
        for key in [None, Some(Key::Index(u64::MAX)), Some(Key::Name("".into())), Some(Key::Name("#1é".into()))] {
            assert_eq!(key_from_text(&key_text(key.as_ref())), Some(key));
        }
        for text in ["#", "#x", "x", "é"] {
            assert_eq!(key_from_text(text), None, "{text}");
        }
    }
}
