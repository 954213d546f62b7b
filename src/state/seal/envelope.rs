//! Whole texts sealed with a key of their own: plan files, and states that are kept as one object.
//!
//! A sealed text is a line that says what it is, the length of the wrapped key, the wrapped key, and the sealed value.

use super::{Bound, DataKey, Encryption, KeyError, Method, Sealer};

/// What a sealed text begins with.
pub const MAGIC: &[u8] = b"terrane sealed 1\n";

/// Why a text cannot be opened or sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error(
        "it is encrypted, and no key is configured; say which in \"terraform {{ encryption {{ … }} }}\" or TERRANE_ENCRYPTION"
    )]
    NoKey,
    #[error("it is encrypted with another key than {0}, or it is damaged; give the right one, or add it as a fallback")]
    WrongKey(String),
    #[error("the key {name} cannot be used: {detail}")]
    KeyUnavailable { name: String, detail: String },
    #[error("it was changed after it was encrypted, or it belongs elsewhere")]
    Changed,
    #[error(
        "it is not encrypted, and the configuration asks for encryption; allow it with a fallback to the method \"unencrypted\""
    )]
    Plain,
}

/// Whether the text is sealed.
pub fn is_sealed(text: &[u8]) -> bool {
    text.starts_with(MAGIC)
}

/// Seals the text where that is asked for. `kind` and `context` (such as the lineage) must be given again to open it.
pub fn seal(encryption: &Encryption, kind: &str, context: &str, text: Vec<u8>) -> Result<Vec<u8>, EnvelopeError> {
    let Method::Sealed(key) = &encryption.method else { return Ok(text) };
    let data_key = DataKey::random();
    let wrapped = key.wrap(&data_key, context).map_err(|error| unavailable(key.name(), &error))?;
    Ok(written(&wrapped, &Sealer::new(&data_key, context).seal(Bound::new(kind), &text)))
}

/// The text in clear.
pub fn open(encryption: &Encryption, kind: &str, context: &str, text: Vec<u8>) -> Result<Vec<u8>, EnvelopeError> {
    let Some((wrapped, sealed)) = parts(&text)? else {
        return if encryption.reads_plain() { Ok(text) } else { Err(EnvelopeError::Plain) };
    };
    let (data_key, _) = unwrapped(encryption, wrapped, context)?;
    Sealer::new(&data_key, context).open(Bound::new(kind), sealed).map_err(|_| EnvelopeError::Changed)
}

/// A sealed text of its parts.
pub(super) fn written(wrapped: &[u8], sealed: &[u8]) -> Vec<u8> {
    [MAGIC, &(wrapped.len() as u32).to_le_bytes(), wrapped, sealed].concat()
}

/// The wrapped key and the sealed value; nothing where the text is in clear.
pub(super) fn parts(text: &[u8]) -> Result<Option<(&[u8], &[u8])>, EnvelopeError> {
    let Some(rest) = text.strip_prefix(MAGIC) else { return Ok(None) };
    let (length, rest) = rest.split_first_chunk().ok_or(EnvelopeError::Changed)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).map(Some).ok_or(EnvelopeError::Changed)
}

/// The data key, by the first of the keys that opens it, and whether that is the one for writing.
pub(super) fn unwrapped(
    encryption: &Encryption,
    wrapped: &[u8],
    context: &str,
) -> Result<(DataKey, bool), EnvelopeError> {
    let (mut tried, mut problem) = (Vec::new(), None);
    for (i, key) in encryption.keys().enumerate() {
        match key.unwrap(wrapped, context) {
            Ok(data_key) => return Ok((data_key, i == 0 && encryption.is_on())),
            Err(KeyError::Wrong) => tried.push(key.name().to_string()),
            Err(error) => problem = problem.or(Some(unavailable(key.name(), &error))),
        }
    }
    if let Some(problem) = problem {
        return Err(problem);
    }
    Err(if tried.is_empty() { EnvelopeError::NoKey } else { EnvelopeError::WrongKey(tried.join(" and ")) })
}

pub(super) fn unavailable(name: &str, error: &KeyError) -> EnvelopeError {
    EnvelopeError::KeyUnavailable { name: name.to_string(), detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::RawKey;
    use super::*;

    fn key(byte: u8) -> Encryption {
        Encryption::sealed(Arc::new(RawKey::parse(format!("key {byte}"), &[byte; 32]).unwrap()))
    }

    #[test]
    fn texts_open_with_their_key_or_a_fallback() {
        let plain = b"text".to_vec();
        let sealed = seal(&key(1), "plan", "x", plain.clone()).unwrap();
        assert!(is_sealed(&sealed) && !is_sealed(&plain));
        let open = |encryption: &Encryption, text: &[u8]| super::open(encryption, "plan", "x", text.to_vec());
        assert_eq!(open(&key(1), &sealed).as_ref(), Ok(&plain));
        let rotated = key(2).with_fallback(key(1).method);
        assert_eq!(open(&rotated, &sealed).as_ref(), Ok(&plain));
        assert_eq!(open(&key(2), &sealed), Err(EnvelopeError::WrongKey("key 2".into())));
        assert_eq!(open(&Encryption::default(), &sealed), Err(EnvelopeError::NoKey));
        assert_eq!(open(&key(1), &plain), Err(EnvelopeError::Plain));
        assert_eq!(open(&key(1).with_fallback(Method::Plain), &plain).as_ref(), Ok(&plain));
        assert_eq!(super::open(&key(1), "state", "x", sealed.clone()), Err(EnvelopeError::Changed));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(open(&key(1), &changed), Err(EnvelopeError::Changed));
        for end in MAGIC.len()..sealed.len() {
            assert!(open(&key(1), &sealed[..end]).is_err(), "{end}");
        }
    }

    /// A key that nobody can ask at the moment, such as that of a service.
    struct Away;

    impl super::super::KeyWrap for Away {
        fn name(&self) -> &str {
            "away"
        }

        fn wrap(&self, _: &DataKey, _: &str) -> Result<Vec<u8>, KeyError> {
            Err(KeyError::Unavailable("nobody answers".into()))
        }

        fn unwrap(&self, _: &[u8], _: &str) -> Result<DataKey, KeyError> {
            Err(KeyError::Unavailable("nobody answers".into()))
        }
    }

    #[test]
    fn a_key_that_is_away_leaves_the_others_to_be_tried() {
        let sealed = seal(&key(1), "plan", "x", b"text".to_vec()).unwrap();
        let away = || Encryption::sealed(Arc::new(Away));
        let open = |encryption: &Encryption| super::open(encryption, "plan", "x", sealed.clone());
        assert_eq!(open(&away().with_fallback(key(2).method).with_fallback(key(1).method)).unwrap(), b"text");
        let problem = EnvelopeError::KeyUnavailable { name: "away".into(), detail: "nobody answers".into() };
        assert_eq!(open(&away().with_fallback(key(2).method)), Err(problem));
    }
}
