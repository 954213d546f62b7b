//! `terrane state replace-provider`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::super::context::Common;
use super::super::super::error::Failure;
use super::super::Call;
use crate::model::{Diagnostic, Str};
use crate::ops::Access;
use crate::ops::elsewhere::OpenState;
use crate::state::{Change, StoredInstance, StoredProvider};

/// Says of objects of one provider that another one serves them from now on.
///
/// Example: terrane state replace-provider hashicorp/aws example.com/acme/aws
#[derive(Debug, clap::Args)]
pub struct ReplaceProvider {
    #[command(flatten)]
    pub common: Common,

    /// Does not ask.
    #[arg(long)]
    pub auto_approve: bool,

    /// Writes the state as it was into a file, in Terraform's format.
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,

    /// The provider's source, such as hashicorp/aws.
    #[arg(value_name = "FROM")]
    pub from: String,

    #[arg(value_name = "TO")]
    pub to: String,
}

impl ReplaceProvider {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let (from, to) = (source(&self.from)?, source(&self.to)?);
        let session = super::open(&self.common, None, Access::Write("state replace-provider"), call)?;
        let snapshot = &session.snapshot;
        let rows: Vec<_> = snapshot.rows().iter().filter(|r| r.provider.source == from).collect();
        if rows.is_empty() {
            call.terminal.line("No matching resources found.");
            return Ok(0);
        }
        let resources: BTreeMap<_, _> = rows.iter().map(|r| (&r.address.resource, ())).collect();
        let names: String = resources.keys().map(|r| format!("  {r}\n")).collect();
        call.terminal.print(&format!(
            "Terrane will perform the following actions:\n\n  ~ Updating provider:\n    - {from}\n    + {to}\n\n\
             Changing {} resources:\n\n{names}\n",
            resources.len()
        ));
        if !self.auto_approve {
            if !call.terminal.interactive {
                return Err(Diagnostic::error("nobody is there to approve this").help("use -auto-approve").into());
            }
            if !call.terminal.confirm("Do you want to make these changes?") {
                return Err(Diagnostic::error("cancelled, nothing was changed").into());
            }
        }
        super::pull::back_up(&session, snapshot, self.backup.as_deref())?;
        let replaced = |row: &&Arc<StoredInstance>| {
            let provider = StoredProvider { source: to.clone(), ..(*row.provider).clone() };
            Change::Put(Arc::new(StoredInstance { provider: Arc::new(provider), ..(***row).clone() }))
        };
        OpenState::of_session(&session)?.commit(rows.iter().map(replaced).collect())?;
        call.terminal.line(&format!("Successfully replaced provider for {} resources.", resources.len()));
        Ok(0)
    }
}

/// `aws`, `hashicorp/aws` or `host/namespace/aws` in full.
fn source(text: &str) -> Result<Str, Failure> {
    let parts: Vec<&str> = text.split('/').collect();
    let good = |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    let full = match parts.as_slice() {
        [name] => format!("registry.terraform.io/hashicorp/{name}"),
        [namespace, name] => format!("registry.terraform.io/{namespace}/{name}"),
        [_, _, _] => text.to_string(),
        _ => String::new(),
    };
    if full.is_empty() || !parts.iter().all(good) {
        return Err(Diagnostic::error(format!("\"{text}\" is not the source of a provider"))
            .help("write it like hashicorp/aws, or example.com/acme/aws")
            .into());
    }
    Ok(full.into())
}
