//! Providers as the engine sees them: definitions that need no credentials, and connections with the
//! connection's type erased.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::ephemeral::{EphemeralType, Hold, Opened};
use super::limits::CallLimit;
use super::resource::Timeouts;
use super::retry::RetryPolicy;
use super::{
    Config, Create, DataType, Delete, Filter, IdempotencyKey, Listed, Operation, Outcome, PlannedChange, ProviderError,
    ProviderFunction, Read, ReadOutcome, RemoteId, ResourceType, States, Stored, Trace, Update,
};
use crate::model::{Object, Schema};

/// A provider: its schemas, and how to connect. Building one makes no call and needs no credentials.
#[async_trait]
pub trait ProviderDef: Send + Sync {
    /// The short name, such as `aws`, which is the local name unless a configuration maps another.
    fn name(&self) -> &'static str;

    /// The registry source under which other tools know it, such as `hashicorp/aws`.
    fn source(&self) -> &'static str;

    fn config_schema(&self) -> &Schema;

    fn resource_types(&self) -> Vec<&'static str>;

    fn data_types(&self) -> Vec<&'static str>;

    fn resource(&self, ty: &str) -> Option<ResourceInfo<'_>>;

    fn data_source(&self, ty: &str) -> Option<&Schema>;

    /// Lets its calls keep to what the whole run may have in flight. One that makes no remote calls has nothing to limit.
    fn limit_calls(&self, _limit: &Arc<CallLimit>) {}

    /// Gives it the way to the states of other configurations. Few have a use for it.
    fn reach_states(&self, _states: &Arc<dyn States>) {}

    fn ephemeral_types(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn ephemeral(&self, _ty: &str) -> Option<&Schema> {
        None
    }

    /// Refines a planned change where the provider or the type's driver has something to say. Pure. `config` is
    /// the provider's own configuration as far as it is known: it may hold unknowns, and is empty where there is
    /// no provider block. May change attributes of an object that had no change otherwise (`tags_all` follows
    /// the provider's default tags), so what to do with the object is decided after it.
    fn plan(&self, ty: &str, config: &Config, change: &mut PlannedChange);

    /// Turns what a user writes on import into an id.
    fn import_id(&self, ty: &str, written: &str) -> Result<RemoteId, ProviderError>;

    /// The functions that expressions can call as `provider::NAME::…`.
    fn functions(&self) -> Vec<ProviderFunction> {
        Vec::new()
    }

    /// Turns the attributes that identify an object into an id. The default is for types that one attribute
    /// identifies, whatever its name; where an object lives is the connection's business.
    fn import_identity(&self, ty: &str, identity: &Object) -> Result<RemoteId, ProviderError> {
        let fields = identity.fields();
        let mut own = fields.iter().filter(|(name, value)| !PLACES.contains(&&**name) && !value.is_null());
        let text = match (own.next(), own.next()) {
            (Some((_, value)), None) => value.as_str(),
            _ => None,
        };
        let example = self.resource(ty).map(|r| r.import_example).unwrap_or_default();
        let wrong = || {
            ProviderError::invalid(format!("the identity says no single id of a \"{ty}\""))
                .help(format!("write id = \"{example}\" in place of the identity"))
        };
        self.import_id(ty, text.ok_or_else(wrong)?)
    }

    /// The object of another type, of this provider or another, as one of a type of this provider. The default is
    /// for providers none of whose types takes the place of another.
    fn move_object(&self, _from: &str, _to: &str, _object: &Object) -> Option<Object> {
        None
    }

    async fn connect(&self, config: &Config, calls: Calls) -> Result<Arc<dyn Connection>, ProviderError>;
}

/// How calls are made, whatever the provider's configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// How long one attempt of a call may take.
    pub attempt: Duration,
}

impl Default for Calls {
    fn default() -> Self {
        Calls { attempt: RetryPolicy::default().attempt }
    }
}

/// Attributes of an identity that say where an object is, not which one it is.
const PLACES: [&str; 2] = ["account_id", "region"];

/// What the engine needs to know of a resource type.
#[derive(Clone, Copy)]
pub struct ResourceInfo<'a> {
    pub schema: &'a Schema,
    pub timeouts: Timeouts,
    pub id_attribute: &'a str,
    pub import_example: &'a str,
    pub service: &'a str,
}

/// An open way to one account, region or cluster. All methods take the resource type's name.
#[async_trait]
pub trait Connection: Send + Sync {
    async fn read_many(&self, ty: &str, reads: &[Read]) -> Vec<ReadOutcome>;
    async fn create(&self, ty: &str, request: Create) -> Outcome;
    async fn update(&self, ty: &str, request: Update) -> Outcome;
    async fn delete(&self, ty: &str, request: Delete) -> Result<(), ProviderError>;
    async fn list(&self, ty: &str, filter: &Filter) -> Result<Vec<Listed>, ProviderError>;
    async fn find_by_key(
        &self,
        ty: &str,
        key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError>;
    /// How [`Connection::find_by_key`] finds objects of the type.
    fn trace(&self, _ty: &str) -> Trace {
        Trace::Key
    }
    /// Whether a new object may not show for a while.
    fn answers_lag(&self) -> bool {
        false
    }
    /// Finishes an interrupted create; the default is for connections whose objects are usable at once.
    async fn resume(&self, _ty: &str, found: Stored, _request: Create) -> Outcome {
        Outcome::Done(found)
    }
    async fn read_data(&self, ty: &str, config: &Config, op: &Operation) -> Result<Object, ProviderError>;
    async fn open_ephemeral(&self, ty: &str, _config: &Config, _op: &Operation) -> Result<Opened, ProviderError> {
        Err(ProviderError::invalid(format!("there is no ephemeral resource \"{ty}\"")))
    }

    /// Gives how to hold it from now on.
    async fn renew_ephemeral(&self, _ty: &str, hold: Hold, _op: &Operation) -> Result<Hold, ProviderError> {
        Ok(hold)
    }

    async fn close_ephemeral(&self, _ty: &str, _hold: Hold, _op: &Operation) -> Result<(), ProviderError> {
        Ok(())
    }
}

/// The types of one provider, by name; providers hold one of these and delegate to it.
pub struct Types<C: Send + Sync + 'static> {
    pub resources: BTreeMap<&'static str, ResourceType<C>>,
    pub data: BTreeMap<&'static str, DataType<C>>,
    pub ephemeral: BTreeMap<&'static str, EphemeralType<C>>,
}

impl<C: Send + Sync + 'static> Types<C> {
    pub fn new(resources: Vec<ResourceType<C>>, data: Vec<DataType<C>>) -> Arc<Self> {
        Types::with_ephemeral(resources, data, Vec::new())
    }

    pub fn with_ephemeral(
        resources: Vec<ResourceType<C>>,
        data: Vec<DataType<C>>,
        ephemeral: Vec<EphemeralType<C>>,
    ) -> Arc<Self> {
        Arc::new(Types {
            ephemeral: ephemeral.into_iter().map(|t| (t.name, t)).collect(),
            resources: resources.into_iter().map(|t| (t.name, t)).collect(),
            data: data.into_iter().map(|t| (t.name, t)).collect(),
        })
    }

    pub fn resource_info(&self, ty: &str) -> Option<ResourceInfo<'_>> {
        let t = self.resources.get(ty)?;
        Some(ResourceInfo {
            schema: &t.schema,
            timeouts: t.timeouts,
            id_attribute: t.id_attribute,
            import_example: t.import_example,
            service: t.service,
        })
    }

    pub fn plan(&self, ty: &str, change: &mut PlannedChange) {
        if let Some(t) = self.resources.get(ty) {
            t.driver.plan(change);
        }
    }

    pub fn import_id(&self, ty: &str, written: &str) -> Result<RemoteId, ProviderError> {
        self.get(ty)?.driver.import_id(written)
    }

    fn get(&self, ty: &str) -> Result<&ResourceType<C>, ProviderError> {
        self.resources.get(ty).ok_or_else(|| ProviderError::invalid(format!("there is no resource type \"{ty}\"")))
    }
}

/// A connection whose calls can be given up.
pub trait Stoppable: Send + Sync + 'static {
    /// The same connection for one operation: calls that are made through it are given up when the operation is, and
    /// when its time is over.
    fn within(&self, op: &Operation) -> Self;

    /// See [`Connection::answers_lag`].
    fn answers_lag(&self) -> bool {
        false
    }
}

/// A connection of a known type together with the types that it serves. Fits every object that comes from a
/// driver to its schema.
pub struct Connected<C: Stoppable> {
    pub cloud: C,
    pub types: Arc<Types<C>>,
}

impl<C: Stoppable> Connected<C> {
    fn ephemeral(&self, ty: &str) -> Result<&EphemeralType<C>, ProviderError> {
        let missing = || ProviderError::invalid(format!("there is no ephemeral resource \"{ty}\""));
        self.types.ephemeral.get(ty).ok_or_else(missing)
    }

    fn fit(&self, ty: &str, mut stored: Stored) -> Stored {
        if let Some(t) = self.types.resources.get(ty) {
            stored.object = Object::new(&t.schema.block.fit(&stored.object.value()));
        }
        stored
    }

    fn fit_outcome(&self, ty: &str, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Done(stored) => Outcome::Done(self.fit(ty, stored)),
            Outcome::Partial(stored, error) => Outcome::Partial(self.fit(ty, stored), error),
            failed => failed,
        }
    }
}

#[async_trait]
impl<C: Stoppable> Connection for Connected<C> {
    async fn read_many(&self, ty: &str, reads: &[Read]) -> Vec<ReadOutcome> {
        let t = match self.types.get(ty) {
            Ok(t) => t,
            Err(error) => return reads.iter().map(|_| ReadOutcome::Failed(error.clone())).collect(),
        };
        let outcomes = t.driver.read_many(&self.cloud, reads).await;
        let fit = |outcome| match outcome {
            ReadOutcome::Found(stored) => ReadOutcome::Found(self.fit(ty, stored)),
            other => other,
        };
        outcomes.into_iter().map(fit).collect()
    }

    async fn create(&self, ty: &str, request: Create) -> Outcome {
        match self.types.get(ty) {
            Ok(t) => {
                let cloud = self.cloud.within(&request.op);
                self.fit_outcome(ty, t.driver.create(&cloud, request).await)
            }
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn update(&self, ty: &str, request: Update) -> Outcome {
        match self.types.get(ty) {
            Ok(t) => {
                let cloud = self.cloud.within(&request.op);
                self.fit_outcome(ty, t.driver.update(&cloud, request).await)
            }
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn delete(&self, ty: &str, request: Delete) -> Result<(), ProviderError> {
        let cloud = self.cloud.within(&request.op);
        self.types.get(ty)?.driver.delete(&cloud, request).await
    }

    async fn list(&self, ty: &str, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        let listed = self.types.get(ty)?.driver.list(&self.cloud, filter).await?;
        Ok(listed.into_iter().map(|l| Listed { stored: self.fit(ty, l.stored), ..l }).collect())
    }

    async fn find_by_key(
        &self,
        ty: &str,
        key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        let found = self.types.get(ty)?.driver.find_by_key(&self.cloud, key, desired).await?;
        Ok(found.map(|stored| self.fit(ty, stored)))
    }

    fn trace(&self, ty: &str) -> Trace {
        self.types.resources.get(ty).map_or(Trace::Nothing, |t| t.driver.trace())
    }

    fn answers_lag(&self) -> bool {
        self.cloud.answers_lag()
    }

    async fn resume(&self, ty: &str, found: Stored, request: Create) -> Outcome {
        match self.types.get(ty) {
            Ok(t) => {
                let cloud = self.cloud.within(&request.op);
                self.fit_outcome(ty, t.driver.resume(&cloud, found, request).await)
            }
            Err(error) => Outcome::Failed(error),
        }
    }

    async fn read_data(&self, ty: &str, config: &Config, op: &Operation) -> Result<Object, ProviderError> {
        let missing = || ProviderError::invalid(format!("there is no data source \"{ty}\""));
        let t = self.types.data.get(ty).ok_or_else(missing)?;
        let object = t.driver.read(&self.cloud.within(op), config, op).await?;
        Ok(Object::new(&t.schema.block.fit(&object.value())))
    }

    async fn open_ephemeral(&self, ty: &str, config: &Config, op: &Operation) -> Result<Opened, ProviderError> {
        let t = self.ephemeral(ty)?;
        let opened = t.driver.open(&self.cloud.within(op), config, op).await?;
        Ok(Opened { object: Object::new(&t.schema.block.fit(&opened.object.value())), ..opened })
    }

    async fn renew_ephemeral(&self, ty: &str, hold: Hold, op: &Operation) -> Result<Hold, ProviderError> {
        self.ephemeral(ty)?.driver.renew(&self.cloud.within(op), hold, op).await
    }

    async fn close_ephemeral(&self, ty: &str, hold: Hold, op: &Operation) -> Result<(), ProviderError> {
        self.ephemeral(ty)?.driver.close(&self.cloud.within(op), hold, op).await
    }
}
