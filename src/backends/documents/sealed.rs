//! Documents whose contents are encrypted. The lock stays in clear: it holds no secret, and other tools read it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Documents, Fetched, Name, Version, When};
use crate::state::StateError;
use crate::state::seal::envelope::EnvelopeError;
use crate::state::seal::envelopes::Envelopes;

/// The documents of one state, sealed on their way out and opened on their way in.
pub struct Sealed {
    pub inner: Arc<dyn Documents>,
    pub envelopes: Arc<Envelopes>,
}

/// What a document is called, as messages name it and as it was sealed before it was bound to its state.
fn what(name: Name) -> String {
    match name {
        Name::State => "state".to_string(),
        Name::Lock => "lock".to_string(),
        Name::Segment(number) => format!("segment {number}"),
        Name::History => "history".to_string(),
        Name::Generation(serial) => format!("generation {serial}"),
    }
}

impl Sealed {
    /// What keeps a document from standing in for another, of this state or of any other.
    fn kind(&self, name: Name) -> String {
        format!("{} of {}", what(name), self.inner.key())
    }

    fn told(&self, name: Name, error: &EnvelopeError) -> StateError {
        match (error, name) {
            (EnvelopeError::Changed, Name::State) => self.damaged(error.to_string()),
            (EnvelopeError::Changed, _) => self.damaged(format!("{}: {error}", what(name))),
            _ => StateError::sealed(self.place(), error),
        }
    }

    fn damaged(&self, detail: String) -> StateError {
        StateError::DamagedDocument { place: self.place().to_string(), detail }
    }
}

#[async_trait]
impl Documents for Sealed {
    fn place(&self) -> &str {
        self.inner.place()
    }

    fn key(&self) -> &str {
        self.inner.key()
    }

    async fn get(&self, name: Name) -> Result<Option<Fetched>, StateError> {
        let fetched = self.inner.get(name).await?;
        let (Some(fetched), true) = (&fetched, name != Name::Lock) else { return Ok(fetched) };
        let open = |kind: &str| self.envelopes.open(kind, fetched.body.to_vec());
        let (body, bound) = match open(&self.kind(name)) {
            Err(EnvelopeError::Changed) => (open(&what(name)).map_err(|e| self.told(name, &e))?, false),
            other => (other.map_err(|e| self.told(name, &e))?, true),
        };
        let otherwise = self.envelopes.is_due(&fetched.body).map_err(|e| self.told(name, &e))?;
        let sealing_is_due = otherwise || !bound;
        Ok(Some(Fetched { body: Bytes::from(body), version: fetched.version.clone(), sealing_is_due }))
    }

    async fn put(&self, name: Name, body: Bytes, when: &When) -> Result<Option<Version>, StateError> {
        if name == Name::Lock {
            return self.inner.put(name, body, when).await;
        }
        let sealed = self.envelopes.seal(&self.kind(name), &body).map_err(|e| StateError::sealed(self.place(), &e))?;
        self.inner.put(name, Bytes::from(sealed), when).await
    }

    async fn delete(&self, name: Name) -> Result<(), StateError> {
        self.inner.delete(name).await
    }

    async fn segments(&self) -> Result<Option<Vec<u64>>, StateError> {
        self.inner.segments().await
    }

    fn renews_locks(&self) -> bool {
        self.inner.renews_locks()
    }
}
