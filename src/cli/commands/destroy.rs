//! `terrane destroy`: destroys everything that the state has.

use std::path::PathBuf;

use super::super::context::Common;
use super::super::error::Failure;
use super::super::view::View;
use super::Call;
use super::apply::Apply;
use super::planning::{Parallelism, PartArguments, PlanArguments};

/// Destroys everything that the state has, after asking.
///
/// Example: terrane destroy -target=aws_db_instance.main
#[derive(Debug, clap::Args)]
pub struct Destroy {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub view: View,

    #[command(flatten)]
    pub part: PartArguments,

    /// Does not ask before it destroys anything.
    #[arg(long, alias = "force")]
    pub auto_approve: bool,

    #[command(flatten)]
    pub parallelism: Parallelism,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl Destroy {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let planning = PlanArguments { destroy: true, part: self.part, ..PlanArguments::default() };
        let apply = Apply {
            common: self.common,
            view: self.view,
            planning,
            auto_approve: self.auto_approve,
            parallelism: self.parallelism,
            subject: self.folder,
        };
        apply.plan_and_carry_out(call)
    }
}
