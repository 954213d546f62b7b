//! Intents: calls that are about to be made, made durable before them, so that a crash leaves a trace.

use std::sync::Arc;

use time::OffsetDateTime;

use super::StoredProvider;
use crate::model::{Address, Str};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntentOperation {
    Create,
    Update,
    Delete,
}

impl IntentOperation {
    /// The word that stands for it where states are kept.
    pub fn word(self) -> &'static str {
        match self {
            IntentOperation::Create => "create",
            IntentOperation::Update => "update",
            IntentOperation::Delete => "delete",
        }
    }

    /// The operation of a word.
    pub fn from_word(word: &str) -> Option<IntentOperation> {
        [IntentOperation::Create, IntentOperation::Update, IntentOperation::Delete]
            .into_iter()
            .find(|o| o.word() == word)
    }
}

/// A call that changes something at the provider. Beginning one with a key that is open already replaces it:
/// the same step of the same plan is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// The idempotency key of the call.
    pub key: Str,
    /// The plan that the step belongs to.
    pub plan: Str,
    pub address: Address,
    pub deposed: Option<Str>,
    pub operation: IntentOperation,
    pub provider: Arc<StoredProvider>,
    /// The object that is updated or deleted. Of a create, one that was there before and looks like what it makes.
    pub remote_id: Option<Str>,
    /// The desired attributes as JSON text, in the encoding of [`super::body`].
    pub desired: Option<Arc<str>>,
    pub began: OffsetDateTime,
}
