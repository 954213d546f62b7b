//! What an interrupted run left open: calls that were announced in the journal and whose outcome nobody wrote down.
//!
//! The object of an interrupted create is looked for by the create's key, finished where the configuration still
//! wants it, and taken into the state; the plan that is made then sees it. Where there is none, the predecessor that it
//! was to replace is the current object again. Updates and deletes are settled by reading the object again, which the
//! plan at hand has done unless it leaves the object out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::apply::{Cloud, Event, Observer, Verb, deposed_key, reinstated, with_secrets};
use crate::graph::ProviderNode;
use crate::model::{Address, Diagnostic, Diagnostics, KillPoint, Mode, Object, Schema, Severity, Str, Value, Veil};
use crate::plan::prior::{mark_paths, mark_schema, sensitive_paths};
use crate::plan::provisions::Moment;
use crate::plan::refresh::{is_placed, provider_of_state};
use crate::plan::resume::RowDependencies;
use crate::plan::{Action, Change as PlannedChange, Drift, Planned, ProviderName};
use crate::provider::{Connection, Create, IdempotencyKey, Operation, Outcome, Progress, ProviderError, Stored};
use crate::state::{Change, Intent, IntentOperation, RowKey, Snapshot, StateError, Status, Store, StoredInstance};

pub struct Settled {
    /// Whether rows changed.
    pub changed: bool,
    /// What was found, as warnings; an error where the plan must not be carried out.
    pub notes: Diagnostics,
}

/// Settles all open intents. What cannot be settled now stays open: the next run asks again. `patience` is how long
/// after its creation an object may not show.
pub async fn settle(
    store: &dyn Store,
    cloud: &dyn Cloud,
    planned: &Planned,
    observer: &Arc<dyn Observer>,
    patience: Duration,
) -> Result<Settled, StateError> {
    let intents = store.open_intents().await?;
    let search = Search { cloud, planned, wanted: Wanted::of(&planned.plan.changes), observer, patience };
    let found = join_all(intents.iter().map(|intent| search.find(intent))).await;
    let before = if found.iter().any(Result::is_ok) { Some(store.snapshot().await?) } else { None };
    let mut notes = Diagnostics::new();
    let mut changes = Vec::new();
    let mut rows = 0;
    let mut taken = HashSet::new();
    let mut absent = Vec::new();
    let mut dependencies = RowDependencies::default();
    for (intent, found) in intents.iter().zip(found) {
        match found {
            Ok(Some(found)) => {
                notes.push(found.note(intent));
                let mut row = found.row(intent, &search, &mut dependencies);
                let there = before.as_ref().and_then(|snapshot| snapshot.get(&intent.address));
                if there.is_some_and(|there| there.remote_id != row.remote_id) {
                    // Imported meanwhile, or made by others: neither is to be forgotten for the other.
                    row.deposed = Some(deposed_key(&IdempotencyKey(intent.key.clone())));
                }
                changes.extend([Change::Put(Arc::new(row)), Change::End(intent.key.clone())]);
                taken.insert(&intent.address);
                rows += 1;
            }
            Ok(None) if !was_read(planned, intent, before.as_ref()) => notes.push(unread(intent)),
            Ok(None) => absent.push(intent),
            Err(problem) => notes.push(search.refused(problem, intent)),
        }
    }
    for intent in absent {
        changes.push(Change::End(intent.key.clone()));
        if intent.operation == IntentOperation::Delete && is_gone(planned, intent) {
            // With the intent: the row alone would not say why its object is gone.
            changes.push(Change::Remove(row_of(intent)));
            rows += 1;
        }
        let old = before.as_ref().and_then(|snapshot| predecessor(snapshot, intent));
        if let Some(old) = old.filter(|_| taken.insert(&intent.address)) {
            changes.extend(reinstated(old));
            rows += 1;
        }
    }
    if !changes.is_empty() {
        KillPoint::Settling.here();
        store.commit(changes).await?;
    }
    Ok(Settled { changed: rows > 0, notes })
}

fn row_of(intent: &Intent) -> RowKey {
    RowKey { address: intent.address.clone(), deposed: intent.deposed.clone() }
}

/// What a plan that only looks says of calls without outcome: that it may not see what they did.
pub fn unsettled_calls(snapshot: &Snapshot) -> Option<Diagnostic> {
    const NAMED: usize = 5;
    let begun = snapshot.begun();
    let first = begun.first()?;
    let names: Vec<String> = begun.iter().take(NAMED).map(Address::to_string).collect();
    let more = begun.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(
        Diagnostic::warning(format!("what became of calls for {}{more} is not known yet", names.join(", ")))
            .address(first.clone())
            .detail(
                "they were begun by a run that is at work or was interrupted, and this plan may not see what they did",
            )
            .help("the next apply looks for what an interrupted run made before it plans"),
    )
}

/// Whether the plan saw what became of an update or a deletion. A creation is looked for whatever the plan read.
fn was_read(planned: &Planned, intent: &Intent, before: Option<&Snapshot>) -> bool {
    if intent.operation == IntentOperation::Create {
        return true;
    }
    let plan = &planned.plan;
    let is_row = before.is_none_or(|snapshot| snapshot.row(&row_of(intent)).is_some());
    let is_of =
        |address: &Address, previous: Option<&Address>| *address == intent.address || previous == Some(&intent.address);
    let is_seen = || {
        plan.changes.iter().any(|c| is_of(&c.address, c.previous_address.as_ref()) && c.deposed == intent.deposed)
            || plan.drift.iter().any(|d| is_of(&d.address, d.previous_address.as_ref()) && d.deposed == intent.deposed)
    };
    !is_row || planned.refreshed && !plan.errored() && is_seen()
}

/// Whether the plan did not find the object of an intent any more.
fn is_gone(planned: &Planned, intent: &Intent) -> bool {
    let of_intent = |d: &&Drift| {
        let is_there = d.address == intent.address || d.previous_address.as_ref() == Some(&intent.address);
        is_there && d.deposed == intent.deposed
    };
    planned.plan.drift.iter().filter(of_intent).any(|drift| drift.after.is_null())
}

/// The object that a create was to replace, where nothing has taken its place.
fn predecessor<'s>(snapshot: &'s Snapshot, intent: &Intent) -> Option<&'s Arc<StoredInstance>> {
    if intent.operation != IntentOperation::Create || snapshot.get(&intent.address).is_some() {
        return None;
    }
    let deposed = Some(deposed_key(&IdempotencyKey(intent.key.clone())));
    snapshot.row(&RowKey { address: intent.address.clone(), deposed })
}

/// The planned changes that make objects, by their addresses.
struct Wanted<'p>(HashMap<&'p Address, &'p PlannedChange>);

impl<'p> Wanted<'p> {
    fn of(changes: &'p [PlannedChange]) -> Self {
        let makes = |c: &&PlannedChange| matches!(c.action, Action::Create | Action::Replace { .. });
        Wanted(changes.iter().filter(makes).map(|c| (&c.address, c)).collect())
    }

    /// Whether the plan makes the object of an intent once more.
    fn again(&self, intent: &Intent) -> bool {
        self.0.contains_key(&intent.address)
    }

    /// The planned creation of the object that an intent is about: what was found is wanted still.
    fn creation(&self, intent: &Intent) -> Option<&'p PlannedChange> {
        self.0.get(&intent.address).copied().filter(|c| c.action == Action::Create)
    }
}

/// An object that an interrupted create made.
struct Found {
    stored: Stored,
    schema: Arc<Schema>,
    /// What kept the create from being finished.
    problem: Option<ProviderError>,
}

impl Found {
    fn row(&self, intent: &Intent, search: &Search<'_>, dependencies: &mut RowDependencies) -> StoredInstance {
        let (planned, creation) = (search.planned, search.wanted.creation(intent));
        let object = self.stored.object.value();
        let marked = match creation {
            Some(change) => mark_paths(object, &sensitive_paths(&change.after)),
            None => object,
        };
        let (block, address) = (&self.schema.block, intent.address.clone());
        let mut row = StoredInstance::new(address, intent.provider.clone(), &mark_schema(marked, block), &block.ty());
        row.remote_id = Some(Str::clone(&self.stored.id.0));
        row.schema_version = self.schema.version;
        // Nobody knows how far its provisioners came, and what could not be finished is no whole object.
        if self.problem.is_some() || creation.is_some_and(|c| planned.world.has_provisions(c, Moment::Creation)) {
            row.status = Status::Tainted;
        }
        if let Some(spot) = planned.world.spot_of(&intent.address) {
            row.dependencies = dependencies.of(&planned.world, spot);
            row.create_before_destroy = planned.world.creates_first(spot).unwrap_or(false);
        }
        row.with_private(self.stored.private.as_ref())
    }

    fn note(&self, intent: &Intent) -> Diagnostic {
        let note = Diagnostic::warning(format!("{} was created by a run that was interrupted", intent.address))
            .address(intent.address.clone());
        match &self.problem {
            None => note.detail("it was found again and is in the state now"),
            Some(problem) => note.detail(format!("it is in the state now, but could not be finished: {problem}")),
        }
    }
}

/// The search for the objects of interrupted creates.
struct Search<'s> {
    cloud: &'s dyn Cloud,
    planned: &'s Planned,
    wanted: Wanted<'s>,
    observer: &'s Arc<dyn Observer>,
    patience: Duration,
}

impl Search<'_> {
    async fn find(&self, intent: &Intent) -> Result<Option<Found>, Diagnostic> {
        if intent.operation != IntentOperation::Create {
            return Ok(None);
        }
        let ty = intent.address.ty();
        let provider = super::prior::provider_name(&intent.provider);
        let schema = self.cloud.schema(&provider.name, Mode::Managed, ty);
        let schema = schema.ok_or_else(|| unsettled(intent, "no provider here has its type"))?;
        let world = &self.planned.world;
        let place = provider_of_state(&world.spec, &world.graph.tree, &provider);
        if place.node == ProviderNode::Gone {
            return Err(nobody_can_look(intent, &provider));
        }
        let cell = world.provider_cell(0, &place);
        let cell = cell.ok_or_else(|| unsettled(intent, "this plan leaves its provider out"))?;
        let is_configured = is_placed(&world.graph, &place, self.cloud.provider_schema(&provider.name).as_deref());
        let unreachable = |problem| if is_configured { problem } else { nobody_can_look(intent, &provider) };
        let connection = self.cloud.connect(&cell.instance).await.map_err(unreachable)?;
        let creation = self.wanted.creation(intent);
        let desired = intent.desired.as_ref().and_then(|d| crate::state::body::decode(d, &schema.block.ty()).ok());
        let desired = desired.unwrap_or(Value::NULL);
        let desired = creation.map_or_else(|| desired.clone(), |c| with_secrets(&desired, &c.after));
        let desired = Object::new(&desired);
        let key = IdempotencyKey(intent.key.clone());
        let look = Look { connection: &*connection, intent, key: &key, desired: &desired };
        let stored = look.until_found(self.patience, &progress(intent, self.observer)).await;
        let veil = creation.map_or_else(Veil::default, |c| Veil::of_object(&c.after, &schema.block));
        let Some(stored) = stored.map_err(|error| unsettled(intent, &error.veiled(&veil).to_string()))? else {
            // What an empty configuration looks at may not be where the object was made.
            return if is_configured { Ok(None) } else { Err(nobody_can_look(intent, &provider)) };
        };
        if creation.is_none() {
            return Ok(Some(Found { stored, schema, problem: None }));
        }
        let op = Operation {
            address: intent.address.clone(),
            timeout: self.cloud.timeouts(&provider.name, ty).create,
            cancel: CancellationToken::new(),
            progress: progress(intent, self.observer),
        };
        let (stored, problem) = finish(&*connection, stored, Create { desired, key, op }, &veil, self.observer).await;
        Ok(Some(Found { stored, schema, problem }))
    }

    /// A plan that makes the object once more must not be carried out.
    fn refused(&self, problem: Diagnostic, intent: &Intent) -> Diagnostic {
        if !self.wanted.again(intent) {
            return problem;
        }
        let problem = Diagnostic { severity: Severity::Error, ..problem };
        problem.help(format!("to go on with everything else now, add -exclude='{}'", intent.address))
    }
}

/// The search for the object of an interrupted create.
struct Look<'l> {
    connection: &'l dyn Connection,
    intent: &'l Intent,
    key: &'l IdempotencyKey,
    desired: &'l Object,
}

impl Look<'_> {
    /// Looks until the object shows, or so long after the create that it would.
    async fn until_found(&self, patience: Duration, progress: &Progress) -> Result<Option<Stored>, ProviderError> {
        let age = Duration::try_from(OffsetDateTime::now_utc() - self.intent.began).unwrap_or_default();
        let lag = if self.connection.answers_lag() { patience.saturating_sub(age) } else { Duration::ZERO };
        let end = tokio::time::Instant::now() + lag;
        let mut pause = FIRST_PAUSE;
        loop {
            let is_last = tokio::time::Instant::now() >= end;
            let found = self.connection.find_by_key(self.intent.address.ty(), self.key, self.desired).await?;
            if found.is_some() || is_last {
                return Ok(found.filter(|stored| self.intent.remote_id.as_ref() != Some(&stored.id.0)));
            }
            progress.tell("waiting for \"found\", now \"not found\"");
            tokio::time::sleep_until(end.min(tokio::time::Instant::now() + pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Finishes what the interrupted create began, and tells of it as of any other create.
async fn finish(
    connection: &dyn Connection,
    found: Stored,
    request: Create,
    veil: &Veil,
    observer: &Arc<dyn Observer>,
) -> (Stored, Option<ProviderError>) {
    let (began, verb) = (Instant::now(), Verb::Create);
    let id = Some(found.id.0.clone()).filter(|id| !veil.hides(id));
    let address = request.op.address.clone();
    let started = Event::Started { address: address.clone(), deposed: None, verb, id: id.clone() };
    observer.tell(started);
    let (stored, problem) = match connection.resume(address.ty(), found.clone(), request).await {
        Outcome::Done(stored) => (stored, None),
        Outcome::Partial(stored, error) => (stored, Some(error.veiled(veil))),
        Outcome::Failed(error) => (found, Some(error.veiled(veil))),
    };
    let elapsed = began.elapsed();
    observer.tell(match &problem {
        None => Event::Done { address, deposed: None, verb, id, elapsed },
        Some(error) => Event::Failed { address, verb, elapsed, message: error.to_string() },
    });
    (stored, problem)
}

fn progress(intent: &Intent, observer: &Arc<dyn Observer>) -> Progress {
    let (observer, address) = (observer.clone(), intent.address.clone());
    Progress::new(move |what| observer.tell(Event::Waiting { address: address.clone(), what: what.to_string() }))
}

/// The configuration of the provider went away together with what it was to make.
fn nobody_can_look(intent: &Intent, provider: &ProviderName) -> Diagnostic {
    Diagnostic { severity: Severity::Error, ..unsettled(intent, "") }
        .detail(format!("its {provider} is not configured any more, so it can't be looked for; it may be left there"))
        .help("put the provider's block back and run again: what was made is found, and destroyed if nothing wants it")
}

fn unsettled(intent: &Intent, why: &str) -> Diagnostic {
    Diagnostic::warning(format!("whether {} was created by an interrupted run is not known", intent.address))
        .address(intent.address.clone())
        .detail(why)
        .help("the next run that can ask its provider settles it")
        .help(format!("if you find it there before, import it: terrane import '{}' ID", intent.address))
        .help(forget(intent))
}

/// The plan left the object out, or was not to read anything.
fn unread(intent: &Intent) -> Diagnostic {
    let what = if intent.operation == IntentOperation::Delete { "deletion" } else { "change" };
    Diagnostic::warning(format!("a {what} of {} was interrupted, and this plan did not look at it", intent.address))
        .address(intent.address.clone())
        .help("the next run that reads it settles that: plan it without -refresh=false, -target and -exclude")
}

/// The way out where nobody will ever be able to look.
fn forget(intent: &Intent) -> String {
    format!("to leave it at that, and whatever was made where it is: terrane state rm '{}'", intent.address)
}
