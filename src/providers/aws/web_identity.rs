//! A role taken on with an OpenID Connect token, as CI systems and clusters hand them out
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>).

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::error::DisplayErrorContext;
use aws_sdk_sts::types::PolicyDescriptorType;

use super::config::duration;
use crate::model::{Object, Path};
use crate::provider::ProviderError;

/// Gives the credentials of a role. The token is read anew each time: whoever writes the file renews it.
pub(super) struct WebIdentity {
    client: Client,
    role: String,
    session: String,
    token: Token,
    seconds: Option<i32>,
    policy: Option<String>,
    policies: Vec<String>,
}

enum Token {
    File(PathBuf),
    Text(String),
}

impl WebIdentity {
    /// What the `assume_role_with_web_identity` block says; `base` is the way to STS.
    pub(super) fn new(block: &Object, base: &SdkConfig, url: Option<&String>) -> Result<Self, ProviderError> {
        let token = match (block.string("web_identity_token"), block.string("web_identity_token_file")) {
            (Some(text), _) => Some(Token::Text(text)),
            (None, file) => file.map(|file| Token::File(file.into())),
        };
        let (Some(role), Some(token)) = (block.string("role_arn"), token) else { return Err(incomplete()) };
        let seconds = block.str("duration").map(duration).transpose()?;
        let mut config = aws_sdk_sts::config::Builder::from(base);
        if let Some(url) = url {
            config = config.endpoint_url(url);
        }
        Ok(WebIdentity {
            client: Client::from_conf(config.build()),
            role,
            session: block.string("session_name").unwrap_or_else(|| "terrane".to_string()),
            token,
            seconds: seconds.map(|d| i32::try_from(d.as_secs()).unwrap_or(i32::MAX)),
            policy: block.string("policy"),
            policies: block.strings("policy_arns"),
        })
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }

    async fn token(&self) -> Result<String, CredentialsError> {
        match &self.token {
            Token::Text(text) => Ok(text.clone()),
            Token::File(file) => tokio::fs::read_to_string(file).await.map_err(|error| {
                let what = format!("the token file \"{}\" cannot be read: {error}", file.display());
                CredentialsError::invalid_configuration(what)
            }),
        }
    }

    async fn ask(&self) -> provider::Result {
        let policies = self.policies.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build()).collect();
        let request = self
            .client
            .assume_role_with_web_identity()
            .role_arn(&self.role)
            .role_session_name(&self.session)
            .web_identity_token(self.token().await?.trim())
            .set_duration_seconds(self.seconds)
            .set_policy(self.policy.clone())
            .set_policy_arns((!self.policies.is_empty()).then_some(policies));
        let answer = request.send().await.map_err(|error| {
            CredentialsError::provider_error(format!("sts:AssumeRoleWithWebIdentity: {}", DisplayErrorContext(&error)))
        })?;
        let missing = || CredentialsError::unhandled("sts:AssumeRoleWithWebIdentity: the answer holds no credentials");
        let given = answer.credentials.ok_or_else(missing)?;
        let until = SystemTime::try_from(given.expiration).map_err(CredentialsError::unhandled)?;
        let (access, secret) = (given.access_key_id, given.secret_access_key);
        Ok(Credentials::new(access, secret, Some(given.session_token), Some(until), "web identity"))
    }
}

impl ProvideCredentials for WebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}

/// Without the token.
impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity").field("role", &self.role).finish_non_exhaustive()
    }
}

fn incomplete() -> ProviderError {
    ProviderError::invalid("\"assume_role_with_web_identity\" needs a role and a token")
        .path(Path::attr("assume_role_with_web_identity"))
        .help("set \"role_arn\", and \"web_identity_token_file\" or \"web_identity_token\" in it")
}
