//! The suite itself: what one resource type must do over one connection.

use std::time::Duration;

use terrane::model::{Address, Block, Object, ObjectBuilder, Str, Type, Value};
use terrane::provider::{
    Connection, Create, Delete, ErrorKind, Filter, IdempotencyKey, Operation, Outcome, Progress, ProviderDef, Read,
    ReadOutcome, RemoteId, Stored, Update,
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
    /// Whether a create with the same key makes no other object. The others are looked for by the key before.
    pub is_repeatable: bool,
    /// Whether each operation calls a service, which takes time and can be given up.
    pub calls: bool,
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
            is_repeatable: true,
            calls: true,
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
    create_without_leave(def, connection, case).await;
    let made = create_twice(def, connection, case).await;
    read_mixed(connection, case, &made).await;
    if case.is_listed {
        let listed = connection.list(&case.ty, &Filter::default()).await.unwrap();
        let same: Vec<_> = listed.iter().filter(|l| l.stored.id == made.id).collect();
        assert_eq!(same.len(), 1, "{}: the list holds the object once", case.ty);
        assert_known(case, &same[0].stored.object, &made.object, "is listed");
    }
    import(def, connection, case, &made).await;
    delete_without_leave(connection, case, &made).await;
    let last = update(connection, case, made).await;
    delete_twice(connection, case, &last).await;
    update_gone(connection, case, &last).await;
}

/// Operations that must not go on: one that was given up, and one that has no time, with how each ends.
fn without_leave(ty: &str) -> [(Operation, ErrorKind); 2] {
    let given_up = operation(ty);
    given_up.cancel.cancel();
    let out_of_time = Operation { timeout: Duration::ZERO, ..operation(ty) };
    [(given_up, ErrorKind::Cancelled), (out_of_time, ErrorKind::Timeout)]
}

async fn create_without_leave(def: &dyn ProviderDef, connection: &dyn Connection, case: &Case) {
    for (op, kind) in without_leave(&case.ty).into_iter().filter(|_| case.calls) {
        let key = IdempotencyKey(format!("{:f>32}", case.ty.len()).into());
        let desired = desired(&def.resource(&case.ty).unwrap().schema.block, &case.config);
        let outcome = connection.create(&case.ty, Create { desired: desired.clone(), key: key.clone(), op }).await;
        let ended = matches!(&outcome, Outcome::Failed(error) if error.kind == kind);
        assert!(ended, "{}: create ends with {outcome:?}, not {kind:?}", case.ty);
        let found = connection.find_by_key(&case.ty, &key, &desired).await.unwrap();
        assert!(found.is_none(), "{}: nothing is made after {kind:?}", case.ty);
    }
}

async fn delete_without_leave(connection: &dyn Connection, case: &Case, made: &Stored) {
    for (op, kind) in without_leave(&case.ty).into_iter().filter(|_| case.calls) {
        let (id, prior, private) = (made.id.clone(), made.object.clone(), made.private.clone());
        let ended = connection.delete(&case.ty, Delete { id, prior, private, op }).await;
        let is_told = matches!(&ended, Err(error) if error.kind == kind);
        assert!(is_told, "{}: delete ends with {ended:?}, not {kind:?}", case.ty);
        let there = read(connection, case, made).await;
        assert!(matches!(there, ReadOutcome::Found(_)), "{}: what was not deleted is there: {there:?}", case.ty);
    }
}

async fn read(connection: &dyn Connection, case: &Case, stored: &Stored) -> ReadOutcome {
    let read = Read { id: stored.id.clone(), prior: Some(stored.object.clone()) };
    connection.read_many(&case.ty, &[read]).await.remove(0)
}

/// An update of an object that others deleted tells what is there: nothing, or the object made again.
async fn update_gone(connection: &dyn Connection, case: &Case, last: &Stored) {
    let Some((name, _)) = case.change.as_ref().filter(|_| case.calls) else { return };
    let (id, prior, private) = (last.id.clone(), last.object.clone(), last.private.clone());
    let (desired, changed, op) = (last.object.clone(), vec![(*name).into()], operation(&case.ty));
    let outcome = connection.update(&case.ty, Update { id, prior, desired, changed, private, op }).await;
    match (&outcome, read(connection, case, last).await) {
        (Outcome::Failed(_), ReadOutcome::Gone) => (),
        (Outcome::Done(made), ReadOutcome::Found(_)) => {
            let (id, prior, op) = (made.id.clone(), made.object.clone(), operation(&case.ty));
            connection.delete(&case.ty, Delete { id, prior, private: None, op }).await.unwrap();
        }
        (_, there) => panic!("{}: the update of what is gone ends with {outcome:?}, but there is {there:?}", case.ty),
    }
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
        if !case.is_repeatable {
            return made;
        }
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
    let mut desired = ObjectBuilder::from(&made.object).set(name, value.clone());
    // All tags follow the tags, as they are planned.
    if *name == "tags" && made.object.get("tags_all").is_some() {
        desired = desired.set("tags_all", value.clone());
    }
    let desired = desired.build();
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
        let is_set = attribute.required && !attribute.write_only || attribute.always_set;
        assert!(!is_set || !value.is_null(), "{at}.{} is set", attribute.name);
        of_type(value, &attribute.ty, &format!("{at}.{}", attribute.name));
    }
}

fn of_type(value: &Value, ty: &Type, at: &str) {
    if !value.is_null() && !ty.has_dynamic() {
        assert_eq!(value.ty(), ty.without_optional(), "{at} has the declared type");
    }
}
