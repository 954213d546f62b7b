//! Keys that need nobody else: from a passphrase, and of 32 bytes that the user keeps.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;

use super::{Bound, DataKey, KeyError, KeyWrap, Sealer};

/// What deriving a key from a passphrase costs whoever guesses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    pub memory_kib: u32,
    pub iterations: u32,
}

impl PassphraseCost {
    /// What OWASP names as the least for Argon2id with one lane.
    pub const LEAST: PassphraseCost = PassphraseCost { memory_kib: 19 * 1024, iterations: 2 };

    /// A bound for what a file may ask of us: 4 GiB and 100 rounds.
    pub const MOST: PassphraseCost = PassphraseCost { memory_kib: 4 << 20, iterations: 100 };
}

impl Default for PassphraseCost {
    fn default() -> Self {
        PassphraseCost::LEAST
    }
}

/// A key that Argon2id derives from a passphrase and a random salt. The salt and the cost stand beside each wrapped
/// key, so that the cost can be raised later.
pub struct PassphraseKey {
    name: String,
    passphrase: String,
    cost: PassphraseCost,
}

const SALT: usize = 16;

impl PassphraseKey {
    /// The name is for messages.
    pub fn new(name: impl Into<String>, passphrase: impl Into<String>, cost: PassphraseCost) -> PassphraseKey {
        PassphraseKey { name: name.into(), passphrase: passphrase.into(), cost }
    }

    fn derive(&self, salt: &[u8], cost: PassphraseCost) -> Result<DataKey, KeyError> {
        let unusable = |error: argon2::Error| KeyError::Unavailable(format!("the passphrase is not usable: {error}"));
        let params = Params::new(cost.memory_kib, cost.iterations, 1, Some(32)).map_err(unusable)?;
        let mut key = DataKey([0; 32]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(self.passphrase.as_bytes(), salt, &mut key.0).map_err(unusable)?;
        Ok(key)
    }
}

impl KeyWrap for PassphraseKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn wrap(&self, key: &DataKey, context: &str) -> Result<Vec<u8>, KeyError> {
        let mut salt = [0; SALT];
        rand::rng().fill(&mut salt);
        let sealed = Sealer::new(&self.derive(&salt, self.cost)?, context).seal(Bound::new("passphrase"), &key.0);
        let (memory, rounds) = (self.cost.memory_kib.to_le_bytes(), self.cost.iterations.to_le_bytes());
        Ok([&memory[..], &rounds, &salt, &sealed].concat())
    }

    fn unwrap(&self, wrapped: &[u8], context: &str) -> Result<DataKey, KeyError> {
        let (memory, rest) = wrapped.split_first_chunk().ok_or(KeyError::Wrong)?;
        let (rounds, rest) = rest.split_first_chunk().ok_or(KeyError::Wrong)?;
        let (salt, sealed) = rest.split_first_chunk::<SALT>().ok_or(KeyError::Wrong)?;
        let cost = PassphraseCost { memory_kib: u32::from_le_bytes(*memory), iterations: u32::from_le_bytes(*rounds) };
        if cost.memory_kib > PassphraseCost::MOST.memory_kib || cost.iterations > PassphraseCost::MOST.iterations {
            return Err(KeyError::Wrong);
        }
        // No cost that this would refuse was ever written.
        let key = self.derive(salt, cost).map_err(|_| KeyError::Wrong)?;
        data_key(Sealer::new(&key, context).open(Bound::new("passphrase"), sealed))
    }
}

/// A key of 32 bytes: from a file or the environment.
pub struct RawKey {
    name: String,
    key: DataKey,
}

/// Bytes that are no key. They are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it holds no key: 32 bytes are needed, as they are, in hexadecimal or in base64; \"openssl rand -base64 32\" makes one"
)]
pub struct KeyBytesError;

impl RawKey {
    /// Reads 32 bytes, 64 hexadecimal digits or base64, with white space around the latter two. The name is for
    /// messages.
    pub fn parse(name: impl Into<String>, bytes: &[u8]) -> Result<RawKey, KeyBytesError> {
        let text = std::str::from_utf8(bytes).map(str::trim).unwrap_or_default();
        let decoded = || hex::decode(text).ok().filter(|b| b.len() == 32).or_else(|| STANDARD.decode(text).ok());
        let exact = <[u8; 32]>::try_from(bytes).ok();
        let key = exact.or_else(|| decoded()?.try_into().ok()).ok_or(KeyBytesError)?;
        Ok(RawKey { name: name.into(), key: DataKey(key) })
    }
}

impl KeyWrap for RawKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn wrap(&self, key: &DataKey, context: &str) -> Result<Vec<u8>, KeyError> {
        Ok(Sealer::new(&self.key, context).seal(Bound::new("key"), &key.0))
    }

    fn unwrap(&self, wrapped: &[u8], context: &str) -> Result<DataKey, KeyError> {
        data_key(Sealer::new(&self.key, context).open(Bound::new("key"), wrapped))
    }
}

fn data_key(opened: Result<Vec<u8>, super::Unsealable>) -> Result<DataKey, KeyError> {
    let bytes = opened.map_err(|_| KeyError::Wrong)?;
    Ok(DataKey(bytes.try_into().map_err(|_| KeyError::Wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, iterations: 1 };

    #[test]
    fn data_keys_come_back_with_the_right_key_alone() {
        let key = DataKey::random();
        let wraps: [Box<dyn KeyWrap>; 2] = [
            Box::new(PassphraseKey::new("p", "correct horse", CHEAP)),
            Box::new(RawKey::parse("k", &[7; 32]).unwrap()),
        ];
        let wrong: [Box<dyn KeyWrap>; 2] = [
            Box::new(PassphraseKey::new("p", "correct house", CHEAP)),
            Box::new(RawKey::parse("k", &[8; 32]).unwrap()),
        ];
        for (right, wrong) in wraps.iter().zip(&wrong) {
            let wrapped = right.wrap(&key, "lineage").unwrap();
            assert_eq!(right.unwrap(&wrapped, "lineage").unwrap().0, key.0);
            for failed in [
                wrong.unwrap(&wrapped, "lineage"),
                right.unwrap(&wrapped, "other"),
                right.unwrap(&wrapped[..20], "lineage"),
                right.unwrap(&[0xff; 100], "lineage"),
            ] {
                assert!(matches!(failed, Err(KeyError::Wrong)), "{failed:?}");
            }
        }
    }

    #[test]
    fn keys_are_read_in_three_spellings() {
        let bytes = [0xa5; 32];
        for text in [bytes.to_vec(), format!("{}\n", hex::encode(bytes)).into(), STANDARD.encode(bytes).into()] {
            assert_eq!(RawKey::parse("k", &text).ok().map(|k| k.key.0), Some(bytes));
        }
        for text in ["", "short", &"a".repeat(63)] {
            assert!(RawKey::parse("k", text.as_bytes()).is_err(), "{text}");
        }
    }
}
