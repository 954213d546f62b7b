//! Data sources in the sandbox: who we are and where, and look-ups among the simulated objects.

use super::connection::SandboxConnection;
use super::mint::short_region;
use super::mint::{ACCOUNT, Mint, PARTITION};
use super::objects::Row;
use super::synthesis::{Birth, complete};
use crate::model::{Block, Object, ObjectBuilder, Value};
use crate::provider::{Config, ErrorKind, ProviderError};

/// The answer of a data source of this type.
pub async fn read(
    connection: &SandboxConnection,
    ty: &str,
    block: &Block,
    config: &Config,
) -> Result<Object, ProviderError> {
    if let Some(known) = of_the_place(ty, connection.region(), config) {
        return Ok(Object::new(&block.fit(&known.value())));
    }
    if connection.has_type(ty) {
        return one(connection, ty, block, config).await;
    }
    // `aws_subnets` are the ids of `aws_subnet`.
    if let Some(single) = ty.strip_suffix('s').filter(|single| connection.has_type(single)) {
        let rows = matching(connection, single, config).await?;
        let ids = rows.iter().map(|row| row.id.as_str());
        let object = ObjectBuilder::from(config).strings("ids", ids).set("id", connection.region()).build();
        return Ok(Object::new(&block.fit(&object.value())));
    }
    Ok(invented(connection, ty, block, config))
}

/// What depends on the account and the region alone.
fn of_the_place(ty: &str, region: &str, config: &Config) -> Option<Object> {
    let object = ObjectBuilder::from(config);
    let object = match ty {
        "aws_caller_identity" => object
            .set("account_id", ACCOUNT)
            .set("arn", format!("arn:{PARTITION}:iam::{ACCOUNT}:user/sandbox"))
            .set("user_id", "AIDASANDBOXSANDBOXSAN")
            .set("id", ACCOUNT),
        "aws_region" => {
            let region = config.str("name").or(config.str("region")).unwrap_or(region);
            object
                .set("name", region)
                .set("region", region)
                .set("id", region)
                .set("endpoint", format!("ec2.{region}.amazonaws.com"))
                .set("description", format!("Sandbox ({region})"))
        }
        "aws_partition" => object
            .set("partition", PARTITION)
            .set("id", PARTITION)
            .set("dns_suffix", "amazonaws.com")
            .set("reverse_dns_prefix", "com.amazonaws"),
        "aws_availability_zones" => {
            let excluded = config.strings("exclude_names");
            let letters = if region == "us-east-1" { "abcdef" } else { "abc" };
            let zones: Vec<(usize, String)> = letters.chars().map(|c| format!("{region}{c}")).enumerate().collect();
            let kept: Vec<_> = zones.into_iter().filter(|(_, name)| !excluded.contains(name)).collect();
            object
                .strings("names", kept.iter().map(|(_, name)| name.as_str()))
                .strings("zone_ids", kept.iter().map(|(i, _)| format!("{}-az{}", short_region(region), i + 1)))
                .strings("group_names", [format!("{region}-zg-1")])
                .set("id", region)
        }
        _ => return None,
    };
    Some(object.build())
}

async fn one(
    connection: &SandboxConnection,
    ty: &str,
    block: &Block,
    config: &Config,
) -> Result<Object, ProviderError> {
    let mut rows = matching(connection, ty, config).await?;
    if rows.len() > 1 {
        let message = format!("{} objects of type {ty} match, one was expected", rows.len());
        return Err(ProviderError::invalid(message).help("say more about the one that is meant, such as its id"));
    }
    let Some(row) = rows.pop() else {
        let message = format!("no object of type {ty} in the sandbox matches");
        return Err(ProviderError::new(ErrorKind::NotFound, message)
            .help("the sandbox holds only what was created in it: create the object there first"));
    };
    // What was written stays as it was written.
    let found = row.object.fields().iter().cloned();
    let written = config.fields().iter().filter(|(_, v)| !is_empty(v)).cloned();
    let merged = Value::object(found.chain(written).collect::<Vec<_>>());
    Ok(Object::new(&block.fit(&merged)))
}

/// The objects that have all that the configuration says of them.
async fn matching(connection: &SandboxConnection, ty: &str, config: &Config) -> Result<Vec<Row>, ProviderError> {
    let rows = connection.rows(ty).await?;
    Ok(rows.into_iter().filter(|row| fits(&row.object, config)).collect())
}

fn fits(object: &Object, config: &Config) -> bool {
    let has = |name: &str, value: &Value| match (name, value) {
        ("tags", _) => {
            let tags = object.string_map("tags");
            config.string_map("tags").iter().all(|wanted| tags.contains(wanted))
        }
        // A primitive says what the object must have; what the object has no word for says how to look.
        (_, Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            object.fields().get(name).is_none_or(|has| has.is_null() || has.bare() == value)
        }
        _ => true,
    };
    config.fields().iter().filter(|(_, v)| !is_empty(v)).all(|(name, value)| has(name, value.bare()))
        && config.blocks("filter").iter().all(|filter| passes(object, filter))
}

/// A `filter` block: `vpc-id`, `tag:Name` and the like with the values that are allowed.
fn passes(object: &Object, filter: &Object) -> bool {
    let name = filter.str("name").unwrap_or_default();
    let allowed = filter.strings("values");
    if let Some(key) = name.strip_prefix("tag:") {
        let tags = object.string_map("tags");
        return tags.iter().any(|(k, v)| k == key && allowed.iter().any(|a| super::faults::matches(a, v)));
    }
    let attribute = name.replace('-', "_");
    match object.str(&attribute) {
        Some(has) => allowed.iter().any(|a| super::faults::matches(a, has)),
        // Names of filters that are no attributes, such as `default-for-az`, do not choose here.
        None => true,
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_items().is_some_and(<[Value]>::is_empty)
}

/// Something of the right form for what the sandbox has no objects of, the same for the same arguments.
fn invented(connection: &SandboxConnection, ty: &str, block: &Block, config: &Config) -> Object {
    let region = connection.region();
    let key = format!("{:?}", config.fields());
    let mint = Mint::new(connection.seed(), ty, "data", region, &key);
    let birth = Birth { ty, id: None, service: "sandbox", mint: &mint, vpc_id: None, default_tags: &[] };
    complete(block, "id", config, &birth).1
}
