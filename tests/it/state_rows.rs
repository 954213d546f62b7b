//! Rows that tests of the state use.

use std::path::Path;
use std::sync::Arc;

use terrane::model::{Address, Marks, Type, Value, set};
use terrane::state::{
    Change, Holder, Intent, IntentOperation, LeaseRequest, Scope, SqliteStore, Status, Store, StoredInstance,
    StoredProvider, Surroundings,
};

/// The type of `terraform_data` objects.
pub fn data_type() -> Type {
    let any = || Type::Dynamic;
    Type::object([("id", Type::String), ("input", any()), ("output", any()), ("triggers_replace", any())])
}

pub fn builtin() -> Arc<StoredProvider> {
    Arc::new(StoredProvider::of_source("terraform.io/builtin/terraform"))
}

/// A `terraform_data` object with this input.
pub fn data_row(address: &str, input: Value) -> StoredInstance {
    let object = Value::object([("id", Value::string("id-of-it")), ("input", input.clone()), ("output", input)]);
    let address = Address::parse(address).unwrap();
    StoredInstance {
        remote_id: Some("id-of-it".into()),
        ..StoredInstance::new(address, builtin(), &object, &data_type())
    }
}

/// Rows with everything that a row can have.
pub fn varied_rows() -> Vec<StoredInstance> {
    let texts = |items: &[&str]| items.iter().map(|s| Value::string(*s)).collect::<Vec<_>>();
    let dependency = |text: &str| terrane::model::ResourceAddress::parse(text).unwrap();
    let mixed = Value::object([
        ("list", Value::list(Type::String, texts(&["b", "a"]))),
        ("map", Value::map(Type::Number, [("k<&>".into(), Value::int(7))])),
        ("null", Value::NULL),
        ("set", set::set(Type::String, texts(&["x", "y"]))),
    ]);
    vec![
        data_row("terraform_data.plain", Value::string("té\u{2028}xt \"q\" <&>")),
        data_row("terraform_data.counted[0]", mixed.clone()),
        data_row("terraform_data.counted[10]", Value::NULL),
        data_row("terraform_data.counted[2]", Value::int(1))
            .with_dependencies([dependency("terraform_data.plain"), dependency("module.m.terraform_data.in")]),
        data_row("module.m[\"a.b\"].terraform_data.in[\"l\\\"q\"]", set::set(Type::String, texts(&["a"]))),
        StoredInstance {
            status: Status::Tainted,
            create_before_destroy: true,
            ..data_row("module.m[\"a.b\"].terraform_data.in[\"k\"]", Value::string("secret").mark(Marks::SENSITIVE))
        },
        StoredInstance {
            deposed: Some("00ab12cd".into()),
            ..data_row("terraform_data.plain", Value::TRUE).with_private(Some(&serde_json::json!({"a": [1]})))
        },
    ]
}

pub fn put(row: StoredInstance) -> Change {
    Change::Put(Arc::new(row))
}

pub fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Surroundings::default()).unwrap()
}

/// A new state at the path with these rows.
pub fn write(path: &Path, rows: Vec<StoredInstance>) {
    open(path).commit(rows.into_iter().map(put).collect()).wait().unwrap();
}

/// A lock that nobody else of these tests holds.
pub fn lease(operation: &str) -> LeaseRequest {
    let holder = Holder { who: "anna@here".into(), host: "here".into(), machine: None, pid: 1 };
    LeaseRequest { holder, operation: operation.into(), scope: Scope::Whole, term: std::time::Duration::from_secs(60) }
}

/// An intent of the key "key".
pub fn intent(address: &str) -> Intent {
    Intent {
        key: "key".into(),
        plan: "plan".into(),
        address: Address::parse(address).unwrap(),
        deposed: None,
        operation: IntentOperation::Update,
        provider: builtin(),
        remote_id: None,
        desired: None,
        began: time::OffsetDateTime::UNIX_EPOCH,
    }
}
