//! What one step does: everything that its call needs is put together while the values are at hand, then it runs
//! on its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::cloud::Cloud;
use super::effect;
use super::event::{Event, Observer, Verb};
use super::provision::Question;
use super::rows::{self, RowParts, marked};
use super::secrets::without_secrets;
use crate::model::{Address, Diagnostic, KillPoint, Object, Str, Value, Veil};
use crate::plan::Moment;
use crate::plan::outside::ProviderInstance;
use crate::plan::prior::{mark_paths, sensitive_paths};
use crate::provider::ephemeral::Held;
use crate::provider::{
    Connection, Create, Delete, IdempotencyKey, Operation, Outcome, Progress, ProviderError, Provisioner, RemoteId,
    Stored, Trace, Update,
};
use crate::state::lease::Lasting;
use crate::state::{Change, Intent, IntentOperation, RowKey, Store, StoredInstance};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

/// How a step ended.
pub enum Ended {
    /// The object as it is now.
    Made(Value),
    /// There is no object of the step that others could use.
    Gone,
    Failed(Diagnostic),
    /// Nobody knows whether the call took effect; its intent is open.
    Unsettled(Diagnostic),
    /// Something exists, but not what was asked for.
    Partial(Value, Diagnostic),
    /// An ephemeral resource is open.
    Opened(Value, Box<Held>),
}

impl Ended {
    fn problem(&self) -> Option<&Diagnostic> {
        match self {
            Ended::Failed(problem) | Ended::Unsettled(problem) | Ended::Partial(_, problem) => Some(problem),
            Ended::Made(_) | Ended::Opened(..) | Ended::Gone => None,
        }
    }
}

/// A call that is ready to be made.
pub struct Task {
    pub address: Address,
    pub deposed: Option<Str>,
    pub span: Option<crate::model::Span>,
    /// The number of the change.
    pub change: u32,
    /// When provisioners run with this step, if any do.
    pub provisions: Option<Moment>,
    pub provider: Arc<ProviderInstance>,
    pub key: IdempotencyKey,
    pub plan_id: Str,
    pub timeout: Duration,
    pub parts: RowParts,
    pub call: Call,
}

pub enum Call {
    Create {
        desired: Value,
        /// With the marks that the object will carry.
        planned: Value,
        /// The predecessor of a create-first replacement, as it is stored until it is deleted.
        deposing: Option<Box<StoredInstance>>,
    },
    Update {
        id: RemoteId,
        prior: Value,
        desired: Value,
        planned: Value,
        changed: Vec<Str>,
        private: Option<serde_json::Value>,
    },
    /// Only what is stored changes.
    Rewrite {
        id: RemoteId,
        planned: Value,
        private: Option<serde_json::Value>,
    },
    Delete {
        id: RemoteId,
        prior: Value,
        private: Option<serde_json::Value>,
    },
    Read {
        config: Value,
    },
    Forget,
    /// The state gets an object that exists.
    Import {
        id: RemoteId,
        object: Value,
    },
}

/// What all steps of a run share.
#[derive(Clone)]
pub struct Shared {
    pub cloud: Arc<dyn Cloud>,
    pub store: Arc<dyn Store>,
    pub observer: Arc<dyn Observer>,
    pub provisioner: Arc<dyn Provisioner>,
    pub ask: UnboundedSender<Question>,
    pub lasting: Option<Lasting>,
    pub abort: CancellationToken,
}

impl Task {
    pub fn verb(&self) -> Verb {
        match self.call {
            Call::Create { .. } => Verb::Create,
            Call::Update { .. } | Call::Rewrite { .. } => Verb::Update,
            Call::Delete { .. } => Verb::Delete,
            Call::Read { .. } => Verb::Read,
            Call::Forget => Verb::Forget,
            Call::Import { .. } => Verb::Import,
        }
    }

    fn id(&self) -> Option<Str> {
        match &self.call {
            Call::Update { id, .. } | Call::Rewrite { id, .. } | Call::Delete { id, .. } | Call::Import { id, .. } => {
                Some(id.0.clone())
            }
            _ => None,
        }
    }

    /// Makes the call and writes down what came of it.
    pub async fn run(self, shared: Shared) -> Ended {
        let (verb, began, known_id) = (self.verb(), Instant::now(), self.id());
        let (address, deposed) = (self.address.clone(), self.deposed.clone());
        let known_id = known_id.filter(|id| !self.veil().hides(id));
        shared.observer.tell(Event::Started {
            address: address.clone(),
            deposed: deposed.clone(),
            verb,
            id: known_id.clone(),
        });
        tracing::info!(%address, ?verb, "step begins");
        let ended = self.perform(&shared).await;
        let elapsed = began.elapsed();
        tracing::info!(%address, ?verb, ?elapsed, failed = ended.problem().is_some(), "step ends");
        let event = match &ended {
            Ended::Made(value) => {
                let id = value.attr("id").and_then(|v| v.as_str().cloned());
                let id = id.filter(|id| !Veil::of([value]).hides(id));
                Event::Done { address, deposed, verb, id, elapsed }
            }
            Ended::Opened(..) | Ended::Gone => Event::Done { address, deposed, verb, id: known_id, elapsed },
            Ended::Failed(problem) | Ended::Unsettled(problem) | Ended::Partial(_, problem) => {
                Event::Failed { address, verb, elapsed, message: problem.summary.clone() }
            }
        };
        shared.observer.tell(event);
        ended
    }

    async fn perform(self, shared: &Shared) -> Ended {
        let op = self.operation(shared);
        let result = match self.call {
            Call::Create { .. } => self.create(shared, op).await,
            Call::Update { .. } => self.update(shared, op).await,
            Call::Rewrite { .. } => self.rewrite(shared).await,
            Call::Delete { .. } => self.delete(shared, op).await,
            Call::Read { .. } => self.read(shared, op).await,
            Call::Forget => self.forget(shared).await,
            Call::Import { .. } => self.import(shared).await,
        };
        result.unwrap_or_else(Ended::Failed)
    }

    fn operation(&self, shared: &Shared) -> Operation {
        let (observer, address) = (shared.observer.clone(), self.address.clone());
        let tell = move |what: &str| observer.tell(Event::Waiting { address: address.clone(), what: what.to_string() });
        Operation {
            address: self.address.clone(),
            timeout: self.timeout,
            cancel: shared.abort.clone(),
            progress: Progress::new(tell),
        }
    }

    async fn create(self, shared: &Shared, op: Operation) -> Result<Ended, Diagnostic> {
        let connection = shared.cloud.connect(&self.provider).await?;
        let Call::Create { desired, planned, deposing } = &self.call else { return Ok(Ended::Gone) };
        let before = self.was_there(&*connection, &Object::new(desired)).await;
        let mut begin =
            vec![Change::Begin(self.intent(IntentOperation::Create, before.as_ref(), Some((desired, planned))))];
        if let Some(old) = deposing {
            begin.push(Change::Remove(RowKey::current(self.address.clone())));
            begin.push(Change::Put(Arc::new(StoredInstance::clone(old))));
        }
        if let Some(left) = self.announce(shared, begin).await? {
            return Ok(left);
        }
        let request = Create { desired: Object::new(desired), key: self.key.clone(), op };
        let Some(outcome) = unless_given_up(shared, connection.create(self.address.ty(), request)).await else {
            return Ok(Ended::Unsettled(self.given_up()));
        };
        KillPoint::CallAnswered.here();
        match outcome {
            Outcome::Done(stored) if self.provisions.is_some() => self.provision_new(shared, &stored, planned).await,
            Outcome::Done(stored) => self.store_object(shared, &stored, planned, None).await,
            Outcome::Partial(stored, error) => self.store_object(shared, &stored, planned, Some(error)).await,
            // The intent stays: the next run asks for the object before it makes another.
            Outcome::Failed(error) if error.leaves_open() => Ok(Ended::Unsettled(self.problem(&error))),
            Outcome::Failed(error) => {
                // Tried again, it is another call: a service may know this key with what it was sent with.
                let mut changes = vec![Change::End(self.key.0.clone()), Change::Spend];
                changes.extend(deposing.iter().flat_map(|old| rows::reinstated(old)));
                self.commit(shared, changes).await?;
                Ok(Ended::Failed(self.problem(&error)))
            }
        }
    }

    /// The id of an object that the create would find although it did not make it: the next run must not take it for
    /// the create's.
    async fn was_there(&self, connection: &dyn Connection, desired: &Object) -> Option<RemoteId> {
        let ty = self.address.ty();
        if connection.trace(ty) != Trace::Likeness {
            return None;
        }
        // Where it cannot be looked at, the create itself tells why.
        connection.find_by_key(ty, &self.key, desired).await.ok()?.map(|stored| stored.id)
    }

    async fn update(self, shared: &Shared, op: Operation) -> Result<Ended, Diagnostic> {
        let connection = shared.cloud.connect(&self.provider).await?;
        let Call::Update { id, prior, desired, planned, changed, private } = &self.call else { return Ok(Ended::Gone) };
        let intent = self.intent(IntentOperation::Update, Some(id), Some((desired, planned)));
        if let Some(left) = self.announce(shared, vec![Change::Begin(intent)]).await? {
            return Ok(left);
        }
        let request = Update {
            id: id.clone(),
            prior: Object::new(&prior.unmark_deep().0),
            desired: Object::new(desired),
            changed: changed.clone(),
            private: private.clone(),
            op,
        };
        let Some(outcome) = unless_given_up(shared, connection.update(self.address.ty(), request)).await else {
            return Ok(Ended::Unsettled(self.given_up()));
        };
        KillPoint::CallAnswered.here();
        match outcome {
            Outcome::Done(stored) => {
                let missed = self.without_effect(&stored, changed, prior, desired);
                self.store_updated(shared, &stored, planned, missed).await
            }
            Outcome::Partial(stored, error) => {
                self.store_updated(shared, &stored, planned, Some(self.problem(&error))).await
            }
            Outcome::Failed(error) => {
                self.commit(shared, vec![Change::End(self.key.0.clone())]).await?;
                Ok(Ended::Failed(self.problem(&error)))
            }
        }
    }

    /// Writes the updated object. It was fine before and is stored as it is now: a problem does not taint it.
    async fn store_updated(
        &self,
        shared: &Shared,
        stored: &Stored,
        planned: &Value,
        problem: Option<Diagnostic>,
    ) -> Result<Ended, Diagnostic> {
        let ended = self.store_object(shared, stored, planned, None).await?;
        Ok(match (ended, problem) {
            (Ended::Made(value), Some(problem)) => Ended::Partial(value, problem),
            (ended, _) => ended,
        })
    }

    /// What the provider said it had changed, and did not.
    fn without_effect(&self, stored: &Stored, changed: &[Str], prior: &Value, desired: &Value) -> Option<Diagnostic> {
        let block = &self.parts.schema.block;
        let missed = effect::missed(block, changed, prior, desired, &stored.object.value());
        let names = missed.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let error =
            ProviderError::invalid(format!("the provider took the change, yet afterwards {names} is as before"))
                .help("plan again: it may take the provider a while; if the change shows again, something undoes it");
        (!missed.is_empty()).then(|| self.problem(&error))
    }

    async fn rewrite(self, shared: &Shared) -> Result<Ended, Diagnostic> {
        let Call::Rewrite { id, planned, private } = &self.call else { return Ok(Ended::Gone) };
        let stored = Stored { id: id.clone(), object: Object::new(planned), private: private.clone() };
        let row = self.parts.row(&stored, planned, false);
        self.commit(shared, vec![Change::Put(Arc::new(row))]).await?;
        Ok(Ended::Made(planned.clone()))
    }

    async fn import(self, shared: &Shared) -> Result<Ended, Diagnostic> {
        let Call::Import { id, object } = &self.call else { return Ok(Ended::Gone) };
        let stored = Stored { id: id.clone(), object: Object::new(object), private: None };
        let row = self.parts.row(&stored, object, false);
        self.commit(shared, vec![Change::Put(Arc::new(row))]).await?;
        Ok(Ended::Gone)
    }

    async fn delete(self, shared: &Shared, op: Operation) -> Result<Ended, Diagnostic> {
        let connection = shared.cloud.connect(&self.provider).await?;
        let Call::Delete { id, prior, private } = &self.call else { return Ok(Ended::Gone) };
        if self.provisions.is_some() {
            self.provision(shared, prior).await?;
        }
        let intent = self.intent(IntentOperation::Delete, Some(id), None);
        if let Some(left) = self.announce(shared, vec![Change::Begin(intent)]).await? {
            return Ok(left);
        }
        let request =
            Delete { id: id.clone(), prior: Object::new(&prior.unmark_deep().0), private: private.clone(), op };
        let Some(result) = unless_given_up(shared, connection.delete(self.address.ty(), request)).await else {
            return Ok(Ended::Unsettled(self.given_up()));
        };
        KillPoint::CallAnswered.here();
        let mut changes = vec![Change::End(self.key.0.clone())];
        match result {
            Ok(()) => {
                changes.push(Change::Remove(self.row_key()));
                self.commit(shared, changes).await?;
                Ok(Ended::Gone)
            }
            Err(error) => {
                self.commit(shared, changes).await?;
                Ok(Ended::Failed(self.problem(&error)))
            }
        }
    }

    async fn read(self, shared: &Shared, op: Operation) -> Result<Ended, Diagnostic> {
        let connection = shared.cloud.connect(&self.provider).await?;
        let Call::Read { config: said } = &self.call else { return Ok(Ended::Gone) };
        let bare = said.unmark_deep().0;
        let config = &Object::new(&bare);
        let Some(read) = unless_given_up(shared, connection.read_data(self.address.ty(), config, &op)).await else {
            return Ok(Ended::Failed(self.given_up()));
        };
        match read {
            Ok(object) => {
                let value = crate::plan::data::marked(object.value(), said, &self.parts.schema);
                self.commit(shared, vec![Change::Put(Arc::new(self.parts.data_row(&value)))]).await?;
                Ok(Ended::Made(value))
            }
            Err(error) => Ok(Ended::Failed(self.problem(&error))),
        }
    }

    async fn forget(self, shared: &Shared) -> Result<Ended, Diagnostic> {
        self.commit(shared, vec![Change::Remove(self.row_key())]).await?;
        Ok(Ended::Gone)
    }

    /// Stores a new object as tainted, runs its provisioners, and takes the taint off: whatever interrupts them, the
    /// state says that the object is not ready.
    async fn provision_new(&self, shared: &Shared, stored: &Stored, planned: &Value) -> Result<Ended, Diagnostic> {
        let value = marked(&stored.object, planned, &self.parts.schema);
        let row = self.parts.row(stored, &value, true);
        self.commit(shared, vec![Change::Put(Arc::new(row)), Change::End(self.key.0.clone())]).await?;
        if let Err(problem) = self.provision(shared, &value).await {
            return Ok(Ended::Partial(value, problem));
        }
        let row = self.parts.row(stored, &value, false);
        self.commit(shared, vec![Change::Put(Arc::new(row))]).await?;
        Ok(Ended::Made(value))
    }

    /// Writes the object. A problem means that it was created, but not wholly: it is tainted.
    async fn store_object(
        &self,
        shared: &Shared,
        stored: &Stored,
        planned: &Value,
        problem: Option<ProviderError>,
    ) -> Result<Ended, Diagnostic> {
        let value = marked(&stored.object, planned, &self.parts.schema);
        let row = self.parts.row(stored, &value, problem.is_some());
        self.commit(shared, vec![Change::Put(Arc::new(row)), Change::End(self.key.0.clone())]).await?;
        KillPoint::OutcomeWritten.here();
        Ok(match problem {
            Some(error) => Ended::Partial(value, self.problem(&error)),
            None => Ended::Made(value),
        })
    }

    pub(super) async fn commit(&self, shared: &Shared, changes: Vec<Change>) -> Result<(), Diagnostic> {
        shared.store.commit(changes).await.map_err(|error| {
            Diagnostic::error("the state could not be written").detail(error.to_string()).address(self.address.clone())
        })
    }

    /// Makes an intent durable. Gives how the step ended where its call may not be made any more.
    async fn announce(&self, shared: &Shared, begin: Vec<Change>) -> Result<Option<Ended>, Diagnostic> {
        self.commit(shared, begin).await?;
        KillPoint::IntentWritten.here();
        Ok(self.lock_is_lost(shared).await.map(Ended::Unsettled))
    }

    /// Between announcing a call and making it, the machine may have been suspended: whoever took the lock over has
    /// settled the intent by then, and may make the same call.
    async fn lock_is_lost(&self, shared: &Shared) -> Option<Diagnostic> {
        let error = shared.lasting.as_ref()?.ensure(&*shared.store).await.err()?;
        Some(
            Diagnostic::error(format!("{} was left as it was", self.address))
                .at(self.span)
                .address(self.address.clone())
                .detail(error.to_string())
                .help("run again: the next run takes the lock anew"),
        )
    }

    fn row_key(&self) -> RowKey {
        RowKey { address: self.address.clone(), deposed: self.deposed.clone() }
    }

    /// What is announced: an object as it shall be, with the marks of the plan.
    fn intent(&self, operation: IntentOperation, id: Option<&RemoteId>, desired: Option<(&Value, &Value)>) -> Intent {
        let block = &self.parts.schema.block;
        let shown = desired.map(|(desired, planned)| {
            crate::state::body::encode(&without_secrets(&as_planned(desired, planned), Some(block)), &block.ty())
        });
        Intent {
            key: self.key.0.clone(),
            plan: self.plan_id.clone(),
            address: self.address.clone(),
            deposed: self.deposed.clone(),
            operation,
            provider: self.parts.provider.clone(),
            remote_id: id.map(|i| i.0.clone()),
            desired: shown.map(Into::into),
            began: OffsetDateTime::now_utc(),
        }
    }

    /// The intent stays open: whether the call had its effect is not known.
    fn given_up(&self) -> Diagnostic {
        Diagnostic::error(format!("{} was given up", self.address))
            .at(self.span)
            .address(self.address.clone())
            .detail("the call was under way and had no answer yet")
            .help("the next run finds out what became of it, and goes on from there")
    }

    /// Hides what is secret in what the call is given: the provider's words may repeat it.
    fn veil(&self) -> Veil {
        let block = &self.parts.schema.block;
        let of = |object: &Value| Veil::of_object(object, block);
        let veil = match &self.call {
            Call::Create { desired, planned, .. } => of(&as_planned(desired, planned)),
            Call::Update { desired, planned, prior, .. } => of(&as_planned(desired, planned)).and(of(prior)),
            Call::Rewrite { planned, .. } => of(planned),
            Call::Delete { prior, .. } => of(prior),
            Call::Read { config } => of(config),
            Call::Import { object, .. } => of(object),
            Call::Forget => Veil::default(),
        };
        veil.and(Veil::of([&self.provider.config]))
    }

    fn problem(&self, error: &ProviderError) -> Diagnostic {
        let what = match self.verb() {
            Verb::Create => "was not created",
            Verb::Update => "was not updated",
            Verb::Delete => "was not deleted",
            Verb::Read | Verb::Refresh => "could not be read",
            Verb::Forget => "was not forgotten",
            Verb::Import => "was not imported",
            Verb::Open => "was not opened",
            Verb::Close => "was not closed",
        };
        let mut problem = Diagnostic::error(format!("{} {what}", self.address))
            .at(self.span)
            .address(self.address.clone())
            .detail(error.to_string());
        problem.path = error.path.clone();
        self.veil().diagnostic(match &error.help {
            Some(help) => problem.help(help.clone()),
            None => problem,
        })
    }
}

/// An object that is asked for, with the marks of the plan.
fn as_planned(desired: &Value, planned: &Value) -> Value {
    mark_paths(desired.clone(), &sensitive_paths(planned))
}

/// How long calls may take to end after they were given up.
const GRACE: Duration = Duration::from_secs(2);

/// What a call gives; nothing where calls are given up and this one does not end then.
async fn unless_given_up<T>(shared: &Shared, call: impl Future<Output = T>) -> Option<T> {
    let given_up = async {
        shared.abort.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        result = call => Some(result),
        () = given_up => None,
    }
}
