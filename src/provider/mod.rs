//! The contract between the engine and the providers: what a provider is ([`ProviderDef`]), how one resource
//! type is driven ([`Driver`]), what went wrong ([`ProviderError`]); retry, rate limits and concurrency, once
//! for all of them.
//!
//! A provider's folder builds [`ResourceType`]s with the words of [`schema_words`] and registers them in a
//! slice. The engine sees only [`ProviderDef`] and [`Connection`].

pub mod connection;
pub mod contract;
pub mod ephemeral;
pub mod error;
pub mod function;
pub mod limits;
pub mod provisioner;
pub mod resource;
pub mod retry;
pub mod schema_words;
pub mod states;
pub mod transport;
pub mod waiting;

pub use connection::{Calls, Connected, Connection, ProviderDef, Stoppable};
pub use contract::{
    Config, Create, Delete, Driver, Filter, IdempotencyKey, Listed, Operation, Outcome, PlannedChange, Progress, Read,
    ReadOutcome, RemoteId, Stored, Trace, Update,
};
pub use error::{ErrorKind, ProviderError};
pub use function::{FunctionParam, ProviderFunction};
pub use provisioner::{Job, Output, ProvisionError, Provisioner};
pub use resource::{DataDriver, DataType, ResourceType, data_source, resource};
pub use retry::Repeat;
pub use states::States;
pub use waiting::{Pace, Seen, insist, wait};
