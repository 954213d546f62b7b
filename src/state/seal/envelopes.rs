//! Many sealed texts of one owner, such as the documents of a state: the key of those that are written is wrapped once,
//! and each key of those that are read is unwrapped once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::envelope::{self, EnvelopeError};
use super::{Bound, DataKey, Encryption, KeyWrap, Method, Sealer};
use crate::model::Str;

/// Seals and opens texts. Each says of what kind it is, and can't stand in for one of another kind.
pub struct Envelopes {
    encryption: Encryption,
    context: Str,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    /// What is written with.
    own: Option<(Vec<u8>, Arc<Sealer>)>,
    /// By their wrapped form, and whether the key for writing has wrapped them.
    known: HashMap<Vec<u8>, (Arc<Sealer>, bool)>,
}

impl Envelopes {
    /// `context` must be the same when the texts are opened.
    pub fn new(encryption: Encryption, context: impl Into<Str>) -> Envelopes {
        Envelopes { encryption, context: context.into(), keys: Mutex::default() }
    }

    pub fn is_on(&self) -> bool {
        self.encryption.is_on()
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        // Nothing in between can leave it half done.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals a text where that is asked for.
    pub fn seal(&self, kind: &str, text: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let Method::Sealed(key) = &self.encryption.method else { return Ok(text.to_vec()) };
        let mut keys = self.keys();
        let (wrapped, sealer) = self.own(&mut keys, &**key)?;
        drop(keys);
        Ok(envelope::written(&wrapped, &sealer.seal(Bound::new(kind), text)))
    }

    fn own(&self, keys: &mut Keys, key: &dyn KeyWrap) -> Result<(Vec<u8>, Arc<Sealer>), EnvelopeError> {
        if let Some(own) = &keys.own {
            return Ok(own.clone());
        }
        let data_key = DataKey::random();
        let wrapped = key.wrap(&data_key, &self.context);
        let wrapped = wrapped.map_err(|error| envelope::unavailable(key.name(), &error))?;
        let sealer = Arc::new(Sealer::new(&data_key, self.context.clone()));
        keys.known.insert(wrapped.clone(), (sealer.clone(), true));
        Ok(keys.own.insert((wrapped, sealer)).clone())
    }

    /// The name of a text under the key that texts are sealed with; nothing where they are written in clear.
    pub fn name(&self, kind: &str, text: &str) -> Result<Option<[u8; 32]>, EnvelopeError> {
        let Method::Sealed(key) = &self.encryption.method else { return Ok(None) };
        self.own(&mut self.keys(), &**key).map(|(_, sealer)| Some(sealer.name(kind, text)))
    }

    /// The wrapped form of the key that texts are sealed with; nothing where they are written in clear.
    pub fn wrapped(&self) -> Result<Option<Vec<u8>>, EnvelopeError> {
        let Method::Sealed(key) = &self.encryption.method else { return Ok(None) };
        self.own(&mut self.keys(), &**key).map(|(wrapped, _)| Some(wrapped))
    }

    /// Whether a text (nothing: one in clear) that was sealed with a key of this wrapped form would be sealed otherwise
    /// now.
    pub fn differs(&self, wrapped: Option<&[u8]>) -> Result<bool, EnvelopeError> {
        let Some(wrapped) = wrapped else { return Ok(self.is_on()) };
        if !self.is_on() {
            return Ok(true);
        }
        self.sealer(wrapped).map(|(_, current)| !current)
    }

    /// Whether a text that was opened would be sealed otherwise now.
    pub fn is_due(&self, text: &[u8]) -> Result<bool, EnvelopeError> {
        self.differs(envelope::parts(text)?.map(|(wrapped, _)| wrapped))
    }

    /// A text in clear.
    pub fn open(&self, kind: &str, text: Vec<u8>) -> Result<Vec<u8>, EnvelopeError> {
        let Some((wrapped, sealed)) = envelope::parts(&text)? else {
            return if self.encryption.reads_plain() { Ok(text) } else { Err(EnvelopeError::Plain) };
        };
        let (sealer, _) = self.sealer(wrapped)?;
        sealer.open(Bound::new(kind), sealed).map_err(|_| EnvelopeError::Changed)
    }

    /// The key of a wrapped form. One that the key for writing has wrapped is written with from then on: a key for each
    /// run would have to be unwrapped by all who read.
    fn sealer(&self, wrapped: &[u8]) -> Result<(Arc<Sealer>, bool), EnvelopeError> {
        let mut keys = self.keys();
        if let Some(found) = keys.known.get(wrapped) {
            return Ok(found.clone());
        }
        let (data_key, current) = envelope::unwrapped(&self.encryption, wrapped, &self.context)?;
        let sealer = Arc::new(Sealer::new(&data_key, self.context.clone()));
        keys.known.insert(wrapped.to_vec(), (sealer.clone(), current));
        if current && keys.own.is_none() {
            keys.own = Some((wrapped.to_vec(), sealer.clone()));
        }
        Ok((sealer, current))
    }
}

#[cfg(test)]
mod tests {
    use super::super::RawKey;
    use super::*;

    #[test]
    fn many_texts_share_a_key_and_open_elsewhere() {
        let key = |byte| Encryption::sealed(Arc::new(RawKey::parse("k", &[byte; 32]).unwrap()));
        let here = Envelopes::new(key(1), "x");
        let sealed = [here.seal("state", b"one").unwrap(), here.seal("state", b"two").unwrap()];
        assert!(sealed.iter().all(|s| envelope::is_sealed(s)) && sealed[0] != sealed[1]);
        let there = Envelopes::new(key(2).with_fallback(key(1).method), "x");
        assert_eq!(there.open("state", sealed[1].clone()).unwrap(), b"two");
        assert_eq!(there.open("lock", sealed[1].clone()), Err(EnvelopeError::Changed));
        assert_eq!(there.open("state", b"plain".to_vec()), Err(EnvelopeError::Plain));
        assert_eq!(envelope::open(&key(1), "state", "x", sealed[0].clone()).unwrap(), b"one");
        assert_eq!((there.is_due(&sealed[0]), there.is_due(b"plain")), (Ok(true), Ok(true)));
        let again = Envelopes::new(key(1), "x");
        assert_eq!(again.is_due(&sealed[0]), Ok(false));
        assert_eq!(again.wrapped(), here.wrapped(), "the key that is there is used again");
    }
}
