//! `aws_iam_role_policy`: permissions that stand in a role itself.
//! IAM: PutRolePolicy, GetRolePolicy, ListRolePolicies, DeleteRolePolicy.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::{join_all, try_join_all};

use super::role;
use super::{document, role_own_policies};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{policy, string};
use crate::provider::{
    Config, Create, Delete, Driver, Filter, IdempotencyKey, Listed, Operation, Outcome, ProviderError, Read,
    ReadOutcome, RemoteId, ResourceType, Seen, Stored, Trace, Update, resource,
};
use crate::providers::aws::Aws;
use crate::providers::aws::named::{self, Naming, said};

/// How long a role that was just made may be unknown.
const NOT_SEEN_LIMIT: Duration = Duration::from_secs(20);

const NAME: Naming = Naming { attribute: "name", prefix_attribute: "name_prefix", default_prefix: "terraform-" };

pub fn role_policy() -> ResourceType<Aws> {
    resource("aws_iam_role_policy", "Permissions that stand in a role itself.")
        .attr("name", string().optional().computed().replaces().conflicts_with(&["name_prefix"]), "Name of the policy.")
        .attr("name_prefix", string().optional().computed().replaces(), "Beginning of a name that is made up.")
        .attr("policy", policy().required(), "JSON policy: what is allowed.")
        .attr("role", string().required().replaces(), "Name of the role.")
        .import_example("role_of_mypolicy_name:mypolicy_name")
        .service("iam")
        .driver(RolePolicy)
}

struct RolePolicy;

/// A role and the name of a policy in it; the id is both with a colon between, which neither can contain.
struct Place {
    role: String,
    name: String,
}

impl Place {
    fn parse(id: &str) -> Option<Place> {
        let (role, name) = id.split_once(':').filter(|(role, name)| !role.is_empty() && !name.is_empty())?;
        Some(Place { role: role.to_string(), name: name.to_string() })
    }

    fn id(&self) -> String {
        format!("{}:{}", self.role, self.name)
    }

    fn of(desired: &Config, key: &IdempotencyKey) -> Place {
        Place { role: desired.string("role").unwrap_or_default(), name: NAME.of(desired, key) }
    }
}

async fn read(aws: &Aws, place: &Place, like: Option<&Object>) -> Result<Option<Stored>, ProviderError> {
    let Some(encoded) = role_own_policies::document_of(aws, &place.role, &place.name).await? else { return Ok(None) };
    let object = ObjectBuilder::new()
        .set("id", place.id())
        .set("name", place.name.as_str())
        .maybe("name_prefix", said(like, "name_prefix"))
        .set("policy", document(&encoded, like, "policy"))
        .set("role", place.role.as_str());
    Ok(Some(Stored::new(place.id(), object.build())))
}

/// Puts the policy and waits until it shows. Putting it again is harmless.
async fn put(aws: &Aws, op: &Operation, place: &Place, desired: &Config) -> Outcome {
    let document = desired.str("policy").unwrap_or_default();
    let call = || role_own_policies::put(aws, &place.role, &place.name, document);
    if let Err(error) = aws.insist(op, NOT_SEEN_LIMIT, ProviderError::is_not_found, call).await {
        return Outcome::Failed(error);
    }
    let look = || async {
        Ok(match read(aws, place, Some(desired)).await? {
            Some(stored) => Seen::Ready(stored),
            None => Seen::Pending("not found".to_string()),
        })
    };
    let made = |error| {
        let object = ObjectBuilder::from(desired).set("id", place.id()).set("name", place.name.as_str());
        Outcome::Partial(Stored::new(place.id(), object.build()), error)
    };
    aws.wait(op, "found", look).await.map_or_else(made, Outcome::Done)
}

#[async_trait]
impl Driver<Aws> for RolePolicy {
    /// A call for each, side by side: IAM has none for many.
    async fn read_many(&self, aws: &Aws, reads: &[Read]) -> Vec<ReadOutcome> {
        let one = |wanted: &Read| {
            let (place, prior) = (Place::parse(&wanted.id.0), wanted.prior.clone());
            async move {
                let Some(place) = place else { return ReadOutcome::Gone };
                match read(aws, &place, prior.as_ref()).await {
                    Ok(Some(stored)) => ReadOutcome::Found(stored),
                    Ok(None) => ReadOutcome::Gone,
                    Err(error) => ReadOutcome::Failed(error),
                }
            }
        };
        join_all(reads.iter().map(one)).await
    }

    async fn create(&self, aws: &Aws, request: Create) -> Outcome {
        let place = Place::of(&request.desired, &request.key);
        put(aws, &request.op, &place, &request.desired).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        match Place::parse(&request.id.0) {
            Some(place) => put(aws, &request.op, &place, &request.desired).await,
            None => Outcome::Failed(not_a_policy(&request.id.0)),
        }
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let Some(place) = Place::parse(&request.id.0) else { return Ok(()) };
        role_own_policies::remove(aws, &place.role, &place.name).await
    }

    /// Policies in roles have no tags: a filter on tags is one on the roles'.
    async fn list(&self, aws: &Aws, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let roles = role::names(aws, filter).await?;
        let names = roles.iter().map(|role| async {
            let names = named::or_nothing(role_own_policies::names(aws, role).await)?.unwrap_or_default();
            let places = names.into_iter().map(|name| Place { role: role.clone(), name });
            Ok::<Vec<Place>, ProviderError>(places.collect())
        });
        let places: Vec<Place> = try_join_all(names).await?.into_iter().flatten().collect();
        let found = try_join_all(places.iter().map(|place| read(aws, place, None))).await?;
        let listed = |stored: Stored| Listed { display_name: Some(stored.id.0.to_string()), stored };
        Ok(found.into_iter().flatten().map(listed).collect())
    }

    /// One of the same name and meaning in the role is the one: putting it again would change nothing.
    fn trace(&self) -> Trace {
        Trace::Likeness
    }

    async fn find_by_key(
        &self,
        aws: &Aws,
        key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        let found = read(aws, &Place::of(desired, key), Some(desired)).await?;
        Ok(found.filter(|stored| stored.object.str("policy") == desired.str("policy")))
    }

    fn import_id(&self, written: &str) -> Result<RemoteId, ProviderError> {
        match Place::parse(written) {
            Some(_) => Ok(RemoteId(written.into())),
            None => Err(not_a_policy(written)),
        }
    }
}

fn not_a_policy(written: &str) -> ProviderError {
    ProviderError::invalid(format!("\"{written}\" does not name a policy of a role"))
        .help("write the role's name and the policy's, such as role_of_mypolicy_name:mypolicy_name")
}
