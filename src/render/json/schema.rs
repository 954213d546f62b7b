//! Schemas of providers as JSON, format 1.0: what `providers schema -json` gives.

use serde_json::{Map, Value as Json, json};

use crate::model::value_json::type_to_json;
use crate::model::{Attribute, Block, NestedBlock, Nesting, Schema};

/// The schemas of one provider.
pub struct ProviderSchemas<'s> {
    /// With the registry's host, such as `registry.terraform.io/hashicorp/aws`.
    pub source: String,
    pub config: &'s Schema,
    pub resources: Vec<(&'s str, &'s Schema)>,
    pub data_sources: Vec<(&'s str, &'s Schema)>,
    pub ephemeral_resources: Vec<(&'s str, &'s Schema)>,
    /// Signatures by name, where it has functions.
    pub functions: Map<String, Json>,
}

/// The one object that holds them all.
pub fn provider_schemas_json<'s>(providers: impl IntoIterator<Item = ProviderSchemas<'s>>) -> Json {
    let all: Map<String, Json> = providers.into_iter().map(|p| (p.source.clone(), provider(p))).collect();
    let mut json = json!({"format_version": "1.0"});
    if !all.is_empty() {
        json["provider_schemas"] = all.into();
    }
    json
}

fn provider(provider: ProviderSchemas) -> Json {
    let by_name = |types: &[(&str, &Schema)]| {
        types.iter().map(|(name, s)| (name.to_string(), schema(s))).collect::<Map<String, Json>>()
    };
    let mut json = json!({"provider": schema(provider.config)});
    let parts = [
        ("resource_schemas", by_name(&provider.resources)),
        ("data_source_schemas", by_name(&provider.data_sources)),
        ("ephemeral_resource_schemas", by_name(&provider.ephemeral_resources)),
        ("functions", provider.functions),
    ];
    for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        json[name] = part.into();
    }
    json
}

fn schema(schema: &Schema) -> Json {
    match schema.block.attributes.is_empty() && schema.block.blocks.is_empty() {
        true => json!({"version": schema.version}),
        false => json!({"version": schema.version, "block": block(&schema.block)}),
    }
}

fn block(block: &Block) -> Json {
    let mut json = Map::new();
    let attributes: Map<String, Json> = block.attributes.iter().map(|a| (a.name.to_string(), attribute(a))).collect();
    let blocks: Map<String, Json> = block.blocks.iter().map(|b| (b.name.to_string(), nested(b))).collect();
    for (name, part) in [("attributes", attributes), ("block_types", blocks)] {
        if !part.is_empty() {
            json.insert(name.into(), part.into());
        }
    }
    describe(&mut json, &block.doc, block.deprecated.is_some());
    Json::Object(json)
}

fn describe(json: &mut Map<String, Json>, doc: &str, deprecated: bool) {
    if !doc.is_empty() {
        json.insert("description".into(), doc.into());
    }
    json.insert("description_kind".into(), "plain".into());
    flag(json, "deprecated", deprecated);
}

/// What is false is left out, as the format has it.
fn flag(json: &mut Map<String, Json>, name: &str, value: bool) {
    if value {
        json.insert(name.into(), true.into());
    }
}

fn attribute(attribute: &Attribute) -> Json {
    let mut json = Map::from_iter([("type".to_string(), type_to_json(&attribute.ty))]);
    describe(&mut json, &attribute.doc, attribute.deprecated.is_some());
    flag(&mut json, "required", attribute.required);
    flag(&mut json, "optional", attribute.optional);
    flag(&mut json, "computed", attribute.computed);
    flag(&mut json, "sensitive", attribute.sensitive);
    flag(&mut json, "write_only", attribute.write_only);
    Json::Object(json)
}

fn nested(nested: &NestedBlock) -> Json {
    let mode = match nested.nesting {
        Nesting::Single => "single",
        Nesting::List => "list",
        Nesting::Set => "set",
        Nesting::Map => "map",
    };
    let mut json = json!({"nesting_mode": mode, "block": block(&nested.block)});
    for (name, limit) in [("min_items", nested.min), ("max_items", nested.max)] {
        if limit > 0 {
            json[name] = limit.into();
        }
    }
    json
}
