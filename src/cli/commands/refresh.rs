//! `terrane refresh`: writes into the state what became of the objects outside.

use std::path::PathBuf;

use super::super::context::Common;
use super::super::error::Failure;
use super::super::view::View;
use super::Call;
use super::apply::Apply;
use super::planning::{Parallelism, PlanArguments};

/// Reads all objects again and writes what was found into the state.
///
/// Example: terrane refresh
#[derive(Debug, clap::Args)]
pub struct Refresh {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub view: View,

    /// Only this module, resource or instance. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,

    #[command(flatten)]
    pub parallelism: Parallelism,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Refresh {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let mut planning = PlanArguments { refresh_only: true, ..PlanArguments::default() };
        planning.part.target = self.target;
        let apply = Apply {
            common: self.common,
            view: self.view,
            planning,
            auto_approve: true,
            parallelism: self.parallelism,
            subject: self.folder,
        };
        apply.plan_and_carry_out(call)
    }
}
