//! `aws_nat_gateway`: lets private subnets call out.
//! EC2: CreateNatGateway, DescribeNatGateways, DeleteNatGateway.

use async_trait::async_trait;
use aws_sdk_ec2::operation::create_nat_gateway::CreateNatGatewayOutput;
use aws_sdk_ec2::types::{
    ConnectivityType, Filter as ApiFilter, NatGateway as Api, NatGatewayAddress, NatGatewayState as State,
    ResourceType as Tagged, Tag,
};

use super::MINUTE;
use super::object::{self, Ec2Object, Ec2Resource, Mapped, pages};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{string, string_set};
use crate::provider::{
    Create, Delete, ErrorKind, Operation, Outcome, ProviderError, ResourceType, Seen, Update, resource,
};
use crate::providers::aws::Aws;

pub fn nat_gateway() -> ResourceType<Aws> {
    resource("aws_nat_gateway", "Lets private subnets call out.")
        .attr("subnet_id", string().required().replaces(), "The subnet that the gateway stands in.")
        .attr("allocation_id", string().optional().replaces(), "The Elastic IP of a public gateway.")
        .attr(
            "connectivity_type",
            string().default("public").one_of(&["public", "private"]).replaces(),
            "Whether it leads to the internet or to other networks.",
        )
        .attr("private_ip", string().optional().computed().replaces(), "The gateway's private address.")
        .attr("secondary_allocation_ids", string_set().optional().computed().replaces(), "More Elastic IPs.")
        .attr(
            "secondary_private_ip_addresses",
            string_set().optional().computed().replaces(),
            "More private addresses.",
        )
        .attr("association_id", string().computed(), "The mapping of the Elastic IP.")
        .attr("network_interface_id", string().computed(), "The gateway's network interface.")
        .attr("public_ip", string().computed(), "The gateway's public address.")
        .tags()
        .timeouts(MINUTE * 10, MINUTE * 10, MINUTE * 30)
        .import_example("nat-0123456789abcdef0")
        .service("ec2")
        .driver(NatGateway)
}

struct NatGateway;

#[async_trait]
impl Ec2Object for NatGateway {
    type Api = Api;
    const ID_FILTER: &'static str = "nat-gateway-id";

    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        // This operation alone calls its filters "Filter".
        let request = aws.ec2().describe_nat_gateways().set_filter(Some(filters));
        Ok(pages!(aws, "DescribeNatGateways", request, nat_gateways))
    }

    fn id(api: &Api) -> Option<&str> {
        api.nat_gateway_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    /// A deleted gateway shows for about an hour.
    fn is_gone(api: &Api) -> bool {
        matches!(api.state(), Some(State::Deleted | State::Deleting))
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        Ok(object::each(found, |api, like| fields(aws, api, like)))
    }
}

fn fields(aws: &Aws, api: &Api, like: Option<&Object>) -> Object {
    let addresses = api.nat_gateway_addresses();
    let primary = addresses.iter().find(|a| a.is_primary() == Some(true)).or(addresses.first());
    let others = || addresses.iter().filter(|a| primary.is_none_or(|p| !std::ptr::eq(*a, p)));
    let text = |of: fn(&NatGatewayAddress) -> Option<&str>| primary.and_then(|a| object::text(of(a)));
    let object = ObjectBuilder::new()
        .maybe("subnet_id", api.subnet_id())
        .set("connectivity_type", api.connectivity_type().map_or("public", ConnectivityType::as_str))
        .maybe("allocation_id", text(NatGatewayAddress::allocation_id))
        .maybe("association_id", text(NatGatewayAddress::association_id))
        .maybe("network_interface_id", text(NatGatewayAddress::network_interface_id))
        .maybe("private_ip", text(NatGatewayAddress::private_ip))
        .maybe("public_ip", text(NatGatewayAddress::public_ip))
        .string_set("secondary_allocation_ids", others().filter_map(NatGatewayAddress::allocation_id))
        .string_set("secondary_private_ip_addresses", others().filter_map(NatGatewayAddress::private_ip));
    object::put::<NatGateway>(aws, object, api, like).build()
}

#[async_trait]
impl Ec2Resource for NatGateway {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let strings = |name: &str| Some(desired.strings(name)).filter(|s| !s.is_empty());
        let create = aws
            .ec2()
            .create_nat_gateway()
            .client_token(&*key.0)
            .set_subnet_id(desired.string("subnet_id"))
            .set_allocation_id(desired.string("allocation_id"))
            .set_connectivity_type(desired.str("connectivity_type").map(ConnectivityType::from))
            .set_private_ip_address(desired.string("private_ip"))
            .set_secondary_allocation_ids(strings("secondary_allocation_ids"))
            .set_secondary_private_ip_addresses(strings("secondary_private_ip_addresses"))
            .tag_specifications(object::tag_specification(aws, Tagged::Natgateway, desired, key));
        let id = |answer: &CreateNatGatewayOutput| answer.nat_gateway()?.nat_gateway_id.clone();
        let find = || object::find_id::<NatGateway>(aws, key);
        aws.create("ec2", "CreateNatGateway", || create.clone().send(), id, find).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        wait_available(aws, &request.op, id).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        let steps = object::update_tags(aws, id, &request.prior, &request.desired).await;
        object::changed::<NatGateway>(aws, id, &request.desired, steps).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let id = &*request.id.0;
        let delete = aws.ec2().delete_nat_gateway().nat_gateway_id(id);
        aws.call("ec2", "DeleteNatGateway", || delete.clone().send()).await?;
        let look = || async {
            let found = look(aws, id).await?;
            Ok(match found.as_ref().and_then(Api::state) {
                None | Some(State::Deleted) => Seen::Ready(()),
                Some(state) => Seen::Pending(state.as_str().to_string()),
            })
        };
        aws.wait(&request.op, "deleted", look).await
    }
}

async fn look(aws: &Aws, id: &str) -> Result<Option<Api>, ProviderError> {
    Ok(NatGateway::describe(aws, vec![object::filter(NatGateway::ID_FILTER, [id])]).await?.into_iter().next())
}

async fn wait_available(aws: &Aws, op: &Operation, id: &str) -> Result<(), ProviderError> {
    let look = || async {
        let found = look(aws, id).await?;
        match found.as_ref().and_then(Api::state) {
            Some(State::Available) => Ok(Seen::Ready(())),
            Some(State::Failed) => Err(failed(found.as_ref())),
            state => Ok(Seen::Pending(state.map_or("not found", |s| s.as_str()).to_string())),
        }
    };
    aws.wait(op, "available", look).await
}

/// EC2 tells only afterwards that a gateway could not be made, such as in a subnet without an internet gateway.
fn failed(api: Option<&Api>) -> ProviderError {
    let message = api.and_then(Api::failure_message).unwrap_or("the NAT gateway could not be made");
    let code = api.and_then(Api::failure_code).unwrap_or_default();
    ProviderError::new(ErrorKind::Other, message).code(code).operation("ec2:CreateNatGateway")
}
