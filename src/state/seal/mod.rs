//! Encryption of what a state holds, with AES-256-GCM.
//!
//! Each state has a random data key; a [`KeyWrap`] (a passphrase, a key file, a key service) encrypts that key, and
//! only its wrapped form is stored. Every value is sealed on its own, bound to the state's lineage, to its kind and to
//! the row that it belongs to, so that no value can stand in for another. Addresses and dependencies stay in clear:
//! rows must be found without the key.
//!
//! A store of rows seals each with [`Sealer::seal`] and a [`Bound`] that names the row; a store that keeps the state
//! as one object seals that with [`envelope::seal`].

pub mod envelope;
pub mod envelopes;
mod keyring;
mod local_keys;

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;

use crate::model::Str;

pub(super) use keyring::{Keyring, Purpose};
pub use local_keys::{KeyBytesError, PassphraseCost, PassphraseKey, RawKey};

/// What encrypts data keys.
pub trait KeyWrap: Send + Sync {
    /// Names the key for people, such as `passphrase "main"`; never holds the key.
    fn name(&self) -> &str;

    /// Encrypts a data key. `context` must be given again to decrypt it.
    fn wrap(&self, key: &DataKey, context: &str) -> Result<Vec<u8>, KeyError>;

    /// Decrypts a data key; [`KeyError::Wrong`] where another key has wrapped it.
    fn unwrap(&self, wrapped: &[u8], context: &str) -> Result<DataKey, KeyError>;
}

/// Why a data key could not be wrapped or unwrapped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyError {
    #[error("another key encrypted it")]
    Wrong,
    #[error("{0}")]
    Unavailable(String),
}

/// A key that values are encrypted with.
#[derive(Clone)]
pub struct DataKey(pub [u8; 32]);

impl DataKey {
    pub fn random() -> DataKey {
        let mut bytes = [0; 32];
        rand::rng().fill(&mut bytes);
        DataKey(bytes)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// How values are written.
#[derive(Clone, Default)]
pub enum Method {
    #[default]
    Plain,
    Sealed(Arc<dyn KeyWrap>),
}

/// How a state or a plan is to be encrypted, and what else it may be encrypted with so far.
#[derive(Clone, Default)]
pub struct Encryption {
    pub method: Method,
    /// What may still be read: everything is written anew with `method` when the state is next locked for writing.
    pub fallback: Vec<Method>,
    /// Whether plain values are an error: `enforced`.
    pub enforced: bool,
}

impl Encryption {
    pub fn sealed(key: Arc<dyn KeyWrap>) -> Encryption {
        Encryption { method: Method::Sealed(key), fallback: vec![], enforced: false }
    }

    pub fn with_fallback(mut self, method: Method) -> Encryption {
        self.fallback.push(method);
        self
    }

    pub fn is_on(&self) -> bool {
        matches!(self.method, Method::Sealed(_))
    }

    /// Whether values in clear may be read.
    pub fn reads_plain(&self) -> bool {
        let plain = |m: &Method| matches!(m, Method::Plain);
        !self.enforced && (plain(&self.method) || self.fallback.iter().any(plain))
    }

    /// The keys to try, the one for writing first.
    fn keys(&self) -> impl Iterator<Item = &Arc<dyn KeyWrap>> {
        std::iter::once(&self.method).chain(&self.fallback).filter_map(|m| match m {
            Method::Plain => None,
            Method::Sealed(key) => Some(key),
        })
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.keys().map(|k| k.name()).collect();
        f.debug_struct("Encryption").field("keys", &names).field("enforced", &self.enforced).finish()
    }
}

/// What a sealed value is bound to: its kind, and what names it. Fields carry their lengths, so that none can lend
/// bytes to its neighbour.
pub struct Bound(Vec<u8>);

impl Bound {
    pub fn new(kind: &str) -> Bound {
        Bound(Vec::new()).and(kind.as_bytes())
    }

    #[must_use]
    pub fn and(mut self, field: &[u8]) -> Bound {
        self.0.extend((field.len() as u64).to_le_bytes());
        self.0.extend(field);
        self
    }
}

/// A sealed value that cannot be opened: it was changed, it stands in another's place, or the key is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be decrypted: it was changed, or it belongs elsewhere")]
pub struct Unsealable;

/// Seals and opens values with one data key of one lineage.
pub struct Sealer {
    cipher: Aes256Gcm,
    /// The key of names: one key serves one purpose.
    naming: [u8; 32],
    lineage: Str,
}

const NONCE: usize = 12;

impl Sealer {
    pub fn new(key: &DataKey, lineage: impl Into<Str>) -> Sealer {
        let naming = hmac(&key.0, b"names");
        Sealer { cipher: Aes256Gcm::new(&Key::<Aes256Gcm>::from(key.0)), naming, lineage: lineage.into() }
    }

    /// A name for a text that is the same wherever the text is. Only who has the key can tell it of a guess.
    pub fn name(&self, kind: &str, text: &str) -> [u8; 32] {
        hmac(&self.naming, &Bound::new(kind).and(text.as_bytes()).and(self.lineage.as_bytes()).0)
    }

    /// A random nonce, then the encrypted value with its tag.
    pub fn seal(&self, bound: Bound, value: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rand::rng().fill(&mut nonce);
        let aad = bound.and(self.lineage.as_bytes()).0;
        let payload = Payload { msg: value, aad: &aad };
        // proof: AES-GCM fails for values of 64 GiB and more, which no row can hold.
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).expect("values are shorter than 64 GiB");
        [&nonce[..], &sealed].concat()
    }

    pub fn open(&self, bound: Bound, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(Unsealable)?;
        let aad = bound.and(self.lineage.as_bytes()).0;
        self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &aad }).map_err(|_| Unsealable)
    }
}

/// HMAC with SHA-256, of RFC 2104.
fn hmac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    // A key is the same with zeros behind it, up to the size of a block.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte = *key);
    Hmac::<Sha256>::new(&block.into()).chain_update(text).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_need_their_key_and_their_kind() {
        let key = DataKey::random();
        let name = |key: &DataKey, lineage: &str, kind: &str| Sealer::new(key, lineage).name(kind, "text");
        let own = name(&key, "one", "source");
        assert_eq!(own, name(&key, "one", "source"));
        assert_ne!(own, Sealer::new(&key, "one").name("source", "texts"));
        for other in [name(&DataKey::random(), "one", "source"), name(&key, "two", "source"), name(&key, "one", "row")]
        {
            assert_ne!(own, other);
        }
        // "Jefe" and its text are the second case of RFC 4231: a key is the same with zeros behind it.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex::encode(hmac(&key, b"what do ya want for nothing?")), expected);
    }

    #[test]
    fn a_value_opens_only_in_its_own_place() {
        let key = DataKey::random();
        let (sealer, other) = (Sealer::new(&key, "one"), Sealer::new(&key, "two"));
        let bound = || Bound::new("row").and(b"a.b").and(b"#1");
        let sealed = sealer.seal(bound(), b"secret");
        assert_eq!(sealer.open(bound(), &sealed).unwrap(), b"secret");
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_ne!(sealer.seal(bound(), b"secret"), sealed, "nonces differ");
        assert_eq!(sealer.open(Bound::new("row").and(b"a.b#").and(b"1"), &sealed), Err(Unsealable));
        assert_eq!(sealer.open(Bound::new("output").and(b"a.b").and(b"#1"), &sealed), Err(Unsealable));
        assert_eq!(other.open(bound(), &sealed), Err(Unsealable));
        assert_eq!(Sealer::new(&DataKey::random(), "one").open(bound(), &sealed), Err(Unsealable));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(sealer.open(bound(), &changed), Err(Unsealable), "{at}");
            assert_eq!(sealer.open(bound(), &sealed[..at]), Err(Unsealable), "{at}");
        }
    }
}
