//! Generations within the state's document, for stores that have no other: as many as are small enough.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Documents, Fetched, Name, Version, When, document};
use crate::state::StateError;

/// What a document says of earlier generations: what would be documents of their own elsewhere, by name and in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried(BTreeMap<String, String>);

impl Carried {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much it takes in the document, in bytes.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, text)| name.len() + text.len() + 6).sum()
    }
}

/// The same as documents, in memory.
pub struct Inside {
    place: String,
    key: String,
    carried: Mutex<Carried>,
}

impl Inside {
    pub fn new(outer: &dyn Documents, carried: Carried) -> Inside {
        Inside { place: outer.place().to_string(), key: outer.key().to_string(), carried: Mutex::new(carried) }
    }

    /// What the document carries as it lies in its store.
    pub async fn read(outer: &dyn Documents) -> Result<Inside, StateError> {
        let damaged = |detail| StateError::DamagedDocument { place: outer.place().to_string(), detail };
        let carried = match outer.get(Name::State).await? {
            Some(fetched) => document::decode(&fetched.body).map_err(damaged)?.ours.carried,
            None => Carried::default(),
        };
        Ok(Inside::new(outer, carried))
    }

    pub fn size(&self) -> usize {
        self.with(|carried| carried.size())
    }

    pub fn into_carried(self) -> Carried {
        self.carried.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Carried) -> T) -> T {
        act(&mut self.carried.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// What a document is called here; nothing for those that do not belong to the history.
fn called(name: Name) -> Option<String> {
    match name {
        Name::History => Some("list".to_string()),
        Name::Generation(serial) => Some(serial.to_string()),
        Name::State | Name::Lock | Name::Segment(_) => None,
    }
}

#[async_trait]
impl Documents for Inside {
    fn place(&self) -> &str {
        &self.place
    }

    fn key(&self) -> &str {
        &self.key
    }

    async fn get(&self, name: Name) -> Result<Option<Fetched>, StateError> {
        let Some(text) = called(name).and_then(|name| self.with(|carried| carried.0.get(&name).cloned())) else {
            return Ok(None);
        };
        let wrong = |_| StateError::DamagedDocument {
            place: self.place.clone(),
            detail: "one of the generations that it carries cannot be read".to_string(),
        };
        let body = Bytes::from(STANDARD.decode(text).map_err(wrong)?);
        Ok(Some(Fetched { body, version: Version::default(), sealing_is_due: false }))
    }

    async fn put(&self, name: Name, body: Bytes, when: &When) -> Result<Option<Version>, StateError> {
        let Some(name) = called(name) else { return Ok(None) };
        self.with(|carried| match *when == When::Absent && carried.0.contains_key(&name) {
            true => Ok(None),
            false => {
                carried.0.insert(name, STANDARD.encode(body));
                Ok(Some(Version::default()))
            }
        })
    }

    async fn delete(&self, name: Name) -> Result<(), StateError> {
        if let Some(name) = called(name) {
            self.with(|carried| carried.0.remove(&name));
        }
        Ok(())
    }

    async fn segments(&self) -> Result<Option<Vec<u64>>, StateError> {
        Ok(None)
    }
}
