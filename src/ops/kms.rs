//! Keys that AWS KMS keeps: data keys are wrapped and unwrapped by its operations Encrypt and Decrypt, with the state's
//! lineage as encryption context.

use std::sync::Arc;

use crate::state::seal::KeyWrap;

/// What the key provider `aws_kms` says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For messages.
    pub name: String,
    /// Id, ARN or alias.
    pub key_id: String,
    pub region: Option<String>,
    pub profile: Option<String>,
    pub endpoint: Option<String>,
}

#[cfg(not(feature = "aws"))]
pub fn key(_settings: Settings, _runtime: tokio::runtime::Handle) -> Result<Arc<dyn KeyWrap>, String> {
    Err("this terrane was built without AWS".to_string())
}

#[cfg(feature = "aws")]
pub fn key(settings: Settings, runtime: tokio::runtime::Handle) -> Result<Arc<dyn KeyWrap>, String> {
    Ok(Arc::new(service::KmsKey::new(settings, runtime)))
}

#[cfg(feature = "aws")]
mod service {
    use std::sync::OnceLock;

    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_kms::Client;
    use aws_sdk_kms::error::{DisplayErrorContext, ProvideErrorMetadata};
    use aws_sdk_kms::primitives::Blob;
    use aws_smithy_http_client::tls::Provider;
    use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

    use super::Settings;
    use crate::state::seal::{DataKey, KeyError, KeyWrap};

    /// What is wrapped is bound to its context under this name.
    const CONTEXT: &str = "terrane-lineage";

    pub struct KmsKey {
        settings: Settings,
        runtime: tokio::runtime::Handle,
        client: OnceLock<Client>,
    }

    impl KmsKey {
        pub fn new(settings: Settings, runtime: tokio::runtime::Handle) -> KmsKey {
            KmsKey { settings, runtime, client: OnceLock::new() }
        }

        /// Region, credentials and endpoint are found as every AWS tool finds them, unless the settings say them.
        async fn client(&self) -> Client {
            if let Some(client) = self.client.get() {
                return client.clone();
            }
            let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
            let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.build_https());
            if let Some(region) = &self.settings.region {
                loader = loader.region(Region::new(region.clone()));
            }
            if let Some(profile) = &self.settings.profile {
                loader = loader.profile_name(profile);
            }
            if let Some(endpoint) = &self.settings.endpoint {
                loader = loader.endpoint_url(endpoint);
            }
            let client = Client::new(&loader.load().await);
            self.client.get_or_init(|| client).clone()
        }

        /// Runs on threads that are not of the runtime: those that open states.
        fn wait<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
            std::thread::scope(|scope| {
                let running = scope.spawn(|| self.runtime.block_on(work));
                // proof: the work panics only where the SDK does, and then this thread may as well.
                running.join().expect("the call to KMS ends")
            })
        }
    }

    impl KeyWrap for KmsKey {
        fn name(&self) -> &str {
            &self.settings.name
        }

        fn wrap(&self, key: &DataKey, context: &str) -> Result<Vec<u8>, KeyError> {
            self.wait(async {
                let call = self.client().await.encrypt().key_id(&self.settings.key_id);
                let call = call.plaintext(Blob::new(key.0)).encryption_context(CONTEXT, context);
                let answer = call.send().await.map_err(|e| KeyError::Unavailable(told(&e)))?;
                let blob = answer.ciphertext_blob.ok_or_else(|| KeyError::Unavailable("KMS gave nothing".into()))?;
                Ok(blob.into_inner())
            })
        }

        fn unwrap(&self, wrapped: &[u8], context: &str) -> Result<DataKey, KeyError> {
            self.wait(async {
                let call = self.client().await.decrypt().key_id(&self.settings.key_id);
                let call = call.ciphertext_blob(Blob::new(wrapped)).encryption_context(CONTEXT, context);
                let answer = call.send().await.map_err(|e| match e.code() {
                    Some("InvalidCiphertextException" | "IncorrectKeyException") => KeyError::Wrong,
                    _ => KeyError::Unavailable(told(&e)),
                })?;
                let bytes = answer.plaintext.map(Blob::into_inner).unwrap_or_default();
                Ok(DataKey(bytes.try_into().map_err(|_| KeyError::Wrong)?))
            })
        }
    }

    /// Code and message of the service, or what kept the call from reaching it.
    fn told<E>(error: &E) -> String
    where
        E: ProvideErrorMetadata + std::error::Error,
    {
        match (error.code(), error.message()) {
            (Some(code), message) => format!("{code}: {}", message.unwrap_or("no message")),
            (None, _) => DisplayErrorContext(error).to_string(),
        }
    }
}
