//! `aws_iam_openid_connect_provider`: trusts the identities that an OpenID Connect issuer vouches for.
//! IAM: CreateOpenIDConnectProvider, GetOpenIDConnectProvider, ListOpenIDConnectProviders,
//! AddClientIDToOpenIDConnectProvider, RemoveClientIDFromOpenIDConnectProvider, UpdateOpenIDConnectProviderThumbprint,
//! TagOpenIDConnectProvider, UntagOpenIDConnectProvider, DeleteOpenIDConnectProvider.

use async_trait::async_trait;
use aws_sdk_iam::operation::create_open_id_connect_provider::CreateOpenIdConnectProviderOutput as Created;
use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput as Answer;
use futures::future::try_join_all;

use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::schema_words::{string, string_list};
use crate::provider::{
    Config, Create, Delete, IdempotencyKey, Outcome, PlannedChange, ProviderError, ResourceType, Seen, Update, resource,
};
use crate::providers::aws::named::{self, ByName, NamedObject, NamedResource, Naming, some_strings};
use crate::providers::aws::{Aws, tags};

pub fn openid_connect_provider() -> ResourceType<Aws> {
    resource("aws_iam_openid_connect_provider", "Trusts the identities that an OpenID Connect issuer vouches for.")
        .attr("url", string().required().replaces(), "URL of the issuer; kept without https://.")
        .attr("client_id_list", string_list().required(), "Ids of the clients, which are the audiences of the tokens.")
        .attr(
            "thumbprint_list",
            string_list().optional().computed(),
            "Fingerprints of the issuer's certificates; IAM finds them out unless set.",
        )
        .attr("arn", string().always(), "ARN of the provider.")
        .tags()
        .import_example("arn:aws:iam::123456789012:oidc-provider/accounts.google.com")
        .service("iam")
        .driver(ByName(OpenIdConnectProvider))
}

struct OpenIdConnectProvider;

/// What IAM tells of a provider, with the ARN that it was asked by.
struct Api {
    arn: String,
    answer: Answer,
}

/// IAM keeps issuers without the scheme, which is always the same.
fn without_scheme(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url)
}

#[async_trait]
impl NamedObject for OpenIdConnectProvider {
    type Api = Api;
    const NAME: Naming = Naming { attribute: "url", prefix_attribute: "", default_prefix: "" };
    const FEW: usize = usize::MAX;

    /// By ARN, or by the issuer, which is what a configuration knows before there is an ARN: the ARN ends with it.
    async fn describe(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
        if id.starts_with("arn:") {
            return by_arn(aws, id).await;
        }
        let end = format!(":oidc-provider/{id}");
        match arns(aws).await?.iter().find(|arn| arn.ends_with(&end)) {
            Some(arn) => by_arn(aws, arn).await,
            None => Ok(None),
        }
    }

    async fn describe_all(aws: &Aws) -> Result<Vec<Api>, ProviderError> {
        let arns = arns(aws).await?;
        Ok(try_join_all(arns.iter().map(|arn| by_arn(aws, arn))).await?.into_iter().flatten().collect())
    }

    fn id(api: &Api) -> Option<String> {
        Some(api.arn.clone())
    }

    async fn tags(_aws: &Aws, api: &Api) -> Result<Vec<(String, String)>, ProviderError> {
        Ok(tags::from_api(api.answer.tags()).collect())
    }

    fn fields(_aws: &Aws, api: &Api, like: Option<&Object>) -> ObjectBuilder {
        let list = |name: &str, actual: &[String]| ordered(actual, &like.map(|o| o.strings(name)).unwrap_or_default());
        ObjectBuilder::new()
            .maybe("url", api.answer.url().map(without_scheme))
            .strings("client_id_list", list("client_id_list", api.answer.client_id_list()))
            .strings("thumbprint_list", list("thumbprint_list", api.answer.thumbprint_list()))
            .set("arn", api.arn.as_str())
    }

    fn id_of(desired: &Config, _key: &IdempotencyKey) -> String {
        without_scheme(desired.str("url").unwrap_or_default()).to_string()
    }
}

/// IAM keeps sets: what is said comes in the order in which it is said.
fn ordered(actual: &[String], said: &[String]) -> Vec<String> {
    let known = said.iter().filter(|s| actual.contains(s));
    known.chain(actual.iter().filter(|a| !said.contains(a))).cloned().collect()
}

async fn arns(aws: &Aws) -> Result<Vec<String>, ProviderError> {
    let answer =
        aws.call("iam", "ListOpenIDConnectProviders", || aws.iam().list_open_id_connect_providers().send()).await?;
    Ok(answer.open_id_connect_provider_list.unwrap_or_default().into_iter().filter_map(|p| p.arn).collect())
}

async fn by_arn(aws: &Aws, arn: &str) -> Result<Option<Api>, ProviderError> {
    let request = aws.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn);
    let answer = aws.call("iam", "GetOpenIDConnectProvider", || request.clone().send()).await;
    Ok(named::or_nothing(answer)?.map(|answer| Api { arn: arn.to_string(), answer }))
}

#[async_trait]
impl NamedResource for OpenIdConnectProvider {
    /// The URL is the same with and without its scheme.
    fn plan(&self, change: &mut PlannedChange) {
        let (planned, marks) = change.planned.unmark();
        let Value::Object(fields) = planned else { return };
        let Some(url) = fields.get("url").filter(|v| !v.is_unknown()) else { return };
        let Some(bare) = url.as_str().map(|u| Value::string(without_scheme(u))) else { return };
        let is_same = change.prior.as_ref().and_then(|p| p.attr("url")).is_some_and(|was| *was.bare() == bare);
        if is_same {
            change.replace.retain(|path| *path != crate::model::Path::attr("url"));
        }
        let mut fields = (**fields).clone();
        fields.set("url".into(), bare.mark(url.unmark().1));
        change.planned = Value::fields(fields).mark(marks);
    }

    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .iam()
            .create_open_id_connect_provider()
            .url(format!("https://{}", Self::id_of(desired, key)))
            .set_client_id_list(some_strings(desired, "client_id_list"))
            .set_thumbprint_list(some_strings(desired, "thumbprint_list"))
            .set_tags(Some(tags::to_api(&aws.tags().at_creation(desired, key))));
        let id = |answer: &Created| answer.open_id_connect_provider_arn.clone();
        let find = || named::find_id::<OpenIdConnectProvider>(aws, key, desired);
        let call = aws.create("iam", "CreateOpenIDConnectProvider", || create.clone().send(), id, find);
        named::make::<OpenIdConnectProvider, _>(aws, key, desired, call).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        named::wait_for::<OpenIdConnectProvider>(aws, &request.op, id, "found", |_| Ok(Seen::Ready(()))).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let changed = change(aws, &request).await;
        named::changed::<OpenIdConnectProvider>(aws, named::name(&request.id), &request.desired, changed).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let delete = aws.iam().delete_open_id_connect_provider().open_id_connect_provider_arn(&*request.id.0);
        aws.call("iam", "DeleteOpenIDConnectProvider", || delete.clone().send()).await.map(drop)
    }
}

async fn change(aws: &Aws, update: &Update) -> Result<(), ProviderError> {
    let (arn, prior, desired) = (named::name(&update.id), &update.prior, &update.desired);
    let (was, shall) = (prior.strings("client_id_list"), desired.strings("client_id_list"));
    for client in shall.iter().filter(|c| !was.contains(c)) {
        let request =
            aws.iam().add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(client);
        aws.call("iam", "AddClientIDToOpenIDConnectProvider", || request.clone().send()).await?;
    }
    for client in was.iter().filter(|c| !shall.contains(c)) {
        let request = aws
            .iam()
            .remove_client_id_from_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .client_id(client);
        aws.call("iam", "RemoveClientIDFromOpenIDConnectProvider", || request.clone().send()).await?;
    }
    if update.has_changed("thumbprint_list") {
        let request = aws
            .iam()
            .update_open_id_connect_provider_thumbprint()
            .open_id_connect_provider_arn(arn)
            .set_thumbprint_list(Some(desired.strings("thumbprint_list")));
        aws.call("iam", "UpdateOpenIDConnectProviderThumbprint", || request.clone().send()).await?;
    }
    let change = aws.tags().change(prior, desired);
    if !change.remove.is_empty() {
        let request = aws.iam().untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
        let request = request.set_tag_keys(Some(change.remove));
        aws.call("iam", "UntagOpenIDConnectProvider", || request.clone().send()).await?;
    }
    if !change.set.is_empty() {
        let request = aws.iam().tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
        let request = request.set_tags(Some(tags::to_api(&change.set)));
        aws.call("iam", "TagOpenIDConnectProvider", || request.clone().send()).await?;
    }
    Ok(())
}
