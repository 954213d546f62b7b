//! What a row says of its object, as one run of bytes: how it is sealed, and how it is kept in the history.

use std::borrow::Cow;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// The columns of a row that may hold secrets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RowBody<'a> {
    pub remote_id: Option<Cow<'a, str>>,
    pub sensitive: Cow<'a, str>,
    pub private: Option<Cow<'a, str>>,
    pub attributes: Cow<'a, str>,
}

impl RowBody<'_> {
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.attributes.len() + self.sensitive.len() + 64);
        let fields =
            [self.remote_id.as_deref(), Some(&*self.sensitive), self.private.as_deref(), Some(&*self.attributes)];
        for field in fields {
            // No field is as long as that: SQLite's own bound is 1 GB.
            let length = field.map_or(u32::MAX, |f| f.len() as u32);
            out.extend(length.to_le_bytes());
            out.extend(field.unwrap_or_default().as_bytes());
        }
        out
    }

    pub fn into_owned(self) -> RowBody<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        RowBody {
            remote_id: self.remote_id.map(own),
            sensitive: own(self.sensitive),
            private: self.private.map(own),
            attributes: own(self.attributes),
        }
    }

    /// Reads what [`RowBody::pack`] writes; nothing where it is something else.
    pub fn unpack(bytes: &[u8]) -> Option<RowBody<'static>> {
        let (remote_id, rest) = field(bytes)?;
        let (sensitive, rest) = field(rest)?;
        let (private, rest) = field(rest)?;
        let (attributes, rest) = field(rest)?;
        let own = |f: Option<&str>| f.map(|text| Cow::Owned(text.to_string()));
        rest.is_empty().then_some(())?;
        Some(RowBody {
            remote_id: own(remote_id),
            sensitive: own(sensitive)?,
            private: own(private),
            attributes: own(attributes)?,
        })
    }
}

fn field(bytes: &[u8]) -> Option<(Option<&str>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    match u32::from_le_bytes(*length) {
        u32::MAX => Some((None, rest)),
        length => {
            let (field, rest) = rest.split_at_checked(length as usize)?;
            Some((Some(std::str::from_utf8(field).ok()?), rest))
        }
    }
}

/// Compresses; what is short stays as it is, behind a byte that says so.
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() > 100 {
        let mut encoder = DeflateEncoder::new(vec![1], Compression::fast());
        if encoder.write_all(bytes).is_ok()
            && let Ok(packed) = encoder.finish()
            && packed.len() <= bytes.len()
        {
            return packed;
        }
    }
    [&[0], bytes].concat()
}

/// The bytes that [`deflate`] was given; nothing where it is something else.
pub fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    /// More than any source or row can have.
    const MAX: u64 = 1 << 30;
    match bytes.split_first()? {
        (0, rest) => Some(rest.to_vec()),
        (1, rest) => {
            let mut out = Vec::new();
            DeflateDecoder::new(rest).take(MAX).read_to_end(&mut out).ok()?;
            Some(out)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_the_same() {
        for private in [None, Some(""), Some("{\"a\":1}")] {
            let long = "x".repeat(1000);
            let body = RowBody {
                remote_id: Some("id".into()),
                sensitive: "[]".into(),
                private: private.map(Into::into),
                attributes: long.as_str().into(),
            };
            let packed = body.pack();
            assert_eq!(RowBody::unpack(&packed), Some(body));
            assert!(deflate(&packed).len() < 100);
            assert_eq!(inflate(&deflate(&packed)), Some(packed.clone()));
            assert!((0..packed.len()).all(|end| RowBody::unpack(&packed[..end]).is_none()));
        }
        assert_eq!(inflate(&deflate(b"short")), Some(b"short".to_vec()));
        assert_eq!((inflate(b""), inflate(b"\x02x")), (None, None));
    }
}
