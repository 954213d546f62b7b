//! `terrane state`: looks at the state.

use std::path::PathBuf;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::super::show::state_text;
use super::Call;
use crate::model::{Address, Diagnostic};
use crate::ops::{Access, Session};
use crate::state::tfstate;

/// Looks at the state.
#[derive(Debug, clap::Args)]
pub struct State {
    #[command(subcommand)]
    pub command: StateCommand,
}

#[derive(Debug, clap::Subcommand)]
pub enum StateCommand {
    /// Lists the addresses of all objects, or of those that begin with one.
    ///
    /// Example: terrane state list module.network
    List {
        #[command(flatten)]
        common: Common,
        /// The folder of the root module, or addresses.
        #[arg(value_name = "DIR|ADDRESS")]
        addresses: Vec<String>,
    },
    /// Shows one object.
    ///
    /// Example: terrane state show 'aws_subnet.public["a"]'
    Show {
        #[command(flatten)]
        common: Common,
        #[arg(value_name = "ADDRESS")]
        address: String,
        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Prints the whole state in Terraform's format 4.
    ///
    /// Example: terrane state pull > terraform.tfstate
    Pull {
        #[command(flatten)]
        common: Common,
        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl State {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        match self.command {
            StateCommand::List { common, addresses } => list(&common, addresses, call),
            StateCommand::Show { common, address, folder } => {
                let session = open(&common, folder, call)?;
                let address = Address::parse(&address).map_err(|e| Diagnostic::error(e.to_string()))?;
                call.terminal.print(&state_text(&session, Some(&address))?);
                Ok(0)
            }
            StateCommand::Pull { common, folder } => {
                let session = open(&common, folder, call)?;
                call.terminal.print(&tfstate::export(&session.snapshot));
                Ok(0)
            }
        }
    }
}

fn open(common: &Common, folder: Option<PathBuf>, call: &mut Call) -> Result<Session, Failure> {
    let place = enter(call.chdir.as_deref(), folder.as_deref())?;
    Ok(Session::open(common.settings(call.environment, &place)?, Access::Read)?)
}

fn list(common: &Common, mut addresses: Vec<String>, call: &mut Call) -> Result<u8, Failure> {
    let folder = addresses.first().map(PathBuf::from).filter(|p| p.is_dir());
    if folder.is_some() {
        addresses.remove(0);
    }
    let session = open(common, folder, call)?;
    let wanted = |text: &str| addresses.is_empty() || addresses.iter().any(|a| begins(text, a));
    let mut lines = String::new();
    for row in session.snapshot.rows().iter().filter(|r| r.deposed.is_none()) {
        let text = row.address.to_string();
        if wanted(&text) {
            lines.push_str(&text);
            lines.push('\n');
        }
    }
    call.terminal.print(&lines);
    Ok(0)
}

/// Whether an address is the given one or lies below it.
fn begins(address: &str, prefix: &str) -> bool {
    address.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
