//! With which keys a session opens states and plans.

use super::encryption::{self, Encryptions};
use super::{Providers, SessionError, Settings, variables};
use crate::spec::Spec;
use crate::state::seal::Encryption;

/// How states and plans are encrypted, by the configuration and the environment.
pub(super) fn encryptions(
    settings: &Settings,
    spec: &Spec,
    providers: &Providers,
    runtime: &tokio::runtime::Handle,
) -> Result<Encryptions, SessionError> {
    // What is wrong about the variables is told when they are needed for more than this.
    let mut sources = spec.sources.clone();
    let root = spec.root();
    let (inputs, _) = root.map(|root| variables::read(&settings.given, root, &mut sources)).unwrap_or_default();
    let means = encryption::Means {
        runtime,
        environment: &settings.environment,
        lookup: &settings.lookup,
        folder: &settings.folder,
        workspace: settings.workspace.name(),
    };
    encryption::of(spec, &inputs, &means, providers).map_err(|e| SessionError::Encryption(Box::new(e)))
}

/// How plans of the configuration in a folder are encrypted: to open one before its own configuration is known.
pub fn plan_encryption(settings: &Settings) -> Result<Encryption, SessionError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let providers = Providers::new(runtime.handle().clone(), None);
    let loaded = settings.load(&providers);
    Ok(encryptions(settings, &loaded.spec, &providers, runtime.handle())?.plan)
}

/// The same settings with what a configuration says of encryption.
pub fn encrypted(settings: &Settings, spec: &Spec, runtime: &tokio::runtime::Handle) -> Result<Settings, SessionError> {
    let providers = Providers::new(runtime.clone(), None);
    let mut settings = settings.clone();
    settings.around.encryption = encryptions(&settings, spec, &providers, runtime)?.state;
    Ok(settings)
}
