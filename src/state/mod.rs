//! The state: what exists, one row per resource instance in a transactional store.
//!
//! - [`StoredInstance`] is one row, [`Snapshot`] all of them as an immutable view for the planner.
//! - [`Store`] is what a state can do: read a snapshot, commit changes durably, keep intents and the lock.
//!   [`SqliteStore`] is the embedded one: a file, and a thread that owns the connection.
//! - [`lease`] is the lock, [`intent`] the journal of calls that are under way.
//! - [`seal`] encrypts what a state holds; [`history`] keeps its earlier generations.
//! - [`tfstate`] exchanges states with Terraform (format version 4).
//! - [`workspace`] says where the file of a workspace lies.

mod answer;
mod backup;
pub mod body;
pub mod change;
pub mod clock;
mod codec;
mod copies;
pub mod error;
mod file;
pub mod history;
pub mod instance;
pub mod intent;
mod layout;
pub mod lease;
mod lease_table;
mod load;
pub mod private_file;
pub mod provider;
pub mod repair;
mod reseal;
mod row_body;
mod salvage;
pub mod scope;
pub mod seal;
mod sealed_tables;
pub mod sensitive;
pub mod snapshot;
pub mod sqlite;
mod store;
mod tables;
pub mod tfstate;
pub mod workspace;
mod write;

pub use answer::Answer;
pub use change::Change;

pub use clock::{Clock, Processes, Surroundings, SystemClock, SystemProcesses};
pub use copies::copies_in_clear;
pub use error::StateError;
pub use history::{Generation, Past, Run};
pub use instance::{RowKey, Status, StoredInstance};
pub use intent::{Intent, IntentOperation};
pub use lease::{Acquired, Holder, Lease, LeaseRequest};
pub use provider::StoredProvider;
pub use scope::Scope;
pub use snapshot::{Output, Snapshot};
pub use sqlite::{SqliteStore, read_snapshot, read_snapshot_with};
pub use store::Store;
pub use workspace::Workspace;
