//! `backend "s3"`: states in Amazon S3 and in stores that speak its protocol. Locks and writes are conditional
//! requests; no table beside the bucket is needed.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};

use super::documents::DocumentBackend;
use super::documents::objects::{Layout, Objects, client, retry, told};
use super::{Argument, Backend, Configuration, Context, Kind, Registration};
use crate::state::{StateError, Workspace};

pub const REGISTRATION: Registration = Registration {
    name: "s3",
    about: "Objects of Amazon S3, or of a store that speaks its protocol.",
    arguments: &[
        Argument::text("bucket", "The bucket.").required(),
        Argument::text("key", "The state's key in the bucket.").required(),
        Argument::text("region", "The bucket's region.").or(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
        Argument::text(
            "workspace_key_prefix",
            "What stands before the keys of other workspaces; \"env:\" unless said.",
        ),
        Argument::text("endpoints", "Endpoints by service: s3, sts, iam, sso.").kind(Kind::Object),
        Argument::text("endpoint", "The endpoint of S3.").or(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
        Argument::text("use_path_style", "Whether the bucket stands in the path.").kind(Kind::Flag),
        Argument::text("force_path_style", "The same, as it was called before.").kind(Kind::Flag),
        Argument::text("use_lockfile", "The lock is always an object beside the state.").kind(Kind::Flag),
        Argument::text("encrypt", "Encrypts at rest with a key of S3.").kind(Kind::Flag),
        Argument::text("kms_key_id", "Encrypts at rest with this key of KMS."),
        Argument::text("sse_customer_key", "Encrypts at rest with this key, in base64.")
            .secret()
            .or(&["AWS_SSE_CUSTOMER_KEY"]),
        Argument::text("profile", "The profile of the shared configuration.").or(&["AWS_PROFILE"]),
        Argument::text("access_key", "The access key's id.").secret(),
        Argument::text("secret_key", "The access key.").secret(),
        Argument::text("token", "The session token.").secret(),
        Argument::text("shared_config_files", "Files of the shared configuration.").kind(Kind::Texts),
        Argument::text("shared_credentials_files", "Files of the shared credentials.").kind(Kind::Texts),
        Argument::text("assume_role", "A role to take on: role_arn, session_name, external_id.").kind(Kind::Object),
        Argument::text("acl", "Accepted for configurations of Terraform; has no effect."),
        Argument::text("dynamodb_table", "Accepted for configurations of Terraform; has no effect."),
        Argument::text("skip_credentials_validation", "Has no effect: nothing is validated.").kind(Kind::Flag),
        Argument::text("skip_region_validation", "Has no effect: nothing is validated.").kind(Kind::Flag),
        Argument::text("skip_requesting_account_id", "Has no effect: it is not asked for.").kind(Kind::Flag),
        Argument::text("skip_metadata_api_check", "Has no effect.").kind(Kind::Flag),
        Argument::text("skip_s3_checksum", "Has no effect: no checksum header is sent.").kind(Kind::Flag),
        Argument::text("max_retries", "Has no effect: an outage is bridged by the local journal.").kind(Kind::Number),
    ],
    connect,
};

fn connect(configuration: &Configuration, context: &Context) -> Result<Arc<dyn Backend>, StateError> {
    let bucket = configuration.text("bucket").unwrap_or_default();
    let prefix = format!("s3://{bucket}/");
    let endpoint = configuration.inner("endpoints", "s3").or(configuration.text("endpoint"));
    let region = configuration.text("region").unwrap_or("us-east-1");
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_retry(retry())
        // Not every store has the bulk request, and rights are often given for the plain one.
        .with_disable_bulk_delete(true)
        .with_client_options(client(endpoint))
        .with_credentials(credentials(configuration, context, region));
    let path_style = configuration.flag("use_path_style") || configuration.flag("force_path_style");
    builder = match endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint.trim_end_matches('/')),
        // Names with dots have no certificate of their own.
        None => builder.with_virtual_hosted_style_request(!path_style && !bucket.contains('.')),
    };
    if let Some(key) = configuration.text("kms_key_id") {
        builder = builder.with_sse_kms_encryption(key);
    } else if let Some(key) = configuration.text("sse_customer_key") {
        builder = builder.with_ssec_encryption(key);
    } else if configuration.flag("encrypt") {
        let key: AmazonS3ConfigKey = "aws_server_side_encryption".parse().map_err(|e| told(&prefix, e))?;
        builder = builder.with_config(key, "AES256");
    }
    let store = builder.build().map_err(|e| told(&prefix, e))?;
    let layout = Keys {
        key: configuration.text("key").unwrap_or_default().trim_start_matches('/').to_string(),
        others: configuration.text("workspace_key_prefix").unwrap_or("env:").trim_matches('/').to_string(),
    };
    let keys = Arc::new(Objects::new(Arc::new(store), Arc::new(layout), prefix));
    Ok(Arc::new(DocumentBackend::new(keys, context.clone())?))
}

/// `KEY` for the default workspace, `PREFIX/NAME/KEY` for others.
struct Keys {
    key: String,
    others: String,
}

impl Layout for Keys {
    fn state(&self, workspace: &Workspace) -> String {
        match workspace.is_default() {
            true => self.key.clone(),
            false => format!("{}/{workspace}/{}", self.others, self.key),
        }
    }

    fn listing(&self) -> (String, bool) {
        (self.others.clone(), true)
    }

    fn workspace(&self, key: &str) -> Option<Workspace> {
        let name = key.strip_prefix(&self.others)?.trim_matches('/');
        Workspace::parse(name).ok()
    }
}

fn credentials(configuration: &Configuration, context: &Context, region: &str) -> AwsCredentialProvider {
    let fixed = |id: &str, secret: &str, token: Option<&str>| {
        let (key_id, secret_key) = (id.to_string(), secret.to_string());
        let token = token.map(String::from);
        Arc::new(object_store::StaticCredentialProvider::new(AwsCredential { key_id, secret_key, token }))
    };
    let own = (configuration.text("access_key"), configuration.text("secret_key"));
    #[cfg(feature = "aws")]
    {
        let _ = context;
        match own {
            (Some(id), Some(secret)) if configuration.inner("assume_role", "role_arn").is_none() => {
                fixed(id, secret, configuration.text("token"))
            }
            _ => super::aws_credentials::provider(configuration, region),
        }
    }
    #[cfg(not(feature = "aws"))]
    {
        let _ = region;
        let variable = |name: &str| context.environment.get(name).map(String::as_str);
        match (own, variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            ((Some(id), Some(secret)), ..) => fixed(id, secret, configuration.text("token")),
            (_, Some(id), Some(secret)) => fixed(id, secret, variable("AWS_SESSION_TOKEN")),
            _ => fixed("", "", None),
        }
    }
}
