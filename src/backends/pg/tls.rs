//! How a connection to PostgreSQL is encrypted and whom it trusts: the words of its own tools.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a connection string says of TLS beyond what the client library reads.
pub struct Options {
    mode: String,
    root: Option<String>,
}

/// The encryption of connections.
pub struct Tls(Arc<ClientConfig>);

/// Takes `sslmode` and `sslrootcert` out of a connection string; the environment says what it does not.
pub fn split(text: &str, environment: &BTreeMap<String, String>) -> (String, Options) {
    let variable = |name: &str| environment.get(name).cloned();
    let mut options = Options {
        mode: variable("PGSSLMODE").unwrap_or_else(|| "prefer".to_string()),
        root: variable("PGSSLROOTCERT"),
    };
    let mut take = |pair: &str| {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => options.mode = mode.trim_matches('\'').to_string(),
            Some(("sslrootcert", file)) => options.root = Some(decoded(file.trim_matches('\''))),
            _ => return false,
        }
        true
    };
    let rest = match text.split_once('?') {
        Some((base, query)) if text.contains("://") => {
            let kept: Vec<&str> = query.split('&').filter(|pair| !take(pair)).collect();
            if kept.is_empty() { base.to_string() } else { format!("{base}?{}", kept.join("&")) }
        }
        _ if text.contains("://") => text.to_string(),
        _ => text.split_whitespace().filter(|pair| !take(pair)).collect::<Vec<_>>().join(" "),
    };
    (rest, options)
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Options {
    pub fn mode(&self) -> SslMode {
        match self.mode.as_str() {
            "disable" => SslMode::Disable,
            "allow" | "prefer" => SslMode::Prefer,
            _ => SslMode::Require,
        }
    }

    /// As PostgreSQL's tools do: certificates are looked at only where that is asked for. "verify-ca" checks the
    /// name, too.
    pub fn tls(&self) -> Result<Tls, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        let builder = match (self.mode.as_str(), &self.root) {
            ("disable" | "allow" | "prefer" | "require", None) | ("disable" | "allow" | "prefer", Some(_)) => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
            }
            ("require" | "verify-ca" | "verify-full", Some(file)) if file != "system" => {
                builder.with_root_certificates(roots(file)?)
            }
            ("require" | "verify-ca" | "verify-full", _) => {
                builder.with_platform_verifier().map_err(|e| e.to_string())?
            }
            (other, _) => return Err(format!("its sslmode \"{other}\" is not known")),
        };
        Ok(Tls(Arc::new(builder.with_no_client_auth())))
    }
}

fn roots(file: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let read = CertificateDer::pem_file_iter(file).map_err(|e| format!("\"{file}\" cannot be read: {e}"))?;
    for certificate in read {
        let certificate = certificate.map_err(|e| format!("\"{file}\" cannot be read: {e}"))?;
        roots.add(certificate).map_err(|e| format!("\"{file}\" cannot be used: {e}"))?;
    }
    Ok(roots)
}

impl Tls {
    pub fn connector(&self) -> MakeRustlsConnect {
        MakeRustlsConnect::new((*self.0).clone())
    }
}

/// Encrypts without asking who is at the other end.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_tls_is_taken_out_of_both_forms() {
        let environment = BTreeMap::from([("PGSSLROOTCERT".to_string(), "/env.pem".to_string())]);
        let (rest, options) = split("postgres://u:p@h/d?sslmode=verify-full&connect_timeout=3", &environment);
        assert_eq!((rest.as_str(), options.mode.as_str()), ("postgres://u:p@h/d?connect_timeout=3", "verify-full"));
        assert_eq!(options.root.as_deref(), Some("/env.pem"));
        let (rest, options) = split("host=h sslmode=disable sslrootcert='/a.pem' dbname=d", &environment);
        assert_eq!((rest.as_str(), options.root.as_deref()), ("host=h dbname=d", Some("/a.pem")));
        assert!(matches!(options.mode(), SslMode::Disable));
        assert!(matches!(split("", &BTreeMap::new()).1.mode(), SslMode::Prefer));
    }
}
