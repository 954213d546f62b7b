//! Many sealed texts of one owner, such as the documents of a state: the key of those that are written is wrapped once,
//! and each key of those that are read is unwrapped once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::envelope::{self, EnvelopeError};
use super::{Bound, DataKey, Encryption, Method, Sealer};
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
    /// By their wrapped form.
    known: HashMap<Vec<u8>, Arc<Sealer>>,
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
        let (wrapped, sealer) = match &keys.own {
            Some(own) => own.clone(),
            None => {
                let data_key = DataKey::random();
                let wrapped = key.wrap(&data_key, &self.context);
                let wrapped = wrapped.map_err(|error| envelope::unavailable(key.name(), &error))?;
                let sealer = Arc::new(Sealer::new(&data_key, self.context.clone()));
                keys.known.insert(wrapped.clone(), sealer.clone());
                keys.own.insert((wrapped, sealer)).clone()
            }
        };
        drop(keys);
        Ok(envelope::written(&wrapped, &sealer.seal(Bound::new(kind), text)))
    }

    /// A text in clear.
    pub fn open(&self, kind: &str, text: Vec<u8>) -> Result<Vec<u8>, EnvelopeError> {
        let Some((wrapped, sealed)) = envelope::parts(&text)? else {
            return if self.encryption.reads_plain() { Ok(text) } else { Err(EnvelopeError::Plain) };
        };
        let mut keys = self.keys();
        let sealer = match keys.known.get(wrapped) {
            Some(sealer) => sealer.clone(),
            None => {
                let data_key = envelope::unwrapped(&self.encryption, wrapped, &self.context)?;
                let sealer = Arc::new(Sealer::new(&data_key, self.context.clone()));
                keys.known.insert(wrapped.to_vec(), sealer.clone());
                sealer
            }
        };
        drop(keys);
        sealer.open(Bound::new(kind), sealed).map_err(|_| EnvelopeError::Changed)
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
    }
}
