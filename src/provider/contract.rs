//! How one resource type is driven: the requests, the outcomes and the [`Driver`] trait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::ProviderError;
use crate::model::{Address, Diagnostic, Object, Path, Str, Value};

/// The provider's name for an object, unique within its type: `vpc-0a1b…`, an ARN, a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemoteId(pub Str);

/// Names one intended creation; the same after a crash. 32 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub Str);

/// What goes with every call: whom it is for, how long it may take, how to stop it and where to tell progress.
#[derive(Clone)]
pub struct Operation {
    pub address: Address,
    /// How long the whole operation may take, waiting included.
    pub timeout: Duration,
    /// Cancelled when calls in flight shall be given up.
    pub cancel: CancellationToken,
    pub progress: Progress,
}

/// Takes short texts of what is waited for: `waiting for "available", now "creating"`.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(&str) + Send + Sync>>);

impl Progress {
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Progress(Some(Arc::new(tell)))
    }

    pub fn tell(&self, what: &str) {
        if let Some(tell) = &self.0 {
            tell(what);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

/// One object to read. `prior` is what the state has, or only an id on import.
#[derive(Clone, Debug)]
pub struct Read {
    pub id: RemoteId,
    pub prior: Option<Object>,
}

/// An object as the provider has it. `private` is the driver's own memory, kept in the state beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub id: RemoteId,
    pub object: Object,
    pub private: Option<serde_json::Value>,
}

impl Stored {
    pub fn new(id: impl Into<Str>, object: Object) -> Self {
        Stored { id: RemoteId(id.into()), object, private: None }
    }
}

#[derive(Clone, Debug)]
pub enum ReadOutcome {
    Found(Stored),
    Gone,
    Failed(ProviderError),
}

/// The configured values: everything is known here. Unset optional attributes are null or, where the schema
/// computes them, absent as null too. Write-only values are present.
pub type Config = Object;

pub struct Create {
    /// What the object shall be: configuration with defaults filled in; computed attributes that the provider
    /// will choose are null.
    pub desired: Config,
    pub key: IdempotencyKey,
    pub op: Operation,
}

pub struct Update {
    pub id: RemoteId,
    pub prior: Object,
    pub desired: Config,
    /// Top-level attributes and blocks whose values differ.
    pub changed: Vec<Str>,
    pub private: Option<serde_json::Value>,
    pub op: Operation,
}

impl Update {
    pub fn has_changed(&self, name: &str) -> bool {
        self.changed.iter().any(|c| &**c == name)
    }
}

pub struct Delete {
    pub id: RemoteId,
    pub prior: Object,
    pub private: Option<serde_json::Value>,
    pub op: Operation,
}

/// How a create or update ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done(Stored),
    /// Something exists or changed, but not all that was asked for. It is stored, and tainted if it was new.
    Partial(Stored, ProviderError),
    /// Nothing exists, nothing changed, as far as the error does not [leave that open](ProviderError::leaves_open).
    Failed(ProviderError),
}

impl From<Result<Stored, ProviderError>> for Outcome {
    fn from(result: Result<Stored, ProviderError>) -> Self {
        match result {
            Ok(stored) => Outcome::Done(stored),
            Err(error) => Outcome::Failed(error),
        }
    }
}

/// What an interrupted create leaves behind, by which the next run finds its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The object carries the key of its creation.
    Key,
    /// The object is what the configuration says. One that was there before looks the same, so it is looked for before
    /// the create as well.
    Likeness,
    /// Nothing: the object exists in the state alone, or making it again takes the place of it.
    Nothing,
}

/// What to list: all objects of the type that this connection sees, or those that match.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Tags or labels that an object must have.
    pub tags: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Listed {
    pub stored: Stored,
    /// What people call it: the `Name` tag, a bucket's name.
    pub display_name: Option<String>,
}

/// A change as the schema alone plans it; a driver may refine it before it is shown.
#[derive(Clone, Debug)]
pub struct PlannedChange {
    /// None on create.
    pub prior: Option<Value>,
    /// As written, nulls where nothing is said.
    pub config: Value,
    /// The planned object: unknown where the provider will choose.
    pub planned: Value,
    /// Paths whose change forces a replacement.
    pub replace: Vec<Path>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Drives one resource type over a connection `C`.
///
/// Contract: `create` and `update` return only when the object is usable, or fail; whatever exists after a failure is
/// returned as [`Outcome::Partial`]. `delete` returns when the object is gone and takes "already gone" as
/// success. Every method that gets an `op` honours `op.timeout` and `op.cancel`; the others only look, and are given up
/// by dropping them. No method panics or prints.
#[async_trait]
pub trait Driver<C: Send + Sync>: Send + Sync {
    /// Says what the schema can't: pure, no calls. Runs after the schema-driven plan.
    fn plan(&self, _change: &mut PlannedChange) {}

    /// Reads many objects in as few calls as the API allows. Answers in the order of the requests.
    async fn read_many(&self, cloud: &C, reads: &[Read]) -> Vec<ReadOutcome>;

    async fn create(&self, cloud: &C, request: Create) -> Outcome;

    /// Is called with changes of attributes that do not replace. The default is for types without any.
    async fn update(&self, _cloud: &C, request: Update) -> Outcome {
        let changed = request.changed.join(", ");
        Outcome::Failed(ProviderError::invalid(format!("{changed} cannot be changed in place")))
    }

    async fn delete(&self, cloud: &C, request: Delete) -> Result<(), ProviderError>;

    /// All objects of the type. The default is for types that the API cannot list.
    async fn list(&self, _cloud: &C, _filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        Ok(Vec::new())
    }

    fn trace(&self) -> Trace {
        Trace::Key
    }

    /// The object that an interrupted create with this key and configuration made, if it did; see [`Trace`].
    /// Sensitive values are absent from the configuration.
    async fn find_by_key(
        &self,
        _cloud: &C,
        _key: &IdempotencyKey,
        _desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        match self.trace() {
            Trace::Nothing => Ok(None),
            Trace::Key | Trace::Likeness => Err(ProviderError::invalid("nobody can ask whether it was made")),
        }
    }

    /// Finishes what an interrupted create with this key and configuration began: `found` is what
    /// [`Driver::find_by_key`] gave. Returns when the object is usable, as `create` does. The default is for types that
    /// are usable as soon as they are there.
    async fn resume(&self, _cloud: &C, found: Stored, _request: Create) -> Outcome {
        Outcome::Done(found)
    }

    /// Turns what a user writes on import into the id to read. The default takes it as it is.
    fn import_id(&self, written: &str) -> Result<RemoteId, ProviderError> {
        Ok(RemoteId(written.into()))
    }
}
