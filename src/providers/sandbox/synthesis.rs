//! Fills in what the provider would choose: every computed attribute that the configuration left open gets a
//! value of its type, and a good one where the name says what it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::catalog::{self, Kind};
use super::mint::{ACCOUNT, Mint, PARTITION, short_region};
use crate::model::{Attribute, Block, Fields, NestedBlock, Nesting, Object, Str, Type, Value, set};

/// What is known of the object beside its configuration.
pub struct Birth<'a> {
    pub ty: &'a str,
    /// The id of an object that exists already.
    pub id: Option<&'a str>,
    pub service: &'a str,
    pub mint: &'a Mint,
    /// The network of the first object that it refers to.
    pub vpc_id: Option<String>,
    /// Tags that the provider adds to every object.
    pub default_tags: &'a [(String, String)],
}

/// Computed attributes of these names hold one element even where nothing is configured.
const NEVER_EMPTY: &[&str] =
    &["certificate_authority", "identity", "oidc", "kubernetes_network_config", "domain_validation_options"];
/// Attributes of texts like these are names: they are minted first, because ids and ARNs are made of them.
const NAMES: &[&str] =
    &["name", "bucket", "identifier", "cluster_identifier", "node_group_name", "key_name", "function_name", "path"];

/// The whole object, and its id.
pub fn complete(block: &Block, id_attribute: &str, desired: &Object, birth: &Birth<'_>) -> (String, Object) {
    let kind = catalog::of(birth.ty);
    let mut fields = desired.fields().clone();
    name(&mut fields, block, birth);
    let named = Object::new(&Value::fields(fields.clone()));
    let id = birth.id.map_or_else(|| id_of(kind, id_attribute, &named, birth), str::to_string);
    let filler = Filler { kind, birth, id: &id, object: &named };
    for attribute in &block.attributes {
        let given = fields.get(&attribute.name).filter(|v| !v.is_null()).cloned();
        let value = match given {
            _ if attribute.write_only => Value::Null(attribute.ty.clone()),
            Some(value) => value,
            None if &*attribute.name == "id" => Value::string(id.as_str()),
            None if attribute.computed => filler.attribute(attribute, &attribute.name),
            None => Value::Null(attribute.ty.clone()),
        };
        fields.set(attribute.name.clone(), value);
    }
    if block.attribute("tags_all").is_some() {
        fields.set("tags_all".into(), tags_all(&named, birth.default_tags));
    }
    for nested in &block.blocks {
        let value = filler.block(nested, fields.get(&nested.name), &nested.name);
        fields.set(nested.name.clone(), value);
    }
    (id, Object::new(&block.fit(&Value::fields(fields))))
}

/// The provider's default tags with the object's own over them.
pub fn tags_all(object: &Object, defaults: &[(String, String)]) -> Value {
    let own = object.string_map("tags");
    let all = defaults.iter().cloned().chain(own).map(|(k, v)| (Str::from(k), Value::string(v)));
    Value::map(Type::String, all.collect::<Vec<_>>())
}

/// Names that the configuration leaves to the provider, from a prefix where there is one.
fn name(fields: &mut Fields, block: &Block, birth: &Birth<'_>) {
    for name in NAMES {
        let Some(attribute) = block.attribute(name).filter(|a| a.computed) else { continue };
        if fields.get(name).is_some_and(|v| !v.is_null()) {
            continue;
        }
        let prefix = fields.get(&format!("{name}_prefix")).and_then(|v| v.as_str().cloned());
        let text = match (&prefix, *name) {
            (_, "path") => "/".to_string(),
            (Some(prefix), _) => format!("{prefix}{}", birth.mint.hex(name, 26)),
            (None, _) => format!("terraform-{}", birth.mint.hex(name, 26)),
        };
        fields.set(attribute.name.clone(), Value::string(text));
    }
}

fn id_of(kind: Option<&Kind>, id_attribute: &str, named: &Object, birth: &Birth<'_>) -> String {
    match kind {
        Some(kind) if kind.id == "{arn}" => birth.mint.expand(kind.arn, "arn", "", named),
        Some(kind) => birth.mint.expand(kind.id, "id", "", named),
        None => match named.str(id_attribute) {
            Some(given) => given.to_string(),
            None => format!("{}-{}", short(birth.ty), birth.mint.hex("id", 17)),
        },
    }
}

/// The type without the provider's name, as ids have it: `db-subnet-group`.
fn short(ty: &str) -> String {
    ty.split_once('_').map_or(ty, |(_, rest)| rest).replace('_', "-")
}

struct Filler<'a> {
    kind: Option<&'static Kind>,
    birth: &'a Birth<'a>,
    id: &'a str,
    object: &'a Object,
}

impl Filler<'_> {
    fn attribute(&self, attribute: &Attribute, label: &str) -> Value {
        self.value(&attribute.name, &attribute.ty, label, !attribute.optional)
    }

    /// `must` says that the provider alone can set it, so that it is expected to be there.
    fn value(&self, name: &str, ty: &Type, label: &str, must: bool) -> Value {
        match ty {
            Type::String => match self.text(name, label, must) {
                Some(text) => Value::string(text),
                None => Value::Null(Type::String),
            },
            Type::Bool => Value::Bool(false),
            Type::Number => Value::int(self.number(name)),
            Type::List(t) if NEVER_EMPTY.contains(&name) => {
                Value::list((**t).clone(), vec![self.value(name, t, label, true)])
            }
            Type::List(t) => Value::list((**t).clone(), Vec::new()),
            Type::Set(t) => set::set((**t).clone(), Vec::new()),
            Type::Map(t) => Value::map((**t).clone(), []),
            Type::Tuple(ts) => Value::tuple(ts.iter().map(|t| self.value(name, t, label, must)).collect()),
            Type::Object(o) => {
                let field = |(n, t): &(Str, Type)| (n.clone(), self.value(n, t, &format!("{label}.{n}"), true));
                Value::object(o.attrs.iter().map(field))
            }
            Type::Dynamic => Value::NULL,
        }
    }

    fn number(&self, name: &str) -> i64 {
        let engine = self.object.str("engine").unwrap_or_default();
        match name {
            "port" if engine.contains("postgres") => 5432,
            "port" if engine.contains("mysql") || engine.contains("maria") => 3306,
            "port" if engine.contains("redis") || engine.contains("valkey") => 6379,
            "port" if engine.contains("memcached") => 11211,
            "port" => 443,
            "available_ip_address_count" => 251,
            "latest_version" | "default_version" => 1,
            _ => 0,
        }
    }

    fn text(&self, name: &str, label: &str, must: bool) -> Option<String> {
        let (mint, region) = (self.birth.mint, self.birth.mint.region());
        if let Some((_, template)) = self.kind.and_then(|k| k.also.iter().find(|(n, _)| *n == name)) {
            let port = self.object.i64("port").unwrap_or_else(|| self.number("port"));
            let template = template.replace("{port}", &port.to_string());
            return Some(mint.expand(&template, label, self.id, self.object));
        }
        if let Some((_, ty)) = self.kind.and_then(|k| k.children.iter().find(|(n, _)| *n == name)) {
            // The main route table and the default one are the same.
            let child = catalog::of(ty).map_or("child-{hex17}", |k| k.id);
            return Some(mint.expand(child, &format!("child/{ty}"), "", self.object));
        }
        let ready = self.kind.map_or("available", |k| k.ready);
        let host = || format!("{}.{}.{region}.sandbox.invalid", short(self.birth.ty), mint.hex("host", 12));
        Some(match name {
            "id" => self.id.to_string(),
            "arn" => self.arn(),
            "owner_id" | "account_id" | "registry_id" | "owner" => ACCOUNT.to_string(),
            "region" => region.to_string(),
            "partition" => PARTITION.to_string(),
            "status" | "state" | "lifecycle_state" => ready.to_string(),
            "vpc_id" if self.birth.vpc_id.is_some() => self.birth.vpc_id.clone()?,
            "availability_zone" => format!("{region}{}", ["a", "b", "c"].get(self.zone())?),
            "availability_zone_id" => format!("{}-az{}", short_region(region), self.zone() + 1),
            "data" if label.contains("certificate") => STANDARD.encode(format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                STANDARD.encode(mint.bytes("certificate"))
            )),
            "endpoint" | "dns_name" | "fqdn" | "domain_name" | "hostname" | "address" | "host" if must => host(),
            _ if must && (name.ends_with("_endpoint") || name.ends_with("_domain_name")) => host(),
            "public_ip" => format!("203.0.113.{}", mint.below("public_ip", 254) + 1),
            "private_ip" | "ip_address" => format!("10.0.{}.{}", mint.below("ip", 256), mint.below("p", 250) + 4),
            "public_dns" | "private_dns" if must => host(),
            "unique_id" | "uid" => mint.uuid(label),
            "etag" | "fingerprint" | "resource_version" if must => mint.hex(label, 32),
            "create_date" | "created_at" | "creation_date" | "created_date" | "creation_time" | "create_time"
            | "created_time" | "last_modified" | "updated_at" => mint.moment("created"),
            "version" | "engine_version" | "platform_version" | "engine_version_actual" => "1.0".to_string(),
            _ if must && name.ends_with("_arn") => self.arn(),
            _ if must && name.ends_with("_id") => format!("{}-{}", name.trim_end_matches("_id"), mint.hex(label, 17)),
            _ if must => format!("{}-{}", name.replace('_', "-"), mint.hex(label, 8)),
            _ => return None,
        })
    }

    fn zone(&self) -> usize {
        usize::try_from(self.birth.mint.below("zone", 3)).unwrap_or(0)
    }

    fn arn(&self) -> String {
        let usual = "arn:{partition}:{service}:{region}:{account}:".replace("{service}", self.birth.service);
        match self.kind.map(|k| k.arn).filter(|arn| !arn.is_empty()) {
            Some(arn) => self.birth.mint.expand(arn, "arn", self.id, self.object),
            None => self.birth.mint.expand(&usual, "arn", self.id, self.object) + &short(self.birth.ty) + "/" + self.id,
        }
    }

    fn block(&self, nested: &NestedBlock, given: Option<&Value>, label: &str) -> Value {
        let given = given.filter(|v| !v.is_null() && v.as_items().is_none_or(|items| !items.is_empty()));
        let all_computed = |b: &Block| !b.attributes.is_empty() && b.attributes.iter().all(|a| !a.is_settable());
        let Some(value) = given else {
            let comes_anyway = NEVER_EMPTY.contains(&&*nested.name) || all_computed(&nested.block);
            if nested.computed && comes_anyway && matches!(nested.nesting, Nesting::List | Nesting::Single) {
                let element = self.fill(&nested.block, &Fields::default(), label);
                return if nested.nesting == Nesting::Single { element } else { Value::tuple(vec![element]) };
            }
            return nested.absent();
        };
        let (bare, marks) = value.unmark();
        let filled = match bare {
            Value::Object(fields) => self.fill(&nested.block, fields, label),
            Value::Map(m) => {
                let fill = |(k, v): &(Str, Value)| (k.clone(), self.fill_value(nested, v, &format!("{label}.{k}")));
                Value::object(m.entries.iter().map(fill))
            }
            _ => {
                let items = bare.as_items().unwrap_or(&[]).iter().enumerate();
                Value::tuple(items.map(|(i, v)| self.fill_value(nested, v, &format!("{label}.{i}"))).collect())
            }
        };
        filled.mark(marks)
    }

    fn fill_value(&self, nested: &NestedBlock, value: &Value, label: &str) -> Value {
        match value.as_fields() {
            Some(fields) => self.fill(&nested.block, fields, label),
            None => value.clone(),
        }
    }

    fn fill(&self, block: &Block, fields: &Fields, label: &str) -> Value {
        let attribute = |a: &Attribute| match fields.get(&a.name).filter(|v| !v.is_null()) {
            _ if a.write_only => Value::Null(a.ty.clone()),
            Some(value) => value.clone(),
            None if a.computed => self.attribute(a, &format!("{label}.{}", a.name)),
            None => Value::Null(a.ty.clone()),
        };
        let attributes = block.attributes.iter().map(|a| (a.name.clone(), attribute(a)));
        let blocks = block
            .blocks
            .iter()
            .map(|b| (b.name.clone(), self.block(b, fields.get(&b.name), &format!("{label}.{}", b.name))));
        Value::object(attributes.chain(blocks).collect::<Vec<_>>())
    }
}
