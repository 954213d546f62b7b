//! `aws_eip`: a public IPv4 address that stays the same.
//! EC2: AllocateAddress, DescribeAddresses, AssociateAddress, DisassociateAddress, ReleaseAddress.

use async_trait::async_trait;
use aws_sdk_ec2::operation::allocate_address::AllocateAddressOutput;
use aws_sdk_ec2::types::{Address as Api, DomainType, Filter as ApiFilter, ResourceType as Tagged, Tag};

use super::MINUTE;
use super::object::{self, Ec2Object, Ec2Resource, Mapped};
use crate::model::{Object, ObjectBuilder};
use crate::provider::schema_words::{boolean, string};
use crate::provider::{Create, Delete, Outcome, ProviderError, ResourceType, Update, resource};
use crate::providers::aws::Aws;
use crate::providers::aws::ending::gone_is_fine;

pub fn eip() -> ResourceType<Aws> {
    resource("aws_eip", "A public IPv4 address that stays the same.")
        .attr("domain", string().optional().computed().replaces(), "Always \"vpc\".")
        .attr("vpc", boolean().optional().computed().replaces().deprecated("use domain = \"vpc\""), "As domain.")
        .attr("address", string().optional().replaces(), "An address of a pool of your own, or one to recover.")
        .attr("public_ipv4_pool", string().optional().computed().replaces(), "The pool that the address is from.")
        .attr("customer_owned_ipv4_pool", string().optional().replaces(), "The pool of an Outpost.")
        .attr("network_border_group", string().optional().computed().replaces(), "Where the address is announced.")
        .attr("ipam_pool_id", string().optional().computed().replaces(), "The IPAM pool that the address is from.")
        .attr("instance", string().optional().computed(), "The instance that has the address.")
        .attr("network_interface", string().optional().computed(), "The network interface that has the address.")
        .attr("associate_with_private_ip", string().optional(), "The private address that it is mapped to.")
        .attr("allocation_id", string().computed(), "Id of the address.")
        .attr("arn", string().always(), "ARN of the address.")
        .attr("association_id", string().computed(), "Id of the mapping to an instance or interface.")
        .attr("carrier_ip", string().computed(), "Address in a carrier's network.")
        .attr("customer_owned_ip", string().computed(), "Address in your network, on an Outpost.")
        .attr("private_dns", string().computed(), "Name of the private address.")
        .attr("private_ip", string().computed(), "Private address that it is mapped to.")
        .attr("public_dns", string().computed(), "Name of the address.")
        .attr("public_ip", string().computed(), "The address.")
        .tags()
        .timeouts(MINUTE * 15, MINUTE * 5, MINUTE * 3)
        .import_example("eipalloc-0123456789abcdef0")
        .service("ec2")
        .driver(Eip)
}

struct Eip;

#[async_trait]
impl Ec2Object for Eip {
    type Api = Api;
    const ID_FILTER: &'static str = "allocation-id";

    /// DescribeAddresses gives all at once.
    async fn describe(aws: &Aws, filters: Vec<ApiFilter>) -> Result<Vec<Api>, ProviderError> {
        let request = aws.ec2().describe_addresses().set_filters(Some(filters));
        let answer = aws.call("ec2", "DescribeAddresses", || request.clone().send()).await?;
        Ok(answer.addresses.unwrap_or_default())
    }

    fn id(api: &Api) -> Option<&str> {
        api.allocation_id()
    }

    fn tags(api: &Api) -> &[Tag] {
        api.tags()
    }

    async fn objects(aws: &Aws, found: &[(Api, Option<Object>)]) -> Result<Vec<Mapped>, ProviderError> {
        Ok(object::each(found, |api, like| fields(aws, api, like)))
    }
}

fn fields(aws: &Aws, api: &Api, like: Option<&Object>) -> Object {
    let id = api.allocation_id().unwrap_or_default();
    let said = |name: &str| like.and_then(|o| o.get(name)).cloned();
    let name = |prefix: &str, ip: &str, zone: String| format!("{prefix}-{}.{zone}", ip.replace('.', "-"));
    let object = ObjectBuilder::new()
        .maybe("domain", api.domain().map(DomainType::as_str))
        .set("vpc", api.domain() == Some(&DomainType::Vpc))
        .set("allocation_id", id)
        .set("arn", aws.arn("ec2", &format!("elastic-ip/{id}")))
        .maybe("public_ip", api.public_ip())
        .maybe("public_dns", api.public_ip().map(|ip| name("ec2", ip, public_zone(aws))))
        .maybe("private_ip", object::text(api.private_ip_address()))
        .maybe("private_dns", api.private_ip_address().map(|ip| name("ip", ip, private_zone(aws))))
        .maybe("association_id", object::text(api.association_id()))
        .maybe("instance", object::text(api.instance_id()))
        .maybe("network_interface", object::text(api.network_interface_id()))
        .maybe("public_ipv4_pool", object::text(api.public_ipv4_pool()))
        .maybe("network_border_group", object::text(api.network_border_group()))
        .maybe("carrier_ip", object::text(api.carrier_ip()))
        .maybe("customer_owned_ip", object::text(api.customer_owned_ip()))
        .maybe("customer_owned_ipv4_pool", object::text(api.customer_owned_ipv4_pool()))
        // The request's words, which no answer has.
        .maybe("address", said("address"))
        .maybe("ipam_pool_id", said("ipam_pool_id"))
        .maybe("associate_with_private_ip", said("associate_with_private_ip"));
    object::put::<Eip>(aws, object, api, like).build()
}

fn public_zone(aws: &Aws) -> String {
    match aws.region() {
        "us-east-1" => format!("compute-1.{}", aws.partition().dns_suffix),
        region => format!("{region}.compute.{}", aws.partition().dns_suffix),
    }
}

fn private_zone(aws: &Aws) -> String {
    match aws.region() {
        "us-east-1" => "ec2.internal".to_string(),
        region => format!("{region}.compute.internal"),
    }
}

#[async_trait]
impl Ec2Resource for Eip {
    async fn begin(&self, aws: &Aws, request: &Create) -> Result<String, ProviderError> {
        let Create { desired, key, .. } = request;
        let create = aws
            .ec2()
            .allocate_address()
            .domain(DomainType::Vpc)
            .set_address(desired.string("address"))
            .set_public_ipv4_pool(desired.string("public_ipv4_pool"))
            .set_customer_owned_ipv4_pool(desired.string("customer_owned_ipv4_pool"))
            .set_network_border_group(desired.string("network_border_group"))
            .set_ipam_pool_id(desired.string("ipam_pool_id"))
            .tag_specifications(object::tag_specification(aws, Tagged::ElasticIp, desired, key));
        let id = |answer: &AllocateAddressOutput| answer.allocation_id.clone();
        let find = || object::find_id::<Eip>(aws, key);
        aws.create("ec2", "AllocateAddress", || create.clone().send(), id, find).await
    }

    async fn complete(&self, aws: &Aws, request: &Create, id: &str) -> Result<(), ProviderError> {
        object::appeared::<Eip>(aws, &request.op, id).await?;
        associate(aws, id, &request.desired).await
    }

    async fn update(&self, aws: &Aws, request: Update) -> Outcome {
        let id = &*request.id.0;
        let steps = async {
            let parts = ["instance", "network_interface", "associate_with_private_ip"];
            if parts.iter().any(|p| request.has_changed(p)) {
                disassociate(aws, &request.prior).await?;
                associate(aws, id, &request.desired).await?;
            }
            object::update_tags(aws, id, &request.prior, &request.desired).await
        };
        object::changed::<Eip>(aws, id, &request.desired, steps.await).await
    }

    async fn delete(&self, aws: &Aws, request: Delete) -> Result<(), ProviderError> {
        let id = &*request.id.0;
        // What is mapped now counts: another resource may map the address, as a NAT gateway does.
        let now = object::read::<Eip>(aws, id, None).await?;
        let Some(now) = now else { return Ok(()) };
        if now.object.str("instance").is_some() {
            disassociate(aws, &now.object).await?;
        }
        let border = request.prior.string("network_border_group");
        let release = aws.ec2().release_address().allocation_id(id).set_network_border_group(border);
        let call = || async { aws.call("ec2", "ReleaseAddress", || release.clone().send()).await.map(drop) };
        // A NAT gateway keeps the address for a while after it is deleted; EC2 says AuthFailure then.
        let passes = |e: &ProviderError| e.kind == crate::provider::ErrorKind::Conflict || e.code == "AuthFailure";
        aws.insist(&request.op, MINUTE * 3, passes, call).await
    }
}

async fn associate(aws: &Aws, id: &str, desired: &Object) -> Result<(), ProviderError> {
    let (instance, interface) = (desired.string("instance"), desired.string("network_interface"));
    if instance.is_none() && interface.is_none() {
        return Ok(());
    }
    let request = aws
        .ec2()
        .associate_address()
        .allocation_id(id)
        .set_instance_id(instance)
        .set_network_interface_id(interface)
        .set_private_ip_address(desired.string("associate_with_private_ip"));
    aws.call("ec2", "AssociateAddress", || request.clone().send()).await.map(drop)
}

async fn disassociate(aws: &Aws, object: &Object) -> Result<(), ProviderError> {
    let Some(association) = object.str("association_id") else { return Ok(()) };
    let request = aws.ec2().disassociate_address().association_id(association);
    gone_is_fine(aws.call("ec2", "DisassociateAddress", || request.clone().send()).await.map(drop))
}
