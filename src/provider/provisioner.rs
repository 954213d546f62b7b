//! The contract with provisioners: what runs for an object after it was created, or before it is destroyed.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::model::{Object, Str};

/// One provisioner to run, its configuration known.
pub struct Job {
    /// `local-exec`, `remote-exec` or `file`.
    pub ty: Str,
    pub config: Object,
    /// How to reach the machine; nothing where no `connection` block stands.
    pub connection: Option<Object>,
    /// Something in the configuration is a secret: neither the command nor what it prints may be shown.
    pub secret: bool,
    pub output: Output,
    /// Cancelled when the run is given up.
    pub cancel: CancellationToken,
}

/// Takes what a provisioner prints, line by line.
#[derive(Clone)]
pub struct Output(Arc<dyn Fn(&str) + Send + Sync>);

impl Output {
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Output(Arc::new(tell))
    }

    pub fn tell(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

/// Why a provisioner did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProvisionError {
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl ProvisionError {
    pub fn new(message: impl Into<String>) -> Self {
        ProvisionError { message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Runs provisioners. Contract: returns when the work is done or has failed; honours `cancel`; never panics or
/// prints.
#[async_trait]
pub trait Provisioner: Send + Sync {
    async fn provision(&self, job: Job) -> Result<(), ProvisionError>;
}
