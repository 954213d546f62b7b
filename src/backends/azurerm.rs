//! `backend "azurerm"`: states in Azure Blob Storage.

use std::sync::Arc;

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::documents::DocumentBackend;
use super::documents::objects::{Layout, Objects, client, retry, told};
use super::{Argument, Backend, Configuration, Context, Kind, Registration};
use crate::state::{StateError, Workspace};

pub const REGISTRATION: Registration = Registration {
    name: "azurerm",
    about: "Blobs of an Azure storage account.",
    arguments: &[
        Argument::text("storage_account_name", "The storage account.").required(),
        Argument::text("container_name", "The container.").required(),
        Argument::text("key", "The name of the state's blob.").required(),
        Argument::text("access_key", "A key of the storage account.").secret().or(&["ARM_ACCESS_KEY"]),
        Argument::text("sas_token", "A shared access signature.").secret().or(&["ARM_SAS_TOKEN"]),
        Argument::text("tenant_id", "The tenant.").or(&["ARM_TENANT_ID"]),
        Argument::text("client_id", "The client of a service principal or identity.").or(&["ARM_CLIENT_ID"]),
        Argument::text("client_secret", "The secret of a service principal.").secret().or(&["ARM_CLIENT_SECRET"]),
        Argument::text("oidc_token_file_path", "A file with a token of a federated identity.")
            .or(&["ARM_OIDC_TOKEN_FILE_PATH", "AZURE_FEDERATED_TOKEN_FILE"]),
        Argument::text("use_cli", "Takes the credentials of the Azure CLI.").kind(Kind::Flag).or(&["ARM_USE_CLI"]),
        Argument::text("use_msi", "Takes the identity of the machine.").kind(Kind::Flag).or(&["ARM_USE_MSI"]),
        Argument::text("msi_endpoint", "Where the identity of the machine is asked for.").or(&["ARM_MSI_ENDPOINT"]),
        Argument::text("use_oidc", "Takes a federated identity.").kind(Kind::Flag).or(&["ARM_USE_OIDC"]),
        Argument::text("use_azuread_auth", "Has no effect: the credentials decide.").kind(Kind::Flag),
        Argument::text(
            "blob_endpoint",
            "The endpoint of the account's blobs, for clouds and emulators with another one.",
        ),
        Argument::text("subscription_id", "Has no effect: the account's name is enough.").or(&["ARM_SUBSCRIPTION_ID"]),
        Argument::text("resource_group_name", "Has no effect: the account's name is enough."),
        Argument::text("environment", "Has no effect: use blob_endpoint."),
        Argument::text("snapshot", "Has no effect.").kind(Kind::Flag),
    ],
    connect,
};

fn connect(configuration: &Configuration, context: &Context) -> Result<Arc<dyn Backend>, StateError> {
    let text = |name: &str| configuration.text(name);
    let (account, container) =
        (text("storage_account_name").unwrap_or_default(), text("container_name").unwrap_or_default());
    let prefix = format!("azure://{account}/{container}/");
    let endpoint = text("blob_endpoint");
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_retry(retry())
        .with_client_options(client(endpoint))
        .with_use_azure_cli(configuration.flag("use_cli"));
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_string());
    }
    for (name, key) in [
        ("access_key", AzureConfigKey::AccessKey),
        ("sas_token", AzureConfigKey::SasKey),
        ("tenant_id", AzureConfigKey::AuthorityId),
        ("client_id", AzureConfigKey::ClientId),
        ("client_secret", AzureConfigKey::ClientSecret),
        ("oidc_token_file_path", AzureConfigKey::FederatedTokenFile),
        ("msi_endpoint", AzureConfigKey::MsiEndpoint),
    ] {
        if let Some(value) = text(name) {
            builder = builder.with_config(key, value.trim_start_matches('?'));
        }
    }
    let store = builder.build().map_err(|e| told(&prefix, e))?;
    let key = text("key").unwrap_or_default().trim_start_matches('/').to_string();
    let keys = Arc::new(Objects::new(Arc::new(store), Arc::new(Keys(key)), prefix));
    Ok(Arc::new(DocumentBackend::new(keys, context.clone())?))
}

/// `KEY` for the default workspace, `KEYenv:NAME` for others. Terraform takes all blobs that begin so for
/// workspaces: what is ours lies elsewhere.
struct Keys(String);

impl Layout for Keys {
    fn state(&self, workspace: &Workspace) -> String {
        match workspace.is_default() {
            true => self.0.clone(),
            false => format!("{}env:{workspace}", self.0),
        }
    }

    fn lock(&self, state: &str) -> String {
        format!(".terrane/{state}/lock")
    }

    fn segments(&self, state: &str) -> String {
        format!(".terrane/{state}/journal")
    }

    fn listing(&self) -> (String, bool) {
        (self.0.rsplit_once('/').map_or("", |(folder, _)| folder).to_string(), false)
    }

    fn workspace(&self, key: &str) -> Option<Workspace> {
        Workspace::parse(key.strip_prefix(&self.0)?.strip_prefix("env:")?).ok()
    }
}
