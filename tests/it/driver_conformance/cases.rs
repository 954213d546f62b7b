//! The builtin types, each with a configuration and what is special about it.

use std::path::Path;
use std::sync::Arc;

use terrane::model::{Object, ObjectBuilder, Type, Value};
use terrane::provider::{Calls, Create, IdempotencyKey, Outcome, ProviderDef, Stored};
use terrane::providers;

use super::suite::{Case, check, desired, operation};

fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

/// An object that lives in the state alone.
fn kept(ty: &str, config: ObjectBuilder) -> Case {
    Case {
        change: None,
        gone_id: None,
        is_listed: false,
        calls: false,
        import: None,
        not_imported: &["keepers"],
        ..Case::of_cloud(ty, config.build())
    }
}

fn by_id(case: Case, not_imported: &'static [&'static str]) -> Case {
    Case { import: Some(|stored| stored.id.0.to_string()), not_imported, ..case }
}

fn imported(case: Case, write: fn(&Stored) -> String, not_imported: &'static [&'static str]) -> Case {
    Case { import: Some(write), not_imported, ..case }
}

fn changing(case: Case, name: &'static str, value: impl Into<Value>) -> Case {
    Case { change: Some((name, value.into())), ..case }
}

fn text(object: &Object, name: &str) -> String {
    object.string(name).unwrap_or_default()
}

fn of_random() -> Vec<Case> {
    let keepers = || object().string_map("keepers", [("ami", "1")]);
    let shuffle = keepers().strings("input", ["a", "b", "c"]).set("result_count", 2);
    let drawn = &["keepers", "id", "bcrypt_hash", "min_lower", "special", "length"];
    vec![
        imported(kept("random_password", keepers().set("length", 20)), |s| text(&s.object, "result"), drawn),
        by_id(kept("random_string", keepers().set("length", 12).set("special", false)), drawn),
        by_id(kept("random_id", keepers().set("byte_length", 8)), &["keepers"]),
        imported(
            kept("random_integer", object().set("min", 1).set("max", 50).set("seed", "x")),
            |s| format!("{},1,50,x", s.id.0),
            &["keepers"],
        ),
        kept("random_pet", keepers().set("length", 3).set("prefix", "web")),
        by_id(kept("random_uuid", keepers()), &["keepers"]),
        kept("random_shuffle", shuffle),
        imported(kept("random_bytes", keepers().set("length", 16)), |s| text(&s.object, "base64"), &["keepers"]),
    ]
}

fn of_time() -> Vec<Case> {
    let offset = object().set("base_rfc3339", "2020-02-12T06:36:13Z").set("offset_days", 7);
    let offset = changing(kept("time_offset", offset), "offset_days", 8);
    let rotating = object().set("rfc3339", "2020-02-12T06:36:13Z").set("rotation_years", 1000);
    let rotating = changing(kept("time_rotating", rotating), "rotation_years", 2000);
    let sleep = changing(kept("time_sleep", object().set("create_duration", "1ms")), "destroy_duration", "2ms");
    vec![
        by_id(kept("time_static", object()), &["triggers"]),
        imported(offset, |_| "2020-02-12T06:36:13Z,0,0,7,0,0,0".into(), &[]),
        imported(rotating, |_| "2020-02-12T06:36:13Z,1000,0,0,0,0".into(), &[]),
        imported(sleep, |_| "1ms,".into(), &["id"]),
    ]
}

fn of_local(folder: &Path) -> Vec<Case> {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let modes = &["file_permission", "directory_permission"];
    let file = object().set("filename", path("a/plain.txt")).set("content", "hello");
    let secret = object().set("filename", path("b/secret.txt")).set("content", "hush");
    vec![
        imported(kept("local_file", file), |s| text(&s.object, "filename"), modes),
        imported(kept("local_sensitive_file", secret), |s| text(&s.object, "filename"), modes),
    ]
}

fn others(key: &str) -> Vec<Case> {
    let input = Value::object([("a", Value::tuple(vec![Value::int(1), "x".into()]))]);
    let data = kept("terraform_data", object().set("input", input).set("triggers_replace", "t"));
    let subject = object().set("common_name", "example.com").build();
    let cert = object()
        .set("private_key_pem", key)
        .set("validity_period_hours", 12)
        .strings("allowed_uses", ["server_auth"])
        .blocks("subject", [subject]);
    vec![
        by_id(
            changing(data, "input", Value::list(Type::Bool, vec![true.into()])),
            &["input", "output", "triggers_replace"],
        ),
        by_id(kept("null_resource", object().string_map("triggers", [("a", "b")])), &["triggers"]),
        kept("tls_private_key", object().set("algorithm", "ED25519")),
        changing(kept("tls_self_signed_cert", cert), "early_renewal_hours", 1),
    ]
}

/// A key to certify, made for this run.
async fn private_key() -> String {
    let def = (providers::by_name("tls").unwrap().build)();
    let connection = def.connect(&object().build(), Calls::default()).await.unwrap();
    let schema = &def.resource("tls_private_key").unwrap().schema.block;
    let desired = desired(schema, &object().set("algorithm", "ECDSA").set("ecdsa_curve", "P256").build());
    let (key, op) = (IdempotencyKey("key".into()), operation("tls_private_key"));
    match connection.create("tls_private_key", Create { desired, key, op }).await {
        Outcome::Done(made) => text(&made.object, "private_key_pem"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn builtin_drivers_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let key = private_key().await;
    let cases = [of_random(), of_time(), of_local(folder.path()), others(&key)];
    let cases: Vec<Case> = cases.into_iter().flatten().collect();
    let builtin: Vec<Arc<dyn ProviderDef>> =
        providers::all().into_iter().filter(|r| r.builtin).map(|r| (r.build)()).collect();
    for def in builtin {
        let connection = def.connect(&object().build(), Calls::default()).await.unwrap();
        for ty in def.resource_types() {
            let case = cases.iter().find(|case| case.ty == ty);
            check(def.as_ref(), connection.as_ref(), case.unwrap_or_else(|| panic!("{ty} has a case"))).await;
        }
    }
}

#[tokio::test]
async fn local_files_are_read_as_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, "hello").unwrap();
    let def = (providers::by_name("local").unwrap().build)();
    let connection = def.connect(&object().build(), Calls::default()).await.unwrap();
    let config = object().set("filename", path.to_str().unwrap()).build();
    for ty in def.data_types() {
        let read = connection.read_data(ty, &config, &operation(ty)).await.unwrap();
        assert_eq!((read.str("content"), read.str("content_base64")), (Some("hello"), Some("aGVsbG8=")));
        assert_eq!(read.str("id"), Some("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"));
    }
    let missing = object().set("filename", "/nonexistent").build();
    assert!(connection.read_data("local_file", &missing, &operation("local_file")).await.is_err());
}
