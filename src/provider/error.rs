//! What an API answered when it did not do what it was asked to.

use std::fmt;
use std::time::Duration;

use crate::model::{Path, Veil};

/// An error of a provider, with all that support would ask for: operation, code, message and request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    pub kind: ErrorKind,
    /// `ec2:CreateVpc`; empty where no call was made.
    pub operation: String,
    /// The API's own code, such as `VpcLimitExceeded`.
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The attribute that is at fault, where that is known.
    pub path: Option<Path>,
    /// What to do next.
    pub help: Option<String>,
    /// An earlier attempt of the same call may have taken effect, whatever the last one ended with.
    pub left_open: bool,
}

/// What an error means for the caller. Decides about retries and about the exit summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// An object of this name or number exists already.
    AlreadyExists,
    /// Something refers to the object or it is not in a state to do that now; later may help.
    Conflict,
    /// Too many calls; the same call can succeed after a pause.
    Throttled {
        retry_after: Option<Duration>,
    },
    /// Wrong or missing credentials, or no permission.
    Denied,
    /// The request itself is wrong; the same call will never succeed.
    Invalid,
    /// A quota is used up.
    Quota,
    /// The service failed, or the answer made no sense; the same call can succeed later.
    Service,
    /// No answer: connection refused or broken, name not found, time-out of one call.
    Network,
    /// The wait for a state ended before the state came.
    Timeout,
    /// The user asked to stop.
    Cancelled,
    Other,
}

impl ErrorKind {
    /// Whether an attempt that ended so may have taken effect all the same.
    fn leaves_open(self) -> bool {
        match self {
            ErrorKind::Service | ErrorKind::Network | ErrorKind::Timeout | ErrorKind::Cancelled | ErrorKind::Other => {
                true
            }
            ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::Conflict
            | ErrorKind::Throttled { .. }
            | ErrorKind::Denied
            | ErrorKind::Invalid
            | ErrorKind::Quota => false,
        }
    }
}

impl ProviderError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        ProviderError {
            kind,
            operation: String::new(),
            code: String::new(),
            message: message.into(),
            request_id: None,
            status: None,
            path: None,
            help: None,
            left_open: false,
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = operation.into();
        self
    }

    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    pub fn path(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The error of a call of which an earlier attempt may have taken effect.
    pub fn left_open(mut self, is_open: bool) -> Self {
        self.left_open |= is_open;
        self
    }

    /// Whether the call may have taken effect although it ended so.
    pub fn leaves_open(&self) -> bool {
        self.left_open || self.kind.leaves_open()
    }

    /// The same without what must not be shown: providers repeat what they were given.
    pub fn veiled(self, veil: &Veil) -> Self {
        ProviderError { message: veil.text(&self.message), help: self.help.map(|help| veil.text(&help)), ..self }
    }

    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// Whether the same call, made again after a pause, can succeed.
    pub fn can_retry(&self) -> bool {
        matches!(self.kind, ErrorKind::Throttled { .. } | ErrorKind::Service | ErrorKind::Network)
    }
}

/// `VpcLimitExceeded: ec2:CreateVpc: The maximum number of VPCs has been reached (request 7f3c…)`
impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.code.is_empty() {
            write!(f, "{}: ", self.code)?;
        }
        if !self.operation.is_empty() {
            write!(f, "{}: ", self.operation)?;
        }
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ProviderError {}
