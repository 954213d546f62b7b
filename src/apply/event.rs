//! What happens while steps run, for whoever shows it.

use std::time::Duration;

use crate::model::{Address, Str};

#[derive(Clone, Debug)]
pub enum Event {
    Started {
        address: Address,
        deposed: Option<Str>,
        verb: Verb,
        id: Option<Str>,
    },
    /// What the operation waits for.
    Waiting {
        address: Address,
        what: String,
    },
    Provisioning {
        address: Address,
        /// `local-exec`, `remote-exec` or `file`.
        provisioner: Str,
    },
    /// A line that a provisioner printed.
    Provisioned {
        address: Address,
        provisioner: Str,
        line: String,
    },
    Done {
        address: Address,
        deposed: Option<Str>,
        verb: Verb,
        id: Option<Str>,
        elapsed: Duration,
    },
    Failed {
        address: Address,
        verb: Verb,
        elapsed: Duration,
        message: String,
    },
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Create,
    Update,
    Delete,
    Read,
    /// Reading an object that the state has, while a plan is made.
    Refresh,
    Forget,
    Import,
    /// Of an ephemeral resource.
    Open,
    Close,
}

/// Is told what happens. Must not block.
pub trait Observer: Send + Sync {
    fn tell(&self, event: Event);
}

/// Tells nobody.
pub struct Silent;

impl Observer for Silent {
    fn tell(&self, _event: Event) {}
}
