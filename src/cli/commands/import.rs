//! `terrane import`: takes an object that exists into the state.

use std::path::PathBuf;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use super::apply;
use super::planning::{self, Parallelism};
use crate::model::{Address, Diagnostic};
use crate::ops::Access;
use crate::plan::{Options, PlanMode};

/// Takes an object that exists into the state, under the address of a resource block.
///
/// Example: terrane import aws_vpc.main vpc-0123abcd
#[derive(Debug, clap::Args)]
pub struct Import {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub parallelism: Parallelism,

    /// The address of the instance, such as aws_subnet.public["a"].
    #[arg(value_name = "ADDRESS")]
    pub address: String,

    /// What the provider calls the object; the type's documentation says which of its names that is.
    #[arg(value_name = "ID")]
    pub id: String,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Import {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let place = enter(call.chdir.as_deref(), self.folder.as_deref())?;
        let settings = self.common.settings(call.environment, &place)?;
        let address = Address::parse(&self.address).map_err(|e| {
            Diagnostic::error(e.to_string()).help("write it like aws_vpc.main or aws_subnet.public[\"a\"]")
        })?;
        let options = Options {
            mode: PlanMode::RefreshOnly,
            imports: vec![(address, self.id.as_str().into())],
            ..Options::default()
        };
        let (mut session, planned, _) =
            planning::make(settings, Access::Write("import"), &options, self.parallelism, call.terminal)?;
        call.terminal.diagnostics(&planned.plan.diagnostics, &session.sources);
        if planned.plan.errored() {
            return Ok(1);
        }
        let outcome = apply::execute(&mut session, planned, self.parallelism, call.terminal)?;
        if !outcome.succeeded() {
            return Ok(1);
        }
        call.terminal.say(
            "\nImport successful!\n\nWhat was imported is shown above. It is in the state now, and managed from here on.\n",
        );
        Ok(0)
    }
}
