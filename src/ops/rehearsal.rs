//! The simulated cloud in the place of the providers: where it is kept, and what is said of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::providers::Wrap;
use super::{SessionError, Settings};
use crate::model::Diagnostic;
use crate::provider::{ErrorKind, ProviderError};
use crate::providers::sandbox::{self, Cover, Faults, SandboxCloud};
use crate::state::seal::envelope::{self, EnvelopeError};
use crate::state::seal::{Bound, DataKey, Encryption, Sealer};

/// Puts the simulated cloud of the workspace behind every provider.
pub fn wrap(settings: &Settings, faults: Faults) -> Result<(Wrap, Arc<SandboxCloud>), SessionError> {
    let folder = settings.workspace.folder(&settings.data_dir);
    std::fs::create_dir_all(&folder)?;
    let cloud = SandboxCloud::open(&sandbox_path(&folder), faults)?;
    let shared = cloud.clone();
    Ok((Box::new(move |def| sandbox::wrap(def, shared.clone())), cloud))
}

/// What the key of the cloud's file is sealed for.
const KEY: &str = "sandbox key";

/// Seals the cloud's file as the state is sealed. A file that is sealed stays so: ids cannot be had back from their
/// digests.
pub fn seal(cloud: &SandboxCloud, encryption: &Encryption) -> Result<(), SessionError> {
    loop {
        let known = cloud.sealed_key()?;
        if known.is_none() && !encryption.is_on() {
            return Ok(());
        }
        let (key, sealed) = file_key(known.clone(), encryption).map_err(unopened)?;
        let cover = SealedFile(Sealer::new(&DataKey(key), "sandbox"));
        // Another run may have sealed it meanwhile, with a key of its own.
        if cloud.cover(known.as_deref(), &sealed, Arc::new(cover))? {
            return Ok(());
        }
    }
}

/// The key of a file that has this sealed key, or none yet; and the key as it is to be sealed from here on.
fn file_key(known: Option<Vec<u8>>, encryption: &Encryption) -> Result<([u8; 32], Vec<u8>), EnvelopeError> {
    let Some(sealed) = known else {
        let key = DataKey::random().0;
        return Ok((key, envelope::seal(encryption, KEY, KEY, key.to_vec())?));
    };
    let read = |by: &Encryption| {
        let key = envelope::open(by, KEY, KEY, sealed.clone())?;
        <[u8; 32]>::try_from(key).map_err(|_| EnvelopeError::Changed)
    };
    if let Ok(key) = read(&Encryption { fallback: Vec::new(), ..encryption.clone() }) {
        return Ok((key, sealed));
    }
    let key = read(encryption)?;
    match encryption.is_on() {
        true => Ok((key, envelope::seal(encryption, KEY, KEY, key.to_vec())?)),
        false => Ok((key, sealed)),
    }
}

fn unopened(why: EnvelopeError) -> ProviderError {
    ProviderError::new(ErrorKind::Other, format!("the file of the sandbox cannot be opened: {why}"))
        .help("delete the file when nobody needs it: the sandbox starts empty")
}

struct SealedFile(Sealer);

impl Cover for SealedFile {
    fn seal(&self, text: &str) -> Vec<u8> {
        self.0.seal(Bound::new("object"), text.as_bytes())
    }

    fn open(&self, sealed: &[u8]) -> Option<String> {
        String::from_utf8(self.0.open(Bound::new("object"), sealed).ok()?).ok()
    }

    fn digest(&self, name: &str) -> String {
        hex::encode(&self.0.name("name", name)[..16])
    }
}

/// Where the simulated cloud of a workspace is kept.
pub fn sandbox_path(folder: &Path) -> PathBuf {
    folder.join("sandbox.db")
}

/// Faults that were asked for strike the simulated cloud alone.
pub fn unused_faults(settings: &Settings) -> Option<Diagnostic> {
    let asked = settings.environment.get("TERRANE_SANDBOX_FAULTS").is_some_and(|faults| !faults.trim().is_empty());
    (asked && settings.sandbox.is_none()).then(|| {
        Diagnostic::warning("TERRANE_SANDBOX_FAULTS has no effect")
            .detail("only the sandbox has such faults, and this run works on the real providers")
            .help("use -sandbox to rehearse, or unset the variable")
    })
}
