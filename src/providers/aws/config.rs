//! From the provider block to a connection: region, credentials, endpoints, HTTP client, and the account's check.
//!
//! What the block does not say is looked up as every AWS tool does: environment (`AWS_*`), shared files, container
//! and instance metadata (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).

use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::region::Region;

use super::cloud::{Aws, Identity, Session};
use super::endpoints::{self, Endpoints};
use super::errors;
use super::http;
use super::tags::TagPolicy;
use super::web_identity::WebIdentity;
use crate::model::duration::parse_duration;
use crate::model::{Object, Path};
use crate::provider::retry::RetryPolicy;
use crate::provider::transport::Transport;
use crate::provider::{Calls, Config, Pace, ProviderError};

/// Opens a connection as the provider block says.
pub(super) async fn connect(
    config: &Config,
    transport: Arc<Transport>,
    pace: Pace,
    calls: Calls,
) -> Result<Aws, ProviderError> {
    let source = Source::new(config, calls.attempt)?;
    let region = source.region().await?;
    let sdk = source.load(&region).await?;
    let aws = Aws::new(Session {
        sdk,
        endpoints: source.endpoints,
        path_style: config.bool("s3_use_path_style").unwrap_or(false),
        region,
        account: Default::default(),
        identity: Default::default(),
        tags: TagPolicy::new(config),
        transport,
        retry: RetryPolicy { attempt: calls.attempt, ..retry_policy(config) },
        pace,
        clients: Default::default(),
    });
    identify(&aws, config).await?;
    Ok(aws)
}

fn retry_policy(config: &Config) -> RetryPolicy {
    let policy = RetryPolicy::default();
    match config.i64("max_retries").and_then(|n| u32::try_from(n).ok()) {
        Some(most) => policy.at_most(most),
        None => policy,
    }
}

/// Where the configuration and the credentials come from.
struct Source<'a> {
    config: &'a Config,
    files: Option<EnvConfigFiles>,
    http: SharedHttpClient,
    endpoints: Endpoints,
    /// How long a role may take to be taken on.
    attempt: Duration,
}

impl<'a> Source<'a> {
    fn new(config: &'a Config, attempt: Duration) -> Result<Self, ProviderError> {
        let endpoints = endpoints::read(config);
        Ok(Source { config, files: files(config), http: http::client(config)?, endpoints, attempt })
    }

    /// The configured region, or the environment's, or the profile's. The instance metadata is not asked: a
    /// stack must not move because it is planned on another machine.
    async fn region(&self) -> Result<String, ProviderError> {
        let written = self.config.string("region").filter(|r| !r.is_empty());
        let region = match written {
            Some(region) => region,
            None => self.usual_region().await?,
        };
        let skip = self.config.bool("skip_region_validation").unwrap_or(false);
        if !skip && !looks_like_region(&region) {
            let message = format!("\"{region}\" is not an AWS region");
            return Err(ProviderError::invalid(message)
                .path(Path::attr("region"))
                .help("a region is written like eu-central-1; skip_region_validation = true lets any text pass"));
        }
        Ok(region)
    }

    async fn usual_region(&self) -> Result<String, ProviderError> {
        let mut profile = ProfileFileRegionProvider::builder().configure(&self.provider_config(None));
        if let Some(name) = self.config.str("profile") {
            profile = profile.profile_name(name);
        }
        if let Some(files) = &self.files {
            profile = profile.profile_files(files.clone());
        }
        let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
        let missing = || {
            ProviderError::invalid("no AWS region is configured")
                .path(Path::attr("region"))
                .help("set \"region\" in the provider block, or AWS_REGION, or a region in the profile")
        };
        chain.region().await.map(|r| r.to_string()).ok_or_else(missing)
    }

    async fn load(&self, region: &str) -> Result<SdkConfig, ProviderError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_string()))
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(Duration::from_secs(10)).build());
        if let Some(profile) = self.config.str("profile") {
            loader = loader.profile_name(profile);
        }
        if let Some(files) = &self.files {
            loader = loader.profile_files(files.clone());
        }
        if let Some(fips) = self.config.bool("use_fips_endpoint") {
            loader = loader.use_fips(fips);
        }
        if let Some(dual) = self.config.bool("use_dualstack_endpoint") {
            loader = loader.use_dual_stack(dual);
        }
        let loader = self.with_credentials(loader, region).await?;
        let mut sdk = loader.load().await;
        for role in self.config.blocks("assume_role") {
            sdk = self.assume(&sdk, &role).await?;
        }
        Ok(sdk)
    }

    /// Credentials that the block itself names; otherwise the loader finds the usual ones.
    async fn with_credentials(&self, loader: ConfigLoader, region: &str) -> Result<ConfigLoader, ProviderError> {
        let config = self.config;
        match (config.string("access_key"), config.string("secret_key")) {
            (Some(access), Some(secret)) => {
                let given = Credentials::new(access, secret, config.string("token"), None, "provider block");
                return Ok(loader.credentials_provider(given));
            }
            (None, None) => (),
            (given, _) => {
                let (has, lacks) =
                    if given.is_some() { ("access_key", "secret_key") } else { ("secret_key", "access_key") };
                return Err(ProviderError::invalid(format!("\"{has}\" is set, but not \"{lacks}\""))
                    .path(Path::attr(lacks))
                    .help("set both, or neither and use a profile"));
            }
        }
        let usual = self.provider_config(Some(region));
        if let Some(block) = config.block("assume_role_with_web_identity") {
            return Ok(loader.credentials_provider(self.web_identity(&block, region).await?));
        }
        // A profile that the block names wins over the environment.
        if config.str("profile").is_some() {
            return Ok(loader.credentials_provider(self.profile(&usual)));
        }
        if config.str("skip_metadata_api_check") == Some("true") {
            return Ok(loader.credentials_provider(self.without_metadata(&usual)));
        }
        Ok(loader)
    }

    /// The profile that the block names, or the usual one, in the files that the block names.
    fn profile(&self, usual: &ProviderConfig) -> ProfileFileCredentialsProvider {
        let mut profile = ProfileFileCredentialsProvider::builder().configure(usual);
        if let Some(name) = self.config.str("profile") {
            profile = profile.profile_name(name);
        }
        if let Some(files) = &self.files {
            profile = profile.profile_files(files.clone());
        }
        profile.build()
    }

    /// The usual chain but for the instance metadata, which is slow to ask where there is none.
    fn without_metadata(&self, usual: &ProviderConfig) -> CredentialsProviderChain {
        let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(usual).build();
        let container = aws_config::ecs::EcsCredentialsProvider::builder().configure(usual).build();
        CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
            .or_else("Profile", self.profile(usual))
            .or_else("WebIdentityToken", web_identity)
            .or_else("EcsContainer", container)
    }

    fn provider_config(&self, region: Option<&str>) -> ProviderConfig {
        ProviderConfig::default()
            .with_http_client(self.http.clone())
            .with_region(region.map(|r| Region::new(r.to_string())))
    }

    async fn assume(&self, base: &SdkConfig, role: &Object) -> Result<SdkConfig, ProviderError> {
        let arn = role.str("role_arn").filter(|arn| !arn.is_empty()).ok_or_else(no_role)?;
        let mut sts = base.to_builder().retry_config(RetryConfig::standard());
        if let Some(url) = self.endpoints.get("sts") {
            sts = sts.endpoint_url(url);
        }
        let mut provider = AssumeRoleProvider::builder(arn).configure(&sts.build());
        if let Some(region) = self.config.string("sts_region") {
            provider = provider.region(Region::new(region));
        }
        provider = provider.session_name(role.str("session_name").unwrap_or("terrane"));
        if let Some(id) = role.str("external_id") {
            provider = provider.external_id(id);
        }
        if let Some(text) = role.str("duration") {
            provider = provider.session_length(duration(text)?);
        }
        if let Some(policy) = role.str("policy") {
            provider = provider.policy(policy);
        }
        let arns = role.strings("policy_arns");
        if !arns.is_empty() {
            provider = provider.policy_arns(arns);
        }
        let tags = role.string_map("tags");
        if !tags.is_empty() {
            provider = provider.tags(tags);
        }
        let provider = provider.build().await;
        self.try_out(&provider, arn, "AssumeRole").await?;
        Ok(base.to_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build())
    }

    async fn web_identity(&self, block: &Object, region: &str) -> Result<WebIdentity, ProviderError> {
        let region = self.config.string("sts_region").unwrap_or_else(|| region.to_string());
        let loader = aws_config::defaults(BehaviorVersion::latest()).no_credentials().region(Region::new(region));
        let base = loader.http_client(self.http.clone()).load().await;
        let provider = WebIdentity::new(block, &base, self.endpoints.get("sts"))?;
        self.try_out(&provider, provider.role(), "AssumeRoleWithWebIdentity").await?;
        Ok(provider)
    }

    /// Asks for credentials once: an error tells of the role, not of the first call that is made with it.
    async fn try_out(&self, role: &impl ProvideCredentials, arn: &str, action: &str) -> Result<(), ProviderError> {
        let refused = |why: String| errors::no_credentials(&format!("the role \"{arn}\" cannot be taken on: {why}"));
        let taken = tokio::time::timeout(self.attempt, role.provide_credentials()).await;
        let taken = taken.map_err(|_| refused(format!("sts:{action}: no answer within {:?}", self.attempt)))?;
        taken.map(drop).map_err(|e| {
            let root = std::iter::successors(Some(&e as &dyn std::error::Error), |e| e.source()).last();
            refused(root.map_or_else(String::new, ToString::to_string))
        })
    }
}

/// Going on with the credentials of before would act on the wrong account.
fn no_role() -> ProviderError {
    ProviderError::invalid("\"assume_role\" names no role")
        .path(Path::attr("assume_role"))
        .help("set \"role_arn\" in it, or leave the block out")
}

/// The shared files that the block names, with the usual one of the kind that it does not name.
fn files(config: &Config) -> Option<EnvConfigFiles> {
    let (configs, credentials) = (config.strings("shared_config_files"), config.strings("shared_credentials_files"));
    if configs.is_empty() && credentials.is_empty() {
        return None;
    }
    let mut files = EnvConfigFiles::builder()
        .include_default_config_file(configs.is_empty())
        .include_default_credentials_file(credentials.is_empty());
    for file in configs {
        files = files.with_file(EnvConfigFileKind::Config, file);
    }
    for file in credentials {
        files = files.with_file(EnvConfigFileKind::Credentials, file);
    }
    Some(files.build())
}

/// Asks who the credentials belong to, and refuses the wrong account before anything is touched.
async fn identify(aws: &Aws, config: &Config) -> Result<(), ProviderError> {
    let is_set = |name| config.bool(name).unwrap_or(false);
    let (allowed, forbidden) = (config.strings("allowed_account_ids"), config.strings("forbidden_account_ids"));
    let must_know = !allowed.is_empty() || !forbidden.is_empty();
    if is_set("skip_credentials_validation") && is_set("skip_requesting_account_id") && !must_know {
        return Ok(());
    }
    let answer = aws.call("sts", "GetCallerIdentity", || aws.sts().get_caller_identity().send()).await?;
    let identity = Identity {
        account: answer.account.unwrap_or_default(),
        arn: answer.arn.unwrap_or_default(),
        user: answer.user_id.unwrap_or_default(),
    };
    let account = &identity.account;
    if (!allowed.is_empty() && !allowed.contains(account)) || forbidden.contains(account) {
        let list = if allowed.is_empty() { "forbidden_account_ids" } else { "allowed_account_ids" };
        return Err(ProviderError::new(
            crate::provider::ErrorKind::Denied,
            format!("the account \"{account}\" must not be touched"),
        )
        .path(Path::attr(list))
        .help(format!("use credentials of another account, or change \"{list}\"")));
    }
    aws.identified(identity, !is_set("skip_requesting_account_id"));
    Ok(())
}

/// `eu-central-1`, `us-gov-west-1`: words and a number, joined by dashes.
fn looks_like_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let is_word = |w: &&str| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase());
    (2..=3).contains(&words.len()) && words.iter().all(is_word) && number.parse::<u8>().is_ok()
}

/// How long a session shall last.
pub(super) fn duration(text: &str) -> Result<Duration, ProviderError> {
    let wrong = || ProviderError::invalid(format!("\"{text}\" is not a duration")).help("write it like 1h30m or 900s");
    parse_duration(text).filter(|length| length.as_secs() > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::super::cloud::Partition;
    use super::*;

    #[test]
    fn regions_are_told_from_other_texts() {
        for region in ["eu-central-1", "us-gov-west-1", "ap-southeast-12", "us-iso-east-1"] {
            assert!(looks_like_region(region), "{region}");
        }
        for text in ["", "eu", "eu-central", "eu-central-1a", "EU-CENTRAL-1", "eu_central_1", "eu--1"] {
            assert!(!looks_like_region(text), "{text}");
        }
    }

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("900s"), Ok(Duration::from_secs(900)));
        for text in ["", "1", "h", "1d", "0s", "99999999999999999999h", "1é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn partitions_follow_the_region() {
        assert_eq!(Partition::of("cn-north-1").name, "aws-cn");
        assert_eq!(Partition::of("us-gov-west-1").name, "aws-us-gov");
        assert_eq!(Partition::of("eu-central-1").dns_suffix, "amazonaws.com");
    }
}
