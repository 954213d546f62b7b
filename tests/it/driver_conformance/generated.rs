//! The sandbox, held to the contract with every type of every provider: configurations are made from the
//! schemas, and what they refer to is made first, as the sandbox asks for it.

use std::sync::Arc;

use terrane::model::{Attribute, Block, NestedBlock, Nesting, Object, ObjectBuilder, Path, Type, Value, set};
use terrane::provider::{
    Calls, Connection, Create, ErrorKind, IdempotencyKey, Outcome, ProviderDef, ProviderError, Stored,
};
use terrane::providers::sandbox::{Faults, SandboxCloud, wrap};

use super::suite::{Case, check, desired, operation};

/// A value for everything that is required.
fn required(block: &Block, ty: &str, at: &str) -> Vec<(terrane::model::Str, Value)> {
    let attributes = block.attributes.iter().filter(|a| a.required);
    let attributes = attributes.map(|a| (a.name.clone(), attribute(a, ty, &format!("{at}-{}", a.name))));
    let nested = block.blocks.iter().filter(|b| b.min > 0);
    attributes.chain(nested.map(|b| (b.name.clone(), block_value(b, ty, &format!("{at}-{}", b.name))))).collect()
}

fn block_value(nested: &NestedBlock, ty: &str, at: &str) -> Value {
    let one = Value::object(required(&nested.block, ty, at));
    match nested.nesting {
        Nesting::Single => one,
        Nesting::Map => Value::object([("one", one)]),
        Nesting::List | Nesting::Set => Value::tuple(vec![one; nested.min]),
    }
}

fn attribute(attribute: &Attribute, ty: &str, at: &str) -> Value {
    match attribute.one_of.first() {
        Some(allowed) if attribute.ty == Type::String => Value::string(allowed.as_ref()),
        _ => value(&attribute.ty, &attribute.name, ty, at),
    }
}

fn value(of: &Type, name: &str, ty: &str, at: &str) -> Value {
    match of {
        Type::String | Type::Dynamic => Value::string(text(name, ty, at)),
        Type::Bool => Value::Bool(true),
        Type::Number => Value::int(1),
        Type::List(t) => Value::list((**t).clone(), vec![value(t, name, ty, at)]),
        Type::Set(t) => set::set((**t).clone(), vec![value(t, name, ty, at)]),
        Type::Map(t) => Value::map((**t).clone(), [("one".into(), value(t, name, ty, at))]),
        Type::Tuple(ts) => Value::tuple(ts.iter().map(|t| value(t, name, ty, at)).collect()),
        Type::Object(o) => Value::object(o.attrs.iter().map(|(n, t)| (n.clone(), value(t, n, ty, at)))),
    }
}

fn text(name: &str, ty: &str, at: &str) -> String {
    match name {
        "cidr_block" if ty == "aws_subnet" => "10.0.1.0/24".to_string(),
        _ if name.contains("cidr") => "10.0.0.0/16".to_string(),
        _ if name.contains("policy") && !name.ends_with("arn") => {
            r#"{"Version":"2012-10-17","Statement":[]}"#.to_string()
        }
        _ => at.to_string(),
    }
}

/// A configuration with everything that it refers to in place: the sandbox says what is missing.
async fn complete(def: &dyn ProviderDef, connection: &dyn Connection, ty: &str, depth: usize) -> (Object, Stored) {
    assert!(depth < 8, "{ty}: references go in circles");
    let block = &def.resource(ty).unwrap().schema.block;
    let mut config = ObjectBuilder::new();
    for (name, value) in required(block, ty, &format!("{ty}-{depth}")) {
        config = config.set(&name, value);
    }
    // A type can need a range although its schema calls it optional.
    for name in ["cidr_block"].into_iter().filter(|n| block.attribute(n).is_some_and(Attribute::is_settable)) {
        config = config.set(name, text(name, ty, ""));
    }
    let mut config = config.build();
    for attempt in 0..32 {
        let key = IdempotencyKey(format!("{ty}-{depth}-{attempt}").into());
        let request = Create { desired: desired(block, &config), key, op: operation(ty) };
        match connection.create(ty, request).await {
            Outcome::Done(stored) => return (config, stored),
            Outcome::Failed(error) if error.kind == ErrorKind::NotFound => {
                let (missing_ty, handle) = missing(&error);
                let at = error.path.clone().unwrap_or_default();
                let (_, target) = Box::pin(complete(def, connection, &missing_ty, depth + 1)).await;
                config = Object::new(&replaced(&config.value(), &handle, &handle_of(&target, &at)));
            }
            other => panic!("{ty}: create ends with {other:?}"),
        }
    }
    panic!("{ty}: something is always missing");
}

/// `the aws_vpc "x" does not exist in eu-west-1`
fn missing(error: &ProviderError) -> (String, String) {
    let mut words = error.message.split(' ').skip(1);
    let ty = words.next().unwrap().to_string();
    (ty, error.message.split('"').nth(1).unwrap().to_string())
}

fn handle_of(target: &Stored, at: &Path) -> String {
    let arn = target.object.string("arn").filter(|_| at.to_string().ends_with("arn"));
    arn.unwrap_or_else(|| target.id.0.to_string())
}

/// The value with every text that equals the handle replaced.
fn replaced(value: &Value, handle: &str, by: &str) -> Value {
    match value {
        Value::String(s) if **s == *handle => Value::string(by),
        other => other.map_children(&mut |v| replaced(v, handle, by)),
    }
}

/// Runs the suite over every type of a provider, each in a sandbox of its own.
pub async fn check_all(def: Arc<dyn ProviderDef>) {
    for ty in def.resource_types() {
        let folder = tempfile::tempdir().unwrap();
        let cloud = SandboxCloud::open(&folder.path().join("sandbox.db"), Faults::none()).unwrap();
        let wrapped = wrap(def.clone(), cloud);
        let config = ObjectBuilder::new().set("region", "eu-west-1").build();
        let connection = wrapped.connect(&config, Calls::default()).await.unwrap();
        let (config, made) = complete(wrapped.as_ref(), connection.as_ref(), ty, 0).await;
        // The one that found out what is needed makes room for the one that is checked.
        let (id, prior) = (made.id, made.object);
        let delete = terrane::provider::Delete { id, prior, private: None, op: operation(ty) };
        connection.delete(ty, delete).await.unwrap();
        let tags = wrapped.resource(ty).unwrap().schema.block.attribute("tags").is_some();
        let change = Value::map(Type::String, [("Name".into(), Value::string("changed"))]);
        let case = Case { calls: false, change: tags.then_some(("tags", change)), ..Case::of_cloud(ty, config) };
        check(wrapped.as_ref(), connection.as_ref(), &case).await;
    }
}

/// The sandbox needs nothing but schemas: those of the builtin types, which nobody wrote for it, do as well.
#[tokio::test]
async fn the_sandbox_keeps_the_contract_with_any_schema() {
    for registration in terrane::providers::all() {
        check_all((registration.build)()).await;
    }
}
