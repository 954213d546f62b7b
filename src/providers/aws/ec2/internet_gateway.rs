//! `aws_internet_gateway`: the way between a VPC and the internet.
//! EC2: CreateInternetGateway, DescribeInternetGateways, AttachInternetGateway, DetachInternetGateway,
//! DeleteInternetGateway.

use async_trait::async_trait;
use aws_sdk_ec2::operation::create_internet_gateway::CreateInternetGatewayOutput;
use aws_sdk_ec2::types::{Filter as ApiFilter, InternetGateway as Api, ResourceType as Tagged, Tag};

use super::MINUTE;
use super::object::{self, Ec2Object, Ec2Resource, Mapped, pages};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::string;
use crate::provider::{Create, Delete, Operation, Outcome, ProviderError, ResourceType, Update, resource};
use crate::providers::aws::Aws;

pub fn internet_gateway() -> ResourceType<Aws> {
    resource("aws_internet_gateway", "The way between a VPC and the internet.")
        .attr("vpc_id", string().optional().computed(), "The VPC that it is attached to.")
        .attr("arn", string().always(), "ARN of the gateway.")
        .attr("owner_id", string().computed(), "The account that owns the gateway.")
        .tags()
        .timeouts(MINUTE * 20, MINUTE * 20, MINUTE * 20)
        .import_example("igw-0123456789abcdef0")
        .service("ec2")
        .driver(InternetGateway)
}

struct InternetGateway;

#[async_trait]
impl Ec2Object for InternetGateway {
    type Api = Api;
    const ID_FILTER: &'static str = "internet-gateway-id";

    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        let request = aws.ec2().describe_internet_gateways().set_filters(Some(filters));
        Ok(pages!(aws, "DescribeInternetGateways", request, internet_gateways))
    }

    fn id(api: &Api) -> Option<&str> {
        api.internet_gateway_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        Ok(object::each(found, |api, like| {
            let id = api.internet_gateway_id().unwrap_or_default();
            let owner = api.owner_id().unwrap_or(aws.account());
            let object = ObjectBuilder::new()
                .maybe("vpc_id", api.attachments().first().and_then(|a| object::text(a.vpc_id())))
                .set("owner_id", owner)
                .set("arn", aws.arn_of("ec2", owner, &format!("internet-gateway/{id}")));
            object::put::<InternetGateway>(aws, object, api, like).build()
        }))
    }
}

#[async_trait]
impl Ec2Resource for InternetGateway {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let tags = object::tag_specification(aws, Tagged::InternetGateway, desired, key);
        let create = aws.ec2().create_internet_gateway().tag_specifications(tags);
        let id = |a: &CreateInternetGatewayOutput| a.internet_gateway()?.internet_gateway_id.clone();
        let find = || object::find_id::<InternetGateway>(aws, key);
        aws.create("ec2", "CreateInternetGateway", || create.clone().send(), id, find).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        object::appeared::<InternetGateway>(aws, &request.op, id).await?;
        match request.desired.str("vpc_id") {
            Some(vpc) => attach(aws, id, vpc).await,
            None => Ok(()),
        }
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        let steps = async {
            if request.has_changed("vpc_id") {
                detach(aws, &request.op, id, &request.prior).await?;
                if let Some(vpc) = request.desired.str("vpc_id") {
                    attach(aws, id, vpc).await?;
                }
            }
            object::update_tags(aws, id, &request.prior, &request.desired).await
        };
        object::changed::<InternetGateway>(aws, id, &request.desired, steps.await).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let id = &*request.id.0;
        detach(aws, &request.op, id, &request.prior).await?;
        let delete = aws.ec2().delete_internet_gateway().internet_gateway_id(id);
        let call = || async { aws.call("ec2", "DeleteInternetGateway", || delete.clone().send()).await.map(drop) };
        object::delete_when_free(aws, &request.op, call).await
    }
}

async fn attach(aws: &Aws, id: &str, vpc: &str) -> Result<(), ProviderError> {
    let request = aws.ec2().attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
    match aws.call("ec2", "AttachInternetGateway", || request.clone().send()).await {
        // A retry finds what the first attempt did.
        Err(error) if error.code == "Resource.AlreadyAssociated" => is_attached(aws, id, vpc, error).await,
        other => other.map(drop),
    }
}

async fn is_attached(aws: &Aws, id: &str, vpc: &str, error: ProviderError) -> Result<(), ProviderError> {
    let found = InternetGateway::describe(aws, vec![object::filter(InternetGateway::ID_FILTER, [id])]).await?;
    let here = found.iter().flat_map(Api::attachments).any(|a| a.vpc_id() == Some(vpc));
    if here { Ok(()) } else { Err(error) }
}

/// A gateway cannot be detached while public addresses are mapped through it: those that are being released are
/// waited for.
async fn detach(aws: &Aws, op: &Operation, id: &str, prior: &Object) -> Result<(), ProviderError> {
    let Some(vpc) = prior.str("vpc_id") else { return Ok(()) };
    let request = aws.ec2().detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
    let call = || async {
        match aws.call("ec2", "DetachInternetGateway", || request.clone().send()).await {
            Err(error) if error.code == "Gateway.NotAttached" => Ok(()),
            other => other.map(drop),
        }
    };
    object::delete_when_free(aws, op, call).await
}
