//! The lock document: what Terraform writes into it, and beside it what makes it a lease.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::state::snapshot::TERRAFORM_VERSION;
use crate::state::{Holder, Lease, LeaseRequest, Scope};

/// How long a lock holds that never ends by itself, as Terraform's.
pub const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Terraform's lock info, with its names.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    #[serde(rename = "ID")]
    id: String,
    operation: String,
    info: String,
    who: String,
    version: String,
    created: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    terrane: Option<Ours>,
}

impl Default for Info {
    fn default() -> Self {
        let empty = String::new;
        Info {
            id: empty(),
            operation: empty(),
            info: empty(),
            who: empty(),
            version: TERRAFORM_VERSION.to_string(),
            created: empty(),
            path: empty(),
            terrane: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Ours {
    token: u64,
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    pid: u32,
    expires: String,
    /// Empty for the whole state.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    scope: String,
}

/// A new lease, with a token above that of the lease before it.
pub fn lease(request: LeaseRequest, now: OffsetDateTime, before: u64) -> Lease {
    let millis = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Lease {
        id: uuid::Uuid::new_v4().to_string().into(),
        token: millis.max(before.saturating_add(1)),
        holder: request.holder,
        operation: request.operation,
        scope: request.scope,
        since: now,
        expires: now + request.term,
    }
}

pub fn encode(lease: &Lease, place: &str) -> Vec<u8> {
    let info = Info {
        id: lease.id.to_string(),
        operation: lease.operation.to_string(),
        who: lease.holder.who.to_string(),
        created: lease.since.format(&Rfc3339).unwrap_or_default(),
        path: place.to_string(),
        terrane: Some(Ours {
            token: lease.token,
            host: lease.holder.host.to_string(),
            machine: lease.holder.machine.as_deref().map(String::from),
            pid: lease.holder.pid,
            expires: lease.expires.format(&Rfc3339).unwrap_or_default(),
            scope: lease.scope.to_text(),
        }),
        ..Info::default()
    };
    serde_json::to_vec(&info).unwrap_or_default()
}

/// Reads a lock, of ours or of Terraform's. What is neither is a lock of somebody unknown, that never ends.
pub fn decode(bytes: &[u8]) -> Lease {
    let info: Info = serde_json::from_slice(bytes).unwrap_or_default();
    let moment = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let since = moment(&info.created).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ours = info.terrane.unwrap_or_else(|| Ours {
        token: 0,
        host: info.who.rsplit('@').next().unwrap_or_default().to_string(),
        machine: None,
        pid: 0,
        expires: String::new(),
        scope: String::new(),
    });
    Lease {
        id: info.id.into(),
        token: ours.token,
        holder: Holder {
            who: info.who.into(),
            host: ours.host.into(),
            machine: ours.machine.map(Into::into),
            pid: ours.pid,
        },
        operation: info.operation.into(),
        scope: Scope::from_text(&ours.scope),
        since,
        expires: moment(&ours.expires).unwrap_or(since + FOREVER),
    }
}
