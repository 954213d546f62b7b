//! Private keys: making them, and the text forms that programs read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use sha2::{Digest, Sha256};
use ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair};

use crate::provider::{ErrorKind, ProviderError};

/// A private key of an algorithm that the provider knows.
pub enum Key {
    Rsa(Box<RsaPrivateKey>),
    P224(p224::SecretKey),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// Runs the same expression for a key of any curve.
macro_rules! on_curve {
    ($key:expr, $rsa:pat => $on_rsa:expr, $ed:pat => $on_ed:expr, $ec:pat => $on_ec:expr) => {
        match $key {
            Key::Rsa($rsa) => $on_rsa,
            Key::Ed25519($ed) => $on_ed,
            Key::P224($ec) => $on_ec,
            Key::P256($ec) => $on_ec,
            Key::P384($ec) => $on_ec,
            Key::P521($ec) => $on_ec,
        }
    };
}

/// The public half in the forms that are shown of it. What OpenSSH does not know is empty.
pub struct PublicForms {
    pub pem: String,
    pub openssh: String,
    pub fingerprint_md5: String,
    pub fingerprint_sha256: String,
    pub der: Vec<u8>,
}

impl Key {
    /// Makes a new key. `curve` matters for ECDSA alone, `bits` for RSA alone.
    pub fn generate(algorithm: &str, bits: usize, curve: &str) -> Result<Key, ProviderError> {
        let rng = &mut rsa::rand_core::OsRng;
        Ok(match (algorithm, curve) {
            ("RSA", _) => Key::Rsa(Box::new(RsaPrivateKey::new(rng, bits).map_err(|e| broken("made", &e))?)),
            ("ED25519", _) => Key::Ed25519(ed25519_dalek::SigningKey::generate(rng)),
            ("ECDSA", "P224") => Key::P224(p224::SecretKey::random(rng)),
            ("ECDSA", "P256") => Key::P256(p256::SecretKey::random(rng)),
            ("ECDSA", "P384") => Key::P384(p384::SecretKey::random(rng)),
            ("ECDSA", "P521") => Key::P521(p521::SecretKey::random(rng)),
            ("ECDSA", other) => return Err(ProviderError::invalid(format!("there is no curve \"{other}\""))),
            (other, _) => return Err(ProviderError::invalid(format!("there is no algorithm \"{other}\""))),
        })
    }

    /// Reads a key in any of the PEM forms that [`Key::pem`] and [`Key::pkcs8_pem`] write.
    pub fn parse(pem: &str) -> Result<Key, ProviderError> {
        let pem = pem.trim();
        let key = RsaPrivateKey::from_pkcs1_pem(pem)
            .or_else(|_| RsaPrivateKey::from_pkcs8_pem(pem))
            .map(|k| Key::Rsa(Box::new(k)))
            .ok()
            .or_else(|| ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map(Key::Ed25519).ok())
            .or_else(|| p256::SecretKey::from_sec1_pem(pem).map(Key::P256).ok())
            .or_else(|| p256::SecretKey::from_pkcs8_pem(pem).map(Key::P256).ok())
            .or_else(|| p384::SecretKey::from_sec1_pem(pem).map(Key::P384).ok())
            .or_else(|| p384::SecretKey::from_pkcs8_pem(pem).map(Key::P384).ok())
            .or_else(|| p521::SecretKey::from_sec1_pem(pem).map(Key::P521).ok())
            .or_else(|| p521::SecretKey::from_pkcs8_pem(pem).map(Key::P521).ok())
            .or_else(|| p224::SecretKey::from_sec1_pem(pem).map(Key::P224).ok())
            .or_else(|| p224::SecretKey::from_pkcs8_pem(pem).map(Key::P224).ok());
        key.ok_or_else(|| {
            ProviderError::invalid("the private key is not in a PEM form of an RSA, ECDSA or ED25519 key")
        })
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "RSA",
            Key::Ed25519(_) => "ED25519",
            _ => "ECDSA",
        }
    }

    /// PKCS #1 for RSA, SEC 1 for ECDSA, PKCS #8 for ED25519.
    pub fn pem(&self) -> Result<String, ProviderError> {
        let text = on_curve!(self,
            key => key.to_pkcs1_pem(LineEnding::LF).map_err(|e| broken("encoded", &e))?,
            key => key.to_pkcs8_pem(LineEnding::LF).map_err(|e| broken("encoded", &e))?,
            key => key.to_sec1_pem(LineEnding::LF).map_err(|e| broken("encoded", &e))?);
        Ok(text.to_string())
    }

    pub fn pkcs8_pem(&self) -> Result<String, ProviderError> {
        let text = on_curve!(self,
            key => key.to_pkcs8_pem(LineEnding::LF), key => key.to_pkcs8_pem(LineEnding::LF),
            key => key.to_pkcs8_pem(LineEnding::LF));
        Ok(text.map_err(|e| broken("encoded", &e))?.to_string())
    }

    pub fn pkcs8_der(&self) -> Result<Vec<u8>, ProviderError> {
        let der = on_curve!(self, key => key.to_pkcs8_der(), key => key.to_pkcs8_der(), key => key.to_pkcs8_der());
        Ok(der.map_err(|e| broken("encoded", &e))?.as_bytes().to_vec())
    }

    /// The form that OpenSSH reads; empty for a curve that it does not know.
    pub fn openssh(&self) -> Result<String, ProviderError> {
        let Some(key) = self.ssh()? else { return Ok(String::new()) };
        Ok(key.to_openssh(LineEnding::LF).map_err(|e| broken("encoded", &e))?.to_string())
    }

    pub fn public(&self) -> Result<PublicForms, ProviderError> {
        let der = on_curve!(self,
            key => key.to_public_key().to_public_key_der(), key => key.verifying_key().to_public_key_der(),
            key => key.public_key().to_public_key_der());
        let der = der.map_err(|e| broken("encoded", &e))?;
        let pem = on_curve!(self,
            key => key.to_public_key().to_public_key_pem(LineEnding::LF),
            key => key.verifying_key().to_public_key_pem(LineEnding::LF),
            key => key.public_key().to_public_key_pem(LineEnding::LF));
        let mut forms = PublicForms {
            pem: pem.map_err(|e| broken("encoded", &e))?,
            openssh: String::new(),
            fingerprint_md5: String::new(),
            fingerprint_sha256: String::new(),
            der: der.as_bytes().to_vec(),
        };
        if let Some(key) = self.ssh()? {
            let blob = key.public_key().to_bytes().map_err(|e| broken("encoded", &e))?;
            let pairs: Vec<String> = Md5::digest(&blob).iter().map(|byte| format!("{byte:02x}")).collect();
            let sha256 = STANDARD.encode(Sha256::digest(&blob));
            forms.openssh = key.public_key().to_openssh().map_err(|e| broken("encoded", &e))?.trim().to_string() + "\n";
            forms.fingerprint_md5 = pairs.join(":");
            forms.fingerprint_sha256 = format!("SHA256:{}", sha256.trim_end_matches('='));
        }
        Ok(forms)
    }

    fn ssh(&self) -> Result<Option<ssh_key::PrivateKey>, ProviderError> {
        let data: KeypairData = match self {
            Key::P224(_) => return Ok(None),
            Key::Rsa(key) => RsaKeypair::try_from(key.as_ref()).map_err(|e| broken("encoded", &e))?.into(),
            Key::Ed25519(key) => Ed25519Keypair::from(key).into(),
            Key::P256(key) => {
                EcdsaKeypair::NistP256 { public: key.public_key().to_encoded_point(false), private: key.clone().into() }
                    .into()
            }
            Key::P384(key) => {
                EcdsaKeypair::NistP384 { public: key.public_key().to_encoded_point(false), private: key.clone().into() }
                    .into()
            }
            Key::P521(key) => {
                EcdsaKeypair::NistP521 { public: key.public_key().to_encoded_point(false), private: key.clone().into() }
                    .into()
            }
        };
        ssh_key::PrivateKey::new(data, "").map(Some).map_err(|e| broken("encoded", &e))
    }
}

fn broken(what: &str, error: &dyn std::fmt::Display) -> ProviderError {
    ProviderError::new(ErrorKind::Other, format!("the key cannot be {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_private_key_reads_back_the_same() {
        let kinds = [("ED25519", ""), ("ECDSA", "P224"), ("ECDSA", "P256"), ("ECDSA", "P384"), ("ECDSA", "P521")];
        for (algorithm, curve) in kinds.into_iter().chain([("RSA", "")]) {
            let key = Key::generate(algorithm, 1024, curve).unwrap();
            for pem in [key.pem().unwrap(), key.pkcs8_pem().unwrap()] {
                let again = Key::parse(&pem).unwrap();
                assert_eq!(again.algorithm(), algorithm);
                assert_eq!(again.pkcs8_der().unwrap(), key.pkcs8_der().unwrap(), "{algorithm} {curve}");
            }
            let openssh = key.openssh().unwrap();
            let public = key.public().unwrap();
            assert_eq!(openssh.is_empty(), curve == "P224");
            if !openssh.is_empty() {
                let read = ssh_key::PrivateKey::from_openssh(&openssh).unwrap();
                let fingerprint = read.fingerprint(ssh_key::HashAlg::Sha256).to_string();
                assert_eq!(fingerprint, public.fingerprint_sha256);
                assert_eq!(public.fingerprint_md5.len(), 16 * 3 - 1);
            }
        }
        assert!(Key::parse("-----BEGIN NOTHING-----").is_err());
        assert!(Key::generate("ECDSA", 0, "P1").is_err());
    }
}
