//! A connection to the simulated cloud in the place of a provider's own: the driver contract over the rules,
//! with the faults and the latency that were ordered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::SandboxCloud;
use super::body::Shapes;
use super::catalog;
use super::data;
use super::faults::{Fault, Op};
use super::objects::{Context, Row};
use crate::model::{Object, ObjectBuilder, Value};
use crate::provider::limits::Rates;
use crate::provider::retry::{Repeat, RetryPolicy};
use crate::provider::{
    Calls, Config, Connection, Create, Delete, ErrorKind, Filter, IdempotencyKey, Listed, Operation, Outcome,
    ProviderDef, ProviderError, Read, ReadOutcome, RemoteId, Stored, Update,
};

/// The region of a provider that is configured without one.
const REGION: &str = "us-east-1";

/// What each type takes in a region. Only orders for faults make it less.
const RATES: Rates = Rates { per_second: 100_000.0, burst: 100_000, concurrent: 10_000 };

pub struct SandboxConnection {
    def: Arc<dyn ProviderDef>,
    cloud: Arc<SandboxCloud>,
    config: Config,
    region: String,
    default_tags: Arc<[(String, String)]>,
    retry: RetryPolicy,
    shapes: Arc<Shapes>,
    /// The provider's own connection, for data sources that only compute.
    own: OnceCell<Arc<dyn Connection>>,
}

impl SandboxConnection {
    pub fn new(
        def: Arc<dyn ProviderDef>,
        cloud: Arc<SandboxCloud>,
        config: &Config,
        calls: Calls,
    ) -> SandboxConnection {
        let has_region = def.config_schema().block.attribute("region").is_some() || def.name() == "aws";
        let region = config.string("region").or_else(|| config.string("location"));
        let default_tags = config.block("default_tags").map(|block| block.string_map("tags")).unwrap_or_default();
        let retry = RetryPolicy { attempt: calls.attempt, ..RetryPolicy::default() };
        let most = config.i64("max_retries").and_then(|n| u32::try_from(n).ok());
        SandboxConnection {
            retry: most.map_or(retry, |n| retry.at_most(n)),
            region: region.unwrap_or_else(|| if has_region { REGION.to_string() } else { String::new() }),
            def,
            cloud,
            config: config.clone(),
            default_tags: default_tags.into(),
            shapes: Arc::default(),
            own: OnceCell::new(),
        }
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn seed(&self) -> u64 {
        self.cloud.dice.faults().seed
    }

    pub fn has_type(&self, ty: &str) -> bool {
        self.def.resource(ty).is_some()
    }

    /// All objects of a type in this region.
    pub async fn rows(&self, ty: &str) -> Result<Vec<Row>, ProviderError> {
        let context = self.context(ty)?;
        self.cloud.store.read(move |connection| context.list(connection)).await
    }

    fn context(&self, ty: &str) -> Result<Context, ProviderError> {
        let missing = || ProviderError::invalid(format!("there is no resource type \"{ty}\""));
        let info = self.def.resource(ty).ok_or_else(missing)?;
        let is_global = catalog::of(ty).is_some_and(|kind| kind.is_global);
        Ok(Context {
            def: self.def.clone(),
            shape: self.shapes.of(ty, &info.schema.block),
            shapes: self.shapes.clone(),
            ty: ty.to_string(),
            scope: if is_global { String::new() } else { self.region.clone() },
            region: self.region.clone(),
            seed: self.seed(),
            default_tags: self.default_tags.clone(),
            covered: self.cloud.covered(),
        })
    }

    /// Lets faults strike that come before the call takes effect, and repeats the call as drivers of real clouds
    /// do; gives the fault that comes after.
    async fn before(
        &self,
        ty: &str,
        op: Op,
        object: &str,
        call: Option<&Operation>,
    ) -> Result<Option<Fault>, ProviderError> {
        let attempt = async || {
            let Some(fault) = self.cloud.dice.strikes(ty, op, object) else { return Ok(None) };
            match fault {
                fault if fault.comes_after() => return Ok(Some(fault)),
                Fault::CrashBefore => std::process::abort(),
                Fault::Hang => std::future::pending().await,
                _ => (),
            }
            Err(fault.error())
        };
        let lane = self.cloud.transport.lane(ty, &self.region, RATES);
        let never = CancellationToken::new();
        let cancel = call.map_or(&never, |call| &call.cancel);
        // Nothing happened, so every call can be repeated.
        let struck = lane.call(&self.retry, Repeat::Always, cancel, attempt);
        let result = match call {
            Some(call) => tokio::time::timeout(call.timeout, struck).await.unwrap_or_else(|_| Err(out_of_time(call))),
            None => struck.await,
        };
        result.map_err(|error| named(error, ty, op))
    }

    /// The error of a fault that comes after the call took effect.
    fn after(fault: Option<Fault>, ty: &str, op: Op) -> Result<(), ProviderError> {
        match fault {
            None => Ok(()),
            Some(Fault::CrashAfter) => std::process::abort(),
            Some(fault) => Err(named(fault.error(), ty, op)),
        }
    }

    async fn try_create(
        &self,
        ty: &str,
        request: &Create,
        fault: Option<Fault>,
    ) -> Result<(Row, Duration), ProviderError> {
        let context = self.context(ty)?;
        let latency = self.cloud.dice.latency(ty, Op::Create, &request.key.0);
        let quota = self.cloud.dice.faults().quotas.of(ty, catalog::of(ty).and_then(|kind| kind.quota));
        let (key, desired) = (request.key.0.clone(), request.desired.clone());
        let ready_at = now().saturating_add(i64::try_from(latency.as_millis()).unwrap_or(i64::MAX));
        let write =
            move |connection: &rusqlite::Connection| context.create(connection, &key, &desired, quota, ready_at);
        let row = self.cloud.store.write(write).await?;
        if fault == Some(Fault::CrashAfter) {
            std::process::abort();
        }
        // One that was made before the process died may be nearly ready.
        let left = Duration::from_millis(u64::try_from(row.ready_at.saturating_sub(now())).unwrap_or(0));
        Ok((row, left))
    }
}

#[async_trait]
impl Connection for SandboxConnection {
    async fn read_many(&self, ty: &str, reads: &[Read]) -> Vec<ReadOutcome> {
        let strike = async |read: &Read| match self.before(ty, Op::Read, &read.id.0, None).await {
            Ok(fault) => Self::after(fault, ty, Op::Read).err().map(ReadOutcome::Failed),
            Err(error) => Some(ReadOutcome::Failed(error)),
        };
        // Each read is struck, and repeated, beside the others.
        let outcomes = futures::future::join_all(reads.iter().map(strike)).await;
        let ids = reads.iter().map(|read| read.id.0.to_string()).collect::<Vec<_>>();
        let found = match (self.context(ty), pause(self.cloud.dice.latency(ty, Op::Read, ""), None).await) {
            (Ok(context), _) => self.cloud.store.read(move |c| context.get_many(c, &ids)).await,
            (Err(error), _) => Err(error),
        };
        let rows: HashMap<String, Row> = match found {
            Ok(rows) => rows.into_iter().map(|row| (row.id.clone(), row)).collect(),
            Err(error) => {
                return reads.iter().map(|_| ReadOutcome::Failed(named(error.clone(), ty, Op::Read))).collect();
            }
        };
        let answer = |(read, failed): (&Read, Option<ReadOutcome>)| match (failed, rows.get(&*read.id.0)) {
            (Some(failed), _) => failed,
            (None, Some(row)) => ReadOutcome::Found(stored(row)),
            (None, None) => ReadOutcome::Gone,
        };
        reads.iter().zip(outcomes).map(answer).collect()
    }

    async fn create(&self, ty: &str, request: Create) -> Outcome {
        let fault = match self.before(ty, Op::Create, &request.key.0, Some(&request.op)).await {
            Ok(fault) => fault,
            Err(error) => return Outcome::Failed(error),
        };
        let (row, left) = match self.try_create(ty, &request, fault).await {
            Ok(made) => made,
            Err(error) => return Outcome::Failed(named(error, ty, Op::Create)),
        };
        if !left.is_zero() {
            let ready = catalog::of(ty).map_or("available", |kind| kind.ready);
            request.op.progress.tell(&format!("waiting for \"{ready}\", now \"creating\""));
        }
        let waited = match fault {
            Some(Fault::Timeout) => Ok(()),
            _ => pause(left, Some(&request.op)).await.map_err(|e| named(e, ty, Op::Create)),
        };
        match (waited, fault) {
            (Err(error), _) => Outcome::Partial(stored(&row), error),
            (Ok(()), None) => Outcome::Done(stored(&row)),
            // The answer did not arrive: the caller knows nothing of the object.
            (Ok(()), Some(Fault::Lost)) => Outcome::Failed(named(Fault::Lost.error(), ty, Op::Create)),
            (Ok(()), Some(fault)) => Outcome::Partial(stored(&row), named(fault.error(), ty, Op::Create)),
        }
    }

    async fn update(&self, ty: &str, request: Update) -> Outcome {
        let id = request.id.0.clone();
        let fault = match self.before(ty, Op::Update, &id, Some(&request.op)).await {
            Ok(fault) => fault,
            Err(error) => return Outcome::Failed(error),
        };
        let latency = self.cloud.dice.latency(ty, Op::Update, &id);
        let context = match (self.context(ty), pause(latency, Some(&request.op)).await) {
            (Ok(context), Ok(())) => context,
            (Err(error), _) | (_, Err(error)) => return Outcome::Failed(named(error, ty, Op::Update)),
        };
        let write = move |c: &rusqlite::Connection| context.update(c, &id, &request.desired, &request.changed);
        let row = match self.cloud.store.write(write).await {
            Ok(row) => row,
            Err(error) => return Outcome::Failed(named(error, ty, Op::Update)),
        };
        match Self::after(fault, ty, Op::Update) {
            Ok(()) => Outcome::Done(stored(&row)),
            Err(error) => Outcome::Partial(stored(&row), error),
        }
    }

    async fn delete(&self, ty: &str, request: Delete) -> Result<(), ProviderError> {
        let id = request.id.0.clone();
        let fault = self.before(ty, Op::Delete, &id, Some(&request.op)).await?;
        let latency = self.cloud.dice.latency(ty, Op::Delete, &id);
        pause(latency, Some(&request.op)).await.map_err(|e| named(e, ty, Op::Delete))?;
        let context = self.context(ty)?;
        let deleted = self.cloud.store.write(move |connection| context.delete(connection, &id)).await;
        deleted.map_err(|e| named(e, ty, Op::Delete))?;
        Self::after(fault, ty, Op::Delete)
    }

    async fn list(&self, ty: &str, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let fault = self.before(ty, Op::List, "", None).await?;
        let rows = self.rows(ty).await.map_err(|e| named(e, ty, Op::List))?;
        Self::after(fault, ty, Op::List)?;
        let listed = rows
            .iter()
            .filter(|row| has_tags(&row.object, filter))
            .map(|row| Listed { stored: stored(row), display_name: display_name(&row.object) });
        Ok(listed.collect())
    }

    async fn find_by_key(&self, ty: &str, key: &IdempotencyKey, _: &Config) -> Result<Option<Stored>, ProviderError> {
        let fault = self.before(ty, Op::Find, &key.0, None).await?;
        let (context, key) = (self.context(ty)?, key.0.clone());
        let row = self.cloud.store.read(move |connection| context.find_by_key(connection, &key)).await?;
        Self::after(fault, ty, Op::Find)?;
        Ok(row.as_ref().map(stored))
    }

    async fn read_data(&self, ty: &str, config: &Config, op: &Operation) -> Result<Object, ProviderError> {
        let fault = self.before(ty, Op::Data, "", Some(op)).await?;
        pause(self.cloud.dice.latency(ty, Op::Data, ""), Some(op)).await.map_err(|e| named(e, ty, Op::Data))?;
        Self::after(fault, ty, Op::Data)?;
        if catalog::COMPUTED_DATA.contains(&ty) {
            let calls = Calls { attempt: self.retry.attempt };
            let own =
                self.own.get_or_try_init(|| async { self.def.connect(&offline(&self.def, &self.config), calls).await });
            return own.await?.read_data(ty, config, op).await;
        }
        let missing = || ProviderError::invalid(format!("there is no data source \"{ty}\""));
        let schema = self.def.data_source(ty).ok_or_else(missing)?;
        data::read(self, ty, &schema.block, config).await.map_err(|e| named(e, ty, Op::Data))
    }
}

/// The provider's configuration with what keeps it from looking for credentials.
fn offline(def: &Arc<dyn ProviderDef>, config: &Config) -> Config {
    let schema = &def.config_schema().block;
    let set = |object: ObjectBuilder, name: &str, value: Value| match schema.attribute(name) {
        Some(_) => object.set(name, value),
        None => object,
    };
    let object = ["access_key", "secret_key"]
        .into_iter()
        .fold(ObjectBuilder::from(config), |object, name| set(object, name, "sandbox".into()));
    let skips = ["skip_credentials_validation", "skip_requesting_account_id", "skip_metadata_api_check"];
    let flag = |name: &str| match schema.attribute(name).map(|a| &a.ty) {
        Some(crate::model::Type::String) => Value::from("true"),
        _ => Value::Bool(true),
    };
    skips.into_iter().fold(object, |object, name| set(object, name, flag(name))).build()
}

fn stored(row: &Row) -> Stored {
    Stored { id: RemoteId(row.id.as_str().into()), object: row.object.clone(), private: None }
}

fn has_tags(object: &Object, filter: &Filter) -> bool {
    if filter.tags.is_empty() {
        return true;
    }
    let all = if object.get("tags_all").is_some() { "tags_all" } else { "tags" };
    let tags = object.string_map(all);
    filter.tags.iter().all(|wanted| tags.contains(wanted))
}

fn display_name(object: &Object) -> Option<String> {
    let tags = object.string_map("tags");
    let tag = tags.into_iter().find(|(name, _)| name == "Name").map(|(_, value)| value);
    tag.or_else(|| ["name", "bucket", "identifier"].iter().find_map(|name| object.string(name)))
}

fn named(error: ProviderError, ty: &str, op: Op) -> ProviderError {
    if error.operation.is_empty() { error.operation(format!("{ty}:{op}")) } else { error }
}

/// Waits as long as the call may take and nobody gives it up.
async fn pause(length: Duration, call: Option<&Operation>) -> Result<(), ProviderError> {
    if length.is_zero() {
        return Ok(());
    }
    let Some(call) = call else {
        tokio::time::sleep(length).await;
        return Ok(());
    };
    tokio::select! {
        () = tokio::time::sleep(length) => Ok(()),
        () = tokio::time::sleep(call.timeout) => Err(out_of_time(call)),
        () = call.cancel.cancelled() => Err(ProviderError::new(ErrorKind::Cancelled, "the call was given up")),
    }
}

fn out_of_time(call: &Operation) -> ProviderError {
    ProviderError::new(ErrorKind::Timeout, format!("it was not done within {:?}", call.timeout))
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
