//! The AWS provider, connected to a test server; a network for what needs one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use terrane::model::{Object, ObjectBuilder, Str};
use terrane::provider::{
    Calls, Config, Connection, Create, Delete, IdempotencyKey, Operation, Outcome, Pace, Progress, ProviderDef, Read,
    ReadOutcome, Stored, Update,
};
use terrane::providers::aws::Definition;

use crate::driver_conformance::suite;

/// A connection to one server in one region, and what its operations told of their progress.
pub struct Account {
    pub def: Definition,
    pub connection: Arc<dyn Connection>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Account {
    pub async fn connect(url: &str, region: &str) -> Account {
        Account::connect_with(url, region, Calls::default(), |config| config).await
    }

    /// A connection of a provider that is configured in another way.
    pub async fn connect_with(
        url: &str,
        region: &str,
        calls: Calls,
        configure: impl FnOnce(ObjectBuilder) -> ObjectBuilder,
    ) -> Account {
        let services = ["ec2", "eks", "elasticache", "iam", "rds", "s3", "sts"];
        let endpoints = services.iter().fold(ObjectBuilder::new(), |e, s| e.set(s, url));
        let config = ObjectBuilder::new()
            .set("region", region)
            .set("access_key", "test")
            .set("secret_key", "test")
            .blocks("endpoints", [endpoints.build()]);
        let pace = Pace { first: Duration::from_millis(5), longest: Duration::from_millis(20) };
        let def = Definition::new(pace);
        let connection = def.connect(&configure(config).build(), calls).await.unwrap();
        Account { def, connection, told: Arc::default() }
    }

    /// What the operations told of their progress, in order.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    pub fn operation(&self, ty: &str) -> Operation {
        let told = self.told.clone();
        Operation {
            progress: Progress::new(move |text| told.lock().unwrap().push(text.into())),
            ..suite::operation(ty)
        }
    }

    /// The configuration with the defaults of the schema.
    pub fn desired(&self, ty: &str, config: &Object) -> Config {
        suite::desired(&self.def.resource(ty).unwrap().schema.block, config)
    }

    pub async fn try_create(&self, ty: &str, config: ObjectBuilder, key: &str) -> Outcome {
        let key = IdempotencyKey(format!("{key:0>32}").as_str().into());
        let desired = self.desired(ty, &config.build());
        self.connection.create(ty, Create { desired, key, op: self.operation(ty) }).await
    }

    /// Finishes the creation that made `found`, as the run after a crash does.
    pub async fn resume(&self, ty: &str, found: &Stored, config: ObjectBuilder) -> Outcome {
        let desired = self.desired(ty, &config.build());
        let request = Create { desired, key: IdempotencyKey("0".into()), op: self.operation(ty) };
        self.connection.resume(ty, found.clone(), request).await
    }

    pub async fn create(&self, ty: &str, config: ObjectBuilder) -> Stored {
        done(self.try_create(ty, config, ty).await)
    }

    /// Changes the attributes that `change` sets.
    pub async fn update(&self, ty: &str, from: &Stored, change: ObjectBuilder) -> Outcome {
        let change = change.build();
        let changed: Vec<Str> = change.fields().keys().cloned().collect();
        let mut desired = ObjectBuilder::from(&from.object);
        for (name, value) in change.fields().iter() {
            desired = desired.set(name, value.clone());
        }
        let (id, prior, private, op) = (from.id.clone(), from.object.clone(), None, self.operation(ty));
        let desired = self.desired(ty, &desired.build());
        self.connection.update(ty, Update { id, prior, desired, changed, private, op }).await
    }

    pub async fn read(&self, ty: &str, id: &str, prior: Option<Object>) -> ReadOutcome {
        let read = Read { id: terrane::provider::RemoteId(id.into()), prior };
        self.connection.read_many(ty, &[read]).await.remove(0)
    }

    pub async fn delete(&self, ty: &str, stored: &Stored) -> Result<(), terrane::provider::ProviderError> {
        let (id, prior, op) = (stored.id.clone(), stored.object.clone(), self.operation(ty));
        self.connection.delete(ty, Delete { id, prior, private: None, op }).await
    }

    /// Two subnets of a new VPC, in two zones.
    pub async fn subnets(&self, region: &str) -> Vec<String> {
        let vpc = self.create("aws_vpc", ObjectBuilder::new().set("cidr_block", "10.0.0.0/16")).await;
        let mut ids = Vec::new();
        for (zone, range) in [("a", "10.0.1.0/24"), ("b", "10.0.2.0/24")] {
            let subnet = ObjectBuilder::new()
                .set("vpc_id", &*vpc.id.0)
                .set("cidr_block", range)
                .set("availability_zone", format!("{region}{zone}"));
            ids.push(done(self.try_create("aws_subnet", subnet, zone).await).id.0.to_string());
        }
        ids
    }
}

/// The object of an operation that must succeed.
pub fn done(outcome: Outcome) -> Stored {
    match outcome {
        Outcome::Done(stored) => stored,
        other => panic!("{other:?}"),
    }
}
