//! The HTTP client of a connection: rustls with ring, the system's or a given set of certificates, and proxies.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::lenient::Lenient;
use crate::model::Path;
use crate::provider::{Config, ProviderError};

/// A client that is shared by all services of a connection, with one pool of connections.
pub(super) fn client(config: &Config) -> Result<SharedHttpClient, ProviderError> {
    let (tls, proxy) = (tls(config)?, proxy(config)?);
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone())
            .proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|c| c.sleep_impl()));
        connector.build()
    });
    Ok(SharedHttpClient::new(Lenient(client)))
}

fn tls(config: &Config) -> Result<TlsContext, ProviderError> {
    let wrong = |why: String| ProviderError::invalid(why).path(Path::attr("custom_ca_bundle"));
    let mut trust = TrustStore::default();
    if let Some(file) = config.str("custom_ca_bundle") {
        let pem = std::fs::read(file).map_err(|e| wrong(format!("\"{file}\" cannot be read: {e}")))?;
        trust = trust.with_pem_certificate(pem);
    }
    TlsContext::builder().with_trust_store(trust).build().map_err(|e| wrong(format!("no TLS: {e}")))
}

/// The proxies that the block names; otherwise those that the environment names, as every AWS tool does.
fn proxy(config: &Config) -> Result<ProxyConfig, ProviderError> {
    let wrong = |name: &'static str| {
        move |_| ProviderError::invalid(format!("\"{name}\" is not a proxy's URL")).path(Path::attr(name))
    };
    let proxy = match (config.str("https_proxy"), config.str("http_proxy")) {
        (Some(https), Some(http)) if https == http => ProxyConfig::all(https).map_err(wrong("https_proxy"))?,
        (Some(https), _) => ProxyConfig::https(https).map_err(wrong("https_proxy"))?,
        (None, Some(http)) => ProxyConfig::http(http).map_err(wrong("http_proxy"))?,
        (None, None) => return Ok(ProxyConfig::from_env()),
    };
    Ok(match config.str("no_proxy") {
        Some(rules) => proxy.no_proxy(rules),
        None => proxy,
    })
}
