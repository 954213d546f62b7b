//! Where states are kept: one file or folder a backend, and the list of them.
//!
//! A [`Backend`] opens the state of a workspace as a [`Store`]. It is made by its [`Registration`] from a
//! [`Configuration`], which holds what the `backend` block, `-backend-config` and the environment say.

pub mod asked;
#[cfg(feature = "aws")]
mod aws_credentials;
pub mod azurerm;
pub mod background;
pub mod configuration;
pub mod documents;
pub mod gcs;
pub mod http;
pub mod local;
pub mod pg;
pub mod s3;
mod tls;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::state::{
    Holder, LeaseRequest, Scope, Snapshot, StateError, Store, Surroundings, SystemProcesses, Workspace,
};

pub use configuration::{Argument, Configuration, Kind};
pub use local::Local;

/// A place where the states of a configuration's workspaces are kept.
///
/// All calls block; none may be made from within an asynchronous runtime.
pub trait Backend: Send + Sync {
    /// Where a workspace's state lies, as messages name it.
    fn place(&self, workspace: &Workspace) -> String;

    /// The file of a workspace's state, where that is a file of this machine.
    fn file(&self, _workspace: &Workspace) -> Option<PathBuf> {
        None
    }

    /// Opens a workspace's state for writing, creating it where there is none.
    fn open(&self, workspace: &Workspace) -> Result<Arc<dyn Store>, StateError>;

    /// Opens a workspace's state for whoever changes nothing.
    fn look(&self, workspace: &Workspace) -> Result<Arc<dyn Store>, StateError> {
        self.open(workspace)
    }

    /// Reads a workspace's state without locking it; nothing where it has none.
    fn read(&self, workspace: &Workspace) -> Result<Option<Snapshot>, StateError>;

    /// All workspaces, sorted; the default one is always there.
    fn workspaces(&self) -> Result<Vec<Workspace>, StateError>;

    /// Adds a workspace without a state.
    fn create(&self, workspace: &Workspace) -> Result<(), StateError>;

    /// Removes a workspace with its state. Whether that state is empty is for the caller to ask.
    fn delete(&self, workspace: &Workspace) -> Result<(), StateError>;
}

/// Told what a store has to say while it works, such as that its server cannot be reached.
pub type Notices = Arc<dyn Fn(&str) + Send + Sync>;

/// What becomes of commits that an earlier run of this folder could not send, when the state was written by somebody
/// else since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unsent {
    /// Nothing is done until somebody decides.
    #[default]
    Refuse,
    /// They are made on the newer state.
    Push,
    /// They are forgotten, whether or not the state was written since.
    Discard,
}

/// What a backend needs of its surroundings.
#[derive(Clone)]
pub struct Context {
    /// Where Terrane keeps its own files.
    pub data_dir: PathBuf,
    /// The variables of the environment, for what the configuration leaves open.
    pub environment: Arc<BTreeMap<String, String>>,
    pub around: Surroundings,
    pub notices: Notices,
    pub unsent: Unsent,
}

impl Context {
    /// The surroundings of this machine, with an empty environment and nobody who listens.
    pub fn of(data_dir: impl Into<PathBuf>) -> Context {
        Context {
            data_dir: data_dir.into(),
            environment: Arc::default(),
            around: Surroundings::default(),
            notices: Arc::new(|_| ()),
            unsent: Unsent::default(),
        }
    }

    /// Lets a store send what an earlier run of this folder could not, under its lock.
    fn send(&self, store: &dyn Store) -> Result<(), StateError> {
        let term = Duration::from_secs(60);
        let request = LeaseRequest { holder: self.holder(), operation: "send".into(), scope: Scope::Whole, term };
        match store.try_acquire(request).wait() {
            // Whoever is at work there is no reason not to look at the state.
            Err(StateError::Locked { lease, .. }) => {
                let who = &lease.holder.who;
                (self.notices)(&format!("Commits that an earlier run could not send wait until {who} is done."));
                return Ok(());
            }
            other => drop(other?),
        }
        store.flush().wait()?;
        store.release().wait()
    }

    fn holder(&self) -> Holder {
        let host = SystemProcesses::host_name();
        let user = ["USER", "LOGNAME"].iter().find_map(|name| self.environment.get(*name));
        Holder {
            who: format!("{}@{host}", user.map_or("unknown", String::as_str)).into(),
            host: host.into(),
            machine: self.around.processes.machine(),
            pid: std::process::id(),
        }
    }
}

/// A kind of backend: its name in `backend "NAME" {}`, its arguments, and how it is made.
pub struct Registration {
    pub name: &'static str,
    pub about: &'static str,
    pub arguments: &'static [Argument],
    pub connect: fn(&Configuration, &Context) -> Result<Arc<dyn Backend>, StateError>,
}

/// All kinds of backends.
pub const REGISTRATIONS: &[Registration] = &[
    azurerm::REGISTRATION,
    gcs::REGISTRATION,
    http::REGISTRATION,
    local::REGISTRATION,
    pg::REGISTRATION,
    s3::REGISTRATION,
];

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static Registration> {
    REGISTRATIONS.iter().find(|r| r.name == name)
}
