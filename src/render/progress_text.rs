//! What is said while something is applied or refreshed: the established words.

use std::time::Duration;

use super::quote::printable;

/// What is being done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Create,
    Update,
    Delete,
    Read,
    Refresh,
    Import,
    Forget,
    Open,
    Close,
}

impl Doing {
    /// As `action` in the line stream.
    pub fn code(self) -> &'static str {
        match self {
            Doing::Create => "create",
            Doing::Update => "update",
            Doing::Delete => "delete",
            Doing::Read | Doing::Refresh => "read",
            Doing::Import => "import",
            Doing::Forget => "forget",
            Doing::Open => "open",
            Doing::Close => "close",
        }
    }

    /// What the line stream calls it: there, reading a data source is refreshing it.
    pub fn in_stream(self) -> Doing {
        if self == Doing::Read { Doing::Refresh } else { self }
    }

    /// `Creating`.
    pub fn present(self) -> &'static str {
        match self {
            Doing::Create => "Creating",
            Doing::Update => "Modifying",
            Doing::Delete => "Destroying",
            Doing::Read => "Reading",
            Doing::Refresh => "Refreshing state",
            Doing::Import => "Importing",
            Doing::Forget => "Removing from state",
            Doing::Open => "Opening",
            Doing::Close => "Closing",
        }
    }

    /// `Creation`, which then is complete or has failed.
    pub fn noun(self) -> &'static str {
        match self {
            Doing::Create => "Creation",
            Doing::Update => "Modifications",
            Doing::Delete => "Destruction",
            Doing::Read => "Read",
            Doing::Refresh => "Refresh",
            Doing::Import => "Import",
            Doing::Forget => "Removal",
            Doing::Open => "Opening",
            Doing::Close => "Closing",
        }
    }
}

/// `Creating...`, with the id where the object is there already.
pub fn started(doing: Doing, id: Option<&str>) -> String {
    format!("{}...{}", doing.present(), id_text(id))
}

/// `Still creating... [10s elapsed] (waiting for "available", now "pending")`.
pub fn still(doing: Doing, elapsed: Duration, waiting: Option<&str>) -> String {
    let waiting = waiting.map(|w| format!(" ({})", printable(w))).unwrap_or_default();
    format!("Still {}... [{} elapsed]{waiting}", doing.present().to_lowercase(), elapsed_text(elapsed))
}

/// `Creation complete after 2s [id=vpc-123]`.
pub fn completed(doing: Doing, elapsed: Duration, id: Option<&str>) -> String {
    format!("{} complete after {}{}", doing.noun(), elapsed_text(elapsed), id_text(id))
}

/// `Provisioning with 'local-exec'...`.
pub fn provisioning(provisioner: &str) -> String {
    format!("Provisioning with '{provisioner}'...")
}

/// `Creation errored after 2s`.
pub fn errored(doing: Doing, elapsed: Duration) -> String {
    format!("{} errored after {}", doing.noun(), elapsed_text(elapsed))
}

/// `10s`, `1m10s`, `1h0m5s`.
pub fn elapsed_text(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

fn id_text(id: Option<&str>) -> String {
    id.map(|id| format!(" [id={}]", printable(id))).unwrap_or_default()
}
