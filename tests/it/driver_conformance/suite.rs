//! The suite itself: what one resource type must do over one connection.

use std::time::Duration;

use terrane::model::{Address, Block, Object, ObjectBuilder, Str, Type, Value};
use terrane::provider::{
    Connection, Create, Delete, Filter, IdempotencyKey, Operation, Outcome, Progress, ProviderDef, Read, ReadOutcome,
    RemoteId, Stored, Update,
};
use tokio_util::sync::CancellationToken;

/// One resource type with a configuration that is valid, and what is special about it.
pub struct Case {
    pub ty: String,
    pub config: Object,
    /// A change that is made in place: the attribute and its new value.
    pub change: Option<(&'static str, Value)>,
    /// An id that no object has.
    pub gone_id: Option<String>,
    /// Whether list and find_by_key see the object: no for what lives in the state alone.
    pub is_listed: bool,
    /// What a user writes to import the object, made from it; nothing for types that cannot be imported.
    pub import: Option<fn(&Stored) -> String>,
    /// Attributes that an import or a list cannot know, or that move with time.
    pub not_imported: &'static [&'static str],
}

impl Case {
    /// A type of a cloud: it is listed, found by its key and imported by its id.
    pub fn of_cloud(ty: &str, config: Object) -> Case {
        Case {
            ty: ty.to_string(),
            config,
            change: None,
            gone_id: Some("gone-0123456789abcdef0".to_string()),
            is_listed: true,
            import: Some(|stored| stored.id.0.to_string()),
            not_imported: &[],
        }
    }
}

pub fn operation(ty: &str) -> Operation {
    Operation {
        address: Address::parse(&format!("{ty}.conformance")).unwrap(),
        timeout: Duration::from_secs(120),
        cancel: CancellationToken::new(),
        progress: Progress::default(),
    }
}

/// Everything that the provider knows of the object is there; the configuration alone knows the rest.
fn assert_known(case: &Case, found: &Object, made: &Object, what: &str) {
    for (name, value) in made.fields().iter().filter(|(n, _)| !case.not_imported.contains(&&**n)) {
        assert_eq!(found.fields().get(name), Some(value), "{}.{name} {what}", case.ty);
    }
}

/// Runs the whole life of an object; panics where the driver breaks the contract.
pub async fn check(def: &dyn ProviderDef, connection: &dyn Connection, case: &Case) {
    let made = create_twice(def, connection, case).await;
    read_mixed(connection, case, &made).await;
    if case.is_listed {
        let listed = connection.list(&case.ty, &Filter::default()).await.unwrap();
        let same: Vec<_> = listed.iter().filter(|l| l.stored.id == made.id).collect();
        assert_eq!(same.len(), 1, "{}: the list holds the object once", case.ty);
        assert_known(case, &same[0].stored.object, &made.object, "is listed");
    }
    import(def, connection, case, &made).await;
    let last = update(connection, case, made).await;
    delete_twice(connection, case, &last).await;
}

async fn create_twice(def: &dyn ProviderDef, connection: &dyn Connection, case: &Case) -> Stored {
    let key = IdempotencyKey(format!("{:0>32}", case.ty.len()).into());
    let desired = desired(&def.resource(&case.ty).unwrap().schema.block, &case.config);
    let create = || Create { desired: desired.clone(), key: key.clone(), op: operation(&case.ty) };
    assert!(connection.find_by_key(&case.ty, &key, &desired).await.unwrap().is_none(), "{}: nothing yet", case.ty);
    let made = match connection.create(&case.ty, create()).await {
        Outcome::Done(stored) => stored,
        other => panic!("{}: create ends with {other:?}", case.ty),
    };
    conforms(&def.resource(&case.ty).unwrap().schema.block, &made.object.value(), &case.ty);
    for (name, value) in desired.fields().iter().filter(|(_, v)| !v.is_null()) {
        let write_only = def.resource(&case.ty).unwrap().schema.block.attribute(name).is_some_and(|a| a.write_only);
        let is_block = def.resource(&case.ty).unwrap().schema.block.nested(name).is_some();
        if !write_only && !is_block && name.as_ref() != "tags_all" {
            assert_eq!(made.object.fields().get(name), Some(value), "{}.{name} is as configured", case.ty);
        }
    }
    if let Some(found) = connection.find_by_key(&case.ty, &key, &desired).await.unwrap() {
        assert_eq!(found.id, made.id, "{}: the key finds the object", case.ty);
        match connection.create(&case.ty, create()).await {
            Outcome::Done(again) => assert_eq!(again.id, made.id, "{}: the same key makes no other object", case.ty),
            other => panic!("{}: create with the same key ends with {other:?}", case.ty),
        }
    } else {
        assert!(!case.is_listed, "{}: an object that was made is found by its key", case.ty);
    }
    made
}

async fn read_mixed(connection: &dyn Connection, case: &Case, made: &Stored) {
    let own = Read { id: made.id.clone(), prior: Some(made.object.clone()) };
    let mut reads = vec![own.clone()];
    if let Some(gone) = &case.gone_id {
        reads.push(Read { id: RemoteId(gone.as_str().into()), prior: None });
    }
    reads.push(own);
    let outcomes = connection.read_many(&case.ty, &reads).await;
    assert_eq!(outcomes.len(), reads.len(), "{}: an answer for each", case.ty);
    for (read, outcome) in reads.iter().zip(&outcomes) {
        match outcome {
            ReadOutcome::Found(found) => {
                assert_eq!((&found.id, &found.object), (&made.id, &made.object), "{}: read as created", case.ty);
                assert!(read.prior.is_some(), "{}: nothing is found of an id that is gone", case.ty);
            }
            ReadOutcome::Gone => assert!(read.prior.is_none(), "{}: what exists is found", case.ty),
            ReadOutcome::Failed(error) => panic!("{}: read fails with {error}", case.ty),
        }
    }
}

async fn import(def: &dyn ProviderDef, connection: &dyn Connection, case: &Case, made: &Stored) {
    let Some(written) = case.import.map(|write| write(made)) else {
        assert!(def.import_id(&case.ty, "anything").is_err(), "{} cannot be imported and says so", case.ty);
        return;
    };
    let id = def.import_id(&case.ty, &written).unwrap();
    match connection.read_many(&case.ty, &[Read { id, prior: None }]).await.remove(0) {
        ReadOutcome::Found(found) => {
            assert_known(case, &found.object, &made.object, "is imported");
        }
        other => panic!("{}: import of {written} ends with {other:?}", case.ty),
    }
}

async fn update(connection: &dyn Connection, case: &Case, made: Stored) -> Stored {
    let Some((name, value)) = &case.change else { return made };
    let desired = ObjectBuilder::from(&made.object).set(name, value.clone()).build();
    let changed: Vec<Str> = vec![(*name).into()];
    let (id, prior, private) = (made.id.clone(), made.object.clone(), made.private.clone());
    let request = Update { id, prior, desired, changed, private, op: operation(&case.ty) };
    let updated = match connection.update(&case.ty, request).await {
        Outcome::Done(stored) => stored,
        other => panic!("{}: update ends with {other:?}", case.ty),
    };
    assert_eq!(updated.object.fields().get(name), Some(value), "{}.{name} is changed", case.ty);
    assert_eq!(updated.id, made.id, "{}: a change in place keeps the object", case.ty);
    let read = Read { id: updated.id.clone(), prior: Some(updated.object.clone()) };
    match connection.read_many(&case.ty, &[read]).await.remove(0) {
        ReadOutcome::Found(found) => assert_eq!(found.object, updated.object, "{}: read as updated", case.ty),
        other => panic!("{}: read after update ends with {other:?}", case.ty),
    }
    let follows = ["tags_all", "rfc3339", "output", "unix", "day", "month", "year", "rotation_rfc3339"];
    for (other, value) in made.object.fields().iter().filter(|(n, _)| **n != **name && !follows.contains(&&**n)) {
        assert_eq!(updated.object.fields().get(other), Some(value), "{}.{other} is left alone", case.ty);
    }
    updated
}

async fn delete_twice(connection: &dyn Connection, case: &Case, last: &Stored) {
    for time in ["first", "second"] {
        let (id, prior, private) = (last.id.clone(), last.object.clone(), last.private.clone());
        let request = Delete { id, prior, private, op: operation(&case.ty) };
        let deleted = connection.delete(&case.ty, request).await;
        assert!(deleted.is_ok(), "{}: the {time} delete ends with {deleted:?}", case.ty);
    }
    if case.is_listed {
        let read = Read { id: last.id.clone(), prior: Some(last.object.clone()) };
        let outcome = connection.read_many(&case.ty, &[read]).await.remove(0);
        assert!(matches!(outcome, ReadOutcome::Gone), "{}: what was deleted is gone, not {outcome:?}", case.ty);
        let listed = connection.list(&case.ty, &Filter::default()).await.unwrap();
        assert!(listed.iter().all(|l| l.stored.id != last.id), "{}: what was deleted is not listed", case.ty);
    }
}

/// The configuration with defaults, fitted to the schema, as the engine hands it over.
pub fn desired(block: &Block, config: &Object) -> Object {
    let defaults = block.attributes.iter().filter_map(|a| Some((a.name.clone(), a.default.clone()?)));
    let written = config.fields().iter().cloned();
    Object::new(&block.fit(&Value::object(defaults.chain(written).collect::<Vec<_>>())))
}

/// Every attribute is there and of the declared type.
fn conforms(block: &Block, object: &Value, at: &str) {
    let fields = object.as_fields().unwrap_or_else(|| panic!("{at} is no object"));
    assert_eq!(fields.iter().count(), block.attributes.len() + block.blocks.len(), "{at}: every name stands once");
    for attribute in &block.attributes {
        let value = fields.get(&attribute.name).unwrap_or_else(|| panic!("{at}.{} is missing", attribute.name));
        assert!(value.is_wholly_known(), "{at}.{} is known", attribute.name);
        assert!(!attribute.required || attribute.write_only || !value.is_null(), "{at}.{} is set", attribute.name);
        of_type(value, &attribute.ty, &format!("{at}.{}", attribute.name));
    }
}

fn of_type(value: &Value, ty: &Type, at: &str) {
    if !value.is_null() && !ty.has_dynamic() {
        assert_eq!(value.ty(), ty.without_optional(), "{at} has the declared type");
    }
}
