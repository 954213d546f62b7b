//! `terrane version`.

use super::super::error::Failure;
use super::Call;

/// Prints the version.
///
/// Example: terrane version -json
#[derive(Debug, clap::Args)]
pub struct Version {
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

impl Version {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        let version = env!("CARGO_PKG_VERSION");
        let platform = format!("{}_{}", std::env::consts::OS, std::env::consts::ARCH);
        match self.json {
            true => call.terminal.line(&format!(
                "{{\"terrane_version\":\"{version}\",\"platform\":\"{platform}\",\"terraform_version\":\"1.11.4\"}}"
            )),
            false => call.terminal.line(&format!("Terrane v{version}\non {platform}")),
        }
        Ok(0)
    }
}
