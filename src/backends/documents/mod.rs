//! States as documents: for stores that keep whole objects, such as S3, Azure Blob Storage and HTTP servers.
//!
//! The document at a state's key is Terraform's format 4, so that Terraform can read it and a state of Terraform's is
//! adopted where it lies. A lock document stands beside it. What a run commits is made durable in a [`journal`] of
//! this machine first, and then as a small [`segment`] beside the document; at the end of the run the segments are
//! folded into it. The cost of a commit follows the rows that it touches, never the size of the state.
//!
//! Each run leaves the state as it was at its end: the [`history`]. Where the document is the only one, it carries what
//! has room [`inside`] of it.
//!
//! Segments are numbered, and each is written only if its number is free. The document says up to which number it
//! holds them. A run that crashed leaves segments behind: whoever opens the state next reads them as part of it.

pub mod backend;
pub mod document;
mod history;
pub mod holding;
mod inside;
pub mod journal;
pub mod leftover;
pub mod lock;
pub mod log;
pub mod objects;
pub mod sealed;
pub mod segment;
mod summed;
pub mod working;
pub mod writer;

use async_trait::async_trait;
use bytes::Bytes;

use crate::state::StateError;

pub use backend::{DocumentBackend, Keys};

/// What is kept for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// The state itself.
    State,
    /// Who holds the lock.
    Lock,
    /// Commits that are not in the state's document yet.
    Segment(u64),
    /// The list of the generations that are kept.
    History,
    /// The state as it was at the end of a generation.
    Generation(u64),
}

/// What tells one content of a document from another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    pub e_tag: Option<String>,
    pub generation: Option<String>,
}

/// When a document may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    Absent,
    Unchanged(Version),
}

/// A document and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub body: Bytes,
    pub version: Version,
    /// Whether it lies there otherwise than it would be sealed now.
    pub sealing_is_due: bool,
}

/// The documents of one state, wherever they lie.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Where the state lies, as messages name it.
    fn place(&self) -> &str;

    /// What the state is called in its store, wherever that is: what is sealed is bound to it.
    fn key(&self) -> &str;

    async fn get(&self, name: Name) -> Result<Option<Fetched>, StateError>;

    /// Writes a document if the condition holds, as one step that nobody can come between. Nothing where it does not.
    async fn put(&self, name: Name, body: Bytes, when: &When) -> Result<Option<Version>, StateError>;

    /// Deletes a document; none is no error.
    async fn delete(&self, name: Name) -> Result<(), StateError>;

    /// The numbers of the segments, in order. Nothing where this store can't keep segments: then the local journal
    /// holds what is not in the document yet.
    async fn segments(&self) -> Result<Option<Vec<u64>>, StateError>;

    /// Whether a lock that is renewed here lasts longer for others, too.
    fn renews_locks(&self) -> bool {
        true
    }
}

/// The innermost reason of an error, on one line.
pub fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let line: String = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}
