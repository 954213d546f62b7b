//! `backend "gcs"`: states in Google Cloud Storage.

use std::sync::Arc;

use object_store::gcp::GoogleCloudStorageBuilder;

use super::documents::DocumentBackend;
use super::documents::objects::{Layout, Objects, client, retry, told};
use super::{Argument, Backend, Configuration, Context, Registration};
use crate::state::{StateError, Workspace};

pub const REGISTRATION: Registration = Registration {
    name: "gcs",
    about: "Objects of Google Cloud Storage.",
    arguments: &[
        Argument::text("bucket", "The bucket.").required(),
        Argument::text("prefix", "The folder of the states in the bucket."),
        Argument::text("credentials", "A service account: a file, or its JSON.")
            .secret()
            .or(&["GOOGLE_BACKEND_CREDENTIALS", "GOOGLE_CREDENTIALS"]),
        Argument::text("access_token", "A token of OAuth 2.0.").secret().or(&["GOOGLE_OAUTH_ACCESS_TOKEN"]),
        Argument::text("storage_custom_endpoint", "Another endpoint of the storage.")
            .or(&["GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT", "GOOGLE_STORAGE_CUSTOM_ENDPOINT"]),
    ],
    connect,
};

fn connect(configuration: &Configuration, context: &Context) -> Result<Arc<dyn Backend>, StateError> {
    let bucket = configuration.text("bucket").unwrap_or_default();
    let prefix = format!("gs://{bucket}/");
    let endpoint = configuration.text("storage_custom_endpoint");
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_retry(retry())
        .with_client_options(client(endpoint));
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    let credentials = configuration.text("credentials");
    builder = match (configuration.text("access_token"), credentials) {
        (Some(token), _) => builder.with_bearer_token(token),
        (None, Some(json)) if json.trim_start().starts_with('{') => builder.with_service_account_key(json),
        (None, Some(file)) => builder.with_service_account_path(file),
        // Without TLS nothing is authenticated: an emulator, which takes any token.
        (None, None) if endpoint.is_some_and(|e| e.starts_with("http://")) => builder.with_bearer_token("none"),
        (None, None) => match context.environment.get("GOOGLE_APPLICATION_CREDENTIALS") {
            Some(file) => builder.with_application_credentials(file),
            None => builder,
        },
    };
    let store = builder.build().map_err(|e| told(&prefix, e))?;
    let folder = configuration.text("prefix").unwrap_or_default().trim_matches('/').to_string();
    let keys = Arc::new(Objects::new(Arc::new(store), Arc::new(Keys(folder)), prefix));
    Ok(Arc::new(DocumentBackend::new(keys, context.clone())?))
}

/// `PREFIX/NAME.tfstate` for all workspaces.
struct Keys(String);

const STATE: &str = ".tfstate";

impl Layout for Keys {
    fn state(&self, workspace: &Workspace) -> String {
        let name = format!("{workspace}{STATE}");
        if self.0.is_empty() { name } else { format!("{}/{name}", self.0) }
    }

    fn lock(&self, state: &str) -> String {
        format!("{}.tflock", state.strip_suffix(STATE).unwrap_or(state))
    }

    fn segments(&self, state: &str) -> String {
        format!("{}.terrane", state.strip_suffix(STATE).unwrap_or(state))
    }

    fn listing(&self) -> (String, bool) {
        (self.0.clone(), false)
    }

    fn workspace(&self, key: &str) -> Option<Workspace> {
        let name = key.rsplit('/').next()?.strip_suffix(STATE)?;
        Workspace::parse(name).ok()
    }
}
