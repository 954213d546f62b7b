//! `tls_private_key`: a private key that is made once and kept, secret, in the state.

use async_trait::async_trait;

use super::key::Key;
use crate::model::{Object, ObjectBuilder, Path};
use crate::provider::schema_words::{AttributeWord, number, string};
use crate::provider::{
    Create, Delete, Driver, Outcome, ProviderError, Read, ReadOutcome, RemoteId, ResourceType, Stored, Trace, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::local::sha1;
use crate::providers::builtin::state_only::{compute, no_import, read_kept};

pub fn tls_private_key() -> ResourceType<Here> {
    let secret = || -> AttributeWord { string().computed().sensitive() };
    let shown = || string().computed();
    resource("tls_private_key", "A private key in the forms that programs read.")
        .attr("algorithm", string().required().replaces().one_of(&["RSA", "ECDSA", "ED25519"]), "The kind of key.")
        .attr("rsa_bits", number().default(2048).replaces(), "The size of an RSA key in bits.")
        .attr(
            "ecdsa_curve",
            string().default("P224").replaces().one_of(&["P224", "P256", "P384", "P521"]),
            "The curve of an ECDSA key.",
        )
        .attr("private_key_pem", secret(), "The key in PEM.")
        .attr("private_key_pem_pkcs8", secret(), "The key in PKCS #8 PEM.")
        .attr("private_key_openssh", secret(), "The key as OpenSSH reads it; empty for P224, which it does not know.")
        .attr("public_key_pem", shown(), "The public key in PEM.")
        .attr("public_key_openssh", shown(), "The public key as a line of authorized_keys; empty for P224.")
        .attr("public_key_fingerprint_md5", shown(), "MD5 of the public key as OpenSSH shows it; empty for P224.")
        .attr(
            "public_key_fingerprint_sha256",
            shown(),
            "SHA-256 of the public key as OpenSSH shows it; empty for P224.",
        )
        .driver(PrivateKey)
}

struct PrivateKey;

fn create(desired: &Object) -> Result<Stored, ProviderError> {
    let bits = desired.i64("rsa_bits").unwrap_or(2048);
    let bits = usize::try_from(bits).ok().filter(|n| (1024..=16384).contains(n)).ok_or_else(|| {
        let message = format!("rsa_bits is {bits}, it must be at least 1024 and at most 16384");
        ProviderError::invalid(message).path(Path::attr("rsa_bits"))
    })?;
    let algorithm = desired.str("algorithm").unwrap_or_default();
    let key = Key::generate(algorithm, bits, desired.str("ecdsa_curve").unwrap_or("P224"))?;
    let public = key.public()?;
    let id = sha1(&public.der);
    let object = ObjectBuilder::from(desired)
        .set("private_key_pem", key.pem()?)
        .set("private_key_pem_pkcs8", key.pkcs8_pem()?)
        .set("private_key_openssh", key.openssh()?)
        .set("public_key_pem", public.pem)
        .set("public_key_openssh", public.openssh)
        .set("public_key_fingerprint_md5", public.fingerprint_md5)
        .set("public_key_fingerprint_sha256", public.fingerprint_sha256)
        .set("id", id.as_str());
    Ok(Stored::new(id, object.build()))
}

#[async_trait]
impl Driver<Here> for PrivateKey {
    fn trace(&self) -> Trace {
        Trace::Nothing
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        read_kept(reads, |_| no_import("tls_private_key"))
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        compute(move || create(&request.desired)).await.into()
    }

    async fn delete(&self, _: &Here, _: Delete) -> Result<(), ProviderError> {
        Ok(())
    }

    fn import_id(&self, _: &str) -> Result<RemoteId, ProviderError> {
        no_import("tls_private_key")
    }
}
