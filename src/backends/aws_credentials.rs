//! Credentials of AWS for the backend "s3", from wherever AWS tools find them: environment, profiles, SSO, web
//! identities, containers, machines; and roles that are taken on with them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::OnceCell;

use super::Configuration;

/// What finds credentials for this configuration. Nothing is asked before the first request.
pub fn provider(configuration: &Configuration, region: &str) -> Arc<Chain> {
    let text = |name: &str| configuration.text(name).map(String::from);
    let role = |field: &str| configuration.inner("assume_role", field).map(String::from);
    Arc::new(Chain {
        region: region.to_string(),
        profile: text("profile"),
        own: text("access_key").zip(text("secret_key")).map(|(id, secret)| (id, secret, text("token"))),
        files: [configuration.texts("shared_config_files"), configuration.texts("shared_credentials_files")],
        role: role("role_arn").map(|arn| Role { arn, session: role("session_name"), external_id: role("external_id") }),
        sts: configuration.inner("endpoints", "sts").map(String::from),
        found: OnceCell::new(),
    })
}

pub struct Chain {
    region: String,
    profile: Option<String>,
    own: Option<(String, String, Option<String>)>,
    /// Of the configuration, and of the credentials.
    files: [Vec<String>; 2],
    role: Option<Role>,
    sts: Option<String>,
    found: OnceCell<SharedCredentialsProvider>,
}

struct Role {
    arn: String,
    session: Option<String>,
    external_id: Option<String>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("region", &self.region).field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Chain {
    async fn find(&self) -> Option<SharedCredentialsProvider> {
        let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .http_client(client);
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some((id, secret, token)) = &self.own {
            loader = loader.credentials_provider(Credentials::new(id, secret, token.clone(), None, "backend"));
        }
        let [configuration, credentials] = &self.files;
        if !configuration.is_empty() || !credentials.is_empty() {
            let mut files = EnvConfigFiles::builder();
            for file in configuration {
                files = files.with_file(EnvConfigFileKind::Config, file);
            }
            for file in credentials {
                files = files.with_file(EnvConfigFileKind::Credentials, file);
            }
            loader = loader.profile_files(files.build());
        }
        if let (Some(sts), Some(_)) = (&self.sts, &self.role) {
            loader = loader.endpoint_url(sts);
        }
        let config = loader.load().await;
        let Some(role) = &self.role else { return config.credentials_provider() };
        let mut assumed = AssumeRoleProvider::builder(&role.arn).configure(&config);
        assumed = assumed.session_name(role.session.as_deref().unwrap_or("terrane"));
        if let Some(id) = &role.external_id {
            assumed = assumed.external_id(id);
        }
        Some(SharedCredentialsProvider::new(assumed.build().await))
    }
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Unauthenticated {
            path: "credentials of AWS".to_string(),
            source,
        };
        let provider = self
            .found
            .get_or_try_init(|| async { self.find().await.ok_or_else(|| failed("no credentials were found".into())) })
            .await?;
        let found = provider.provide_credentials().await.map_err(|e| failed(Box::new(e)))?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().to_string(),
            secret_key: found.secret_access_key().to_string(),
            token: found.session_token().map(String::from),
        }))
    }
}
