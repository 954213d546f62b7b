//! `terrane version`.

use serde_json::json;

use super::super::error::Failure;
use super::super::show::TERRAFORM_VERSION;
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
            // Providers are built in: none is selected, and none can be outdated.
            true => call.terminal.line(&format!(
                "{:#}",
                json!({
                    "terraform_version": TERRAFORM_VERSION, "terrane_version": version, "platform": platform,
                    "provider_selections": {}, "terraform_outdated": false,
                })
            )),
            false => call.terminal.line(&format!("Terrane v{version}\non {platform}")),
        }
        Ok(0)
    }
}
