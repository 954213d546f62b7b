//! The providers of one run: built when first used, connected once for each configuration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::provider_functions;
use crate::apply::{Cloud, Event, Observer, Verb};
use crate::lang::functions::Foreign;
use crate::model::{Address, Diagnostic, Diagnostics, Mode, Object, ProviderAddress, Schema, Str, Value, Veil};
use crate::plan::outside::{Answer, Imported, Known, Named, Outside, ProviderInstance, Refined, Refreshed, Request};
use crate::provider::ephemeral::Held;
use crate::provider::limits::CallLimit;
use crate::provider::resource::Timeouts;
use crate::provider::{
    Calls, Connection, Operation, PlannedChange, Progress, ProviderDef, ProviderError, Read, ReadOutcome, RemoteId,
    States,
};
use crate::providers::{self, Registration};
use crate::spec::Schemas;

/// Puts something else in the place of a provider, as the sandbox does.
pub type Wrap = Box<dyn Fn(Arc<dyn ProviderDef>) -> Arc<dyn ProviderDef> + Send + Sync>;

pub struct Providers {
    slots: Vec<Slot>,
    wrap: Option<Wrap>,
    schemas: Mutex<HashMap<(Mode, Str), Option<Arc<Schema>>>>,
    /// Ephemeral resources that planning opened.
    held: tokio::sync::Mutex<Vec<Held>>,
    connections: Mutex<HashMap<ProviderAddress, Arc<Opening>>>,
    limit: Arc<CallLimit>,
    runtime: tokio::runtime::Handle,
    calls: Calls,
}

/// The connection of one provider instance with the configuration that it was opened with. One that is slow to open
/// holds no other back.
type Opening = tokio::sync::Mutex<Option<(Value, Arc<dyn Connection>)>>;

struct Slot {
    registration: Registration,
    built: OnceLock<Arc<dyn ProviderDef>>,
}

impl Providers {
    pub fn new(runtime: tokio::runtime::Handle, wrap: Option<Wrap>) -> Providers {
        let slot = |registration| Slot { registration, built: OnceLock::new() };
        Providers {
            slots: providers::all().into_iter().map(slot).collect(),
            wrap,
            schemas: Mutex::default(),
            held: tokio::sync::Mutex::default(),
            connections: Mutex::default(),
            limit: Arc::default(),
            runtime,
            calls: Calls::default(),
        }
    }

    /// The same, whose calls are made so.
    pub fn calling(self, calls: Calls) -> Providers {
        Providers { calls, ..self }
    }

    /// Lets no more calls than these be in flight at once; the first to say so sets it.
    pub fn limit_calls(&self, at_once: usize) {
        self.limit.set(at_once);
    }

    /// Lets the data source that gives what other configurations keep read their states.
    pub fn reach_states(&self, states: &Arc<dyn States>) {
        // The provider of the language alone has such a data source.
        if let Some(language) = self.definition("terraform") {
            language.reach_states(states);
        }
    }

    pub fn definition(&self, name: &str) -> Option<&Arc<dyn ProviderDef>> {
        let slot = self.slots.iter().find(|s| s.registration.name == name)?;
        Some(slot.built.get_or_init(|| {
            let def = (slot.registration.build)();
            def.limit_calls(&self.limit);
            match &self.wrap {
                Some(wrap) if !slot.registration.builtin => wrap(def),
                _ => def,
            }
        }))
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.slots.iter().map(|s| s.registration.name)
    }

    /// The schema of a type, shared.
    pub fn shared_schema(&self, provider: &str, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = schemas.get(&(mode, Str::from(ty))) {
            return known.clone();
        }
        let def = self.definition(provider)?;
        let found = match mode {
            Mode::Managed => def.resource(ty).map(|r| r.schema),
            Mode::Data => def.data_source(ty),
            Mode::Ephemeral => def.ephemeral(ty),
        };
        let shared = found.map(|s| Arc::new(s.clone()));
        schemas.insert((mode, ty.into()), shared.clone());
        shared
    }

    async fn connection(&self, provider: &ProviderInstance) -> Result<Arc<dyn Connection>, Diagnostic> {
        let opening = {
            let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            connections.entry(provider.address.clone()).or_default().clone()
        };
        let mut opening = opening.lock().await;
        if let Some((config, open)) = &*opening
            && *config == provider.config
        {
            return Ok(open.clone());
        }
        let name = &provider.address.name;
        let missing = || Diagnostic::error(format!("there is no provider \"{name}\""));
        let def = self.definition(name).ok_or_else(missing)?;
        let bare = provider.config.unmark_deep().0;
        let config = Object::new(&def.config_schema().block.fit(&bare));
        let open = def.connect(&config, self.calls).await.map_err(|error| {
            let problem = Diagnostic::error(format!("the provider \"{name}\" can't be used")).detail(error.to_string());
            let problem = error.help.iter().fold(problem, |problem, help| problem.help(help));
            Veil::of_object(&provider.config, &def.config_schema().block).diagnostic(problem)
        })?;
        tracing::info!(provider = %provider.address, "connected");
        *opening = Some((provider.config.clone(), open.clone()));
        Ok(open)
    }

    async fn answer_one(&self, request: Request) -> Answer {
        match request {
            Request::Refresh { provider, ty, objects } => {
                Answer::Refreshed(self.refresh(&provider, &ty, objects).await)
            }
            Request::ReadData { provider, address, config } => {
                Answer::Data(self.read(&provider, &address, config).await)
            }
            Request::Open { provider, address, config } => Answer::Opened(self.open(&provider, &address, config).await),
            Request::Import { provider, address, named } => {
                Answer::Imported(self.import(&provider, &address, &named).await)
            }
        }
    }

    async fn refresh(&self, provider: &ProviderInstance, ty: &str, objects: Vec<Known>) -> Vec<Refreshed> {
        let connection = match self.connection(provider).await {
            Ok(connection) => connection,
            // The same problem for all: told once.
            Err(problem) => return objects.iter().map(|_| Refreshed::Failed(problem.clone())).collect(),
        };
        let read = |o: &Known| Read { id: RemoteId(o.id.clone()), prior: Some(Object::new(&o.object.unmark_deep().0)) };
        let reads: Vec<Read> = objects.iter().map(read).collect();
        let outcomes = connection.read_many(ty, &reads).await;
        let answer = |(known, outcome): (Known, ReadOutcome)| match outcome {
            ReadOutcome::Found(stored) => Refreshed::Found { object: stored.object.value() },
            ReadOutcome::Gone => Refreshed::Gone,
            ReadOutcome::Failed(error) => {
                let veil = self.veil(Mode::Managed, ty, &known.object);
                Refreshed::Failed(veil.diagnostic(unreadable(&known.address, &error)))
            }
        };
        objects.into_iter().zip(outcomes).map(answer).collect()
    }

    async fn read(&self, provider: &ProviderInstance, address: &Address, config: Value) -> Result<Value, Diagnostic> {
        let connection = self.connection(provider).await?;
        let op = operation(address, Duration::from_secs(20 * 60));
        let object = connection.read_data(address.ty(), &Object::new(&config.unmark_deep().0), &op).await;
        let veiled = |error| self.veil(Mode::Data, address.ty(), &config).diagnostic(unreadable(address, &error));
        Ok(object.map_err(veiled)?.value())
    }

    /// Opens an ephemeral resource until [`Providers::close`].
    async fn open(&self, provider: &ProviderInstance, address: &Address, config: Value) -> Result<Value, Diagnostic> {
        let connection = self.connection(provider).await?;
        let op = operation(address, Duration::from_secs(10 * 60));
        let opened = connection.open_ephemeral(address.ty(), &Object::new(&config.unmark_deep().0), &op).await;
        let veiled = |error| self.veil(Mode::Ephemeral, address.ty(), &config).diagnostic(unreadable(address, &error));
        let opened = opened.map_err(veiled)?;
        self.held.lock().await.push(Held::new(connection, opened.hold, op));
        Ok(opened.object.value())
    }

    /// Closes the ephemeral resources that planning opened, the last first.
    pub async fn close(&self) -> Diagnostics {
        let mut problems = Diagnostics::new();
        for held in std::mem::take(&mut *self.held.lock().await).into_iter().rev() {
            let address = held.address.clone();
            if let Err(error) = held.close().await {
                let told = Diagnostic::warning(format!("{address} was not closed"));
                problems.push(told.address(address).detail(error.to_string()));
            }
        }
        problems
    }

    async fn import(
        &self,
        provider: &ProviderInstance,
        address: &Address,
        named: &Named,
    ) -> Result<Imported, Diagnostic> {
        let name = &provider.address.name;
        let missing = || Diagnostic::error(format!("there is no provider \"{name}\""));
        let def = self.definition(name).ok_or_else(missing)?;
        let id = match named {
            Named::Id(id) => def.import_id(address.ty(), id),
            Named::Identity(identity) => def.import_identity(address.ty(), &Object::new(identity)),
        };
        let id = id.map_err(|error| unreadable(address, &error))?;
        let connection = self.connection(provider).await?;
        let mut outcomes = connection.read_many(address.ty(), &[Read { id: id.clone(), prior: None }]).await;
        match outcomes.pop() {
            Some(ReadOutcome::Found(stored)) => Ok(Imported { remote_id: stored.id.0, object: stored.object.value() }),
            Some(ReadOutcome::Failed(error)) => Err(unreadable(address, &error)),
            Some(ReadOutcome::Gone) | None => {
                Err(Diagnostic::error(format!("there is no {} \"{}\"", address.ty(), id.0))
                    .address(address.clone())
                    .help("check the id, and that the provider looks into the right account and region"))
            }
        }
    }
}

impl Providers {
    /// Hides what is secret in an object, or in the configuration of one.
    fn veil(&self, mode: Mode, ty: &str, object: &Value) -> Veil {
        match Schemas::resource(self, mode, ty) {
            Some(schema) => Veil::of_object(object, &schema.block),
            None => Veil::of([object]),
        }
    }
}

fn operation(address: &Address, timeout: Duration) -> Operation {
    Operation { address: address.clone(), timeout, cancel: CancellationToken::new(), progress: Progress::default() }
}

fn unreadable(address: &Address, error: &ProviderError) -> Diagnostic {
    let problem =
        Diagnostic::error(format!("{address} could not be read")).address(address.clone()).detail(error.to_string());
    match &error.help {
        Some(help) => problem.help(help.clone()),
        None => problem,
    }
}

impl Schemas for Providers {
    fn resource(&self, mode: Mode, ty: &str) -> Option<&Schema> {
        let def = self.definition(providers::name_of_type(ty))?;
        match mode {
            Mode::Managed => def.resource(ty).map(|r| r.schema),
            Mode::Data => def.data_source(ty),
            Mode::Ephemeral => def.ephemeral(ty),
        }
    }

    fn provider_config(&self, name: &str) -> Option<&Schema> {
        self.definition(name).map(|def| def.config_schema())
    }

    fn type_names(&self, mode: Mode) -> Vec<Str> {
        let of = |name| {
            let def = self.definition(name);
            def.map(|d| match mode {
                Mode::Managed => d.resource_types(),
                Mode::Data => d.data_types(),
                Mode::Ephemeral => d.ephemeral_types(),
            })
        };
        self.names().filter_map(of).flatten().map(Str::from).collect()
    }

    fn provider_names(&self) -> Vec<Str> {
        self.names().map(Str::from).collect()
    }

    fn function(&self, provider: &str, name: &str) -> Option<Arc<dyn Foreign>> {
        provider_functions::function(&**self.definition(provider)?, name)
    }
}

/// What the planner asks, and who is told of what is read.
pub struct Asking<'p> {
    pub providers: &'p Providers,
    pub observer: &'p dyn Observer,
}

impl Outside for Asking<'_> {
    fn schema(&self, provider: &Str, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        self.providers.shared_schema(provider, mode, ty)
    }

    fn provider_schema(&self, provider: &Str) -> Option<Arc<Schema>> {
        self.providers.definition(provider).map(|def| Arc::new(def.config_schema().clone()))
    }

    fn provider_source(&self, provider: &Str) -> Str {
        self.providers
            .definition(provider)
            .map_or_else(|| format!("hashicorp/{provider}").into(), |def| def.source().into())
    }

    fn refine(
        &self,
        provider: &ProviderInstance,
        ty: &str,
        prior: &Value,
        config: &Value,
        planned: Value,
        replace: Vec<crate::model::Path>,
    ) -> Refined {
        self.providers.refine_change(provider, ty, prior, config, planned, replace)
    }

    fn move_object(&self, provider: &Str, from: &str, to: &str, object: &Value) -> Option<Value> {
        let moved = self.providers.definition(provider)?.move_object(from, to, &Object::new(object))?;
        Some(moved.value())
    }

    fn answer(&mut self, requests: Vec<Request>) -> Vec<Answer> {
        let at_once = self.providers.limit.most().unwrap_or(usize::MAX);
        let all = futures::stream::iter(requests.into_iter().map(|request| self.told(request)));
        self.providers.runtime.block_on(all.buffered(at_once).collect())
    }
}

impl Asking<'_> {
    /// Answers one request, and tells when the reading of each of its objects begins and ends.
    async fn told(&self, request: Request) -> Answer {
        let (verb, subjects) = subjects(&request);
        let began = Instant::now();
        for (address, id) in &subjects {
            let (address, id) = (address.clone(), id.clone());
            self.observer.tell(Event::Started { address, deposed: None, verb, id });
        }
        let answer = self.providers.answer_one(request).await;
        let elapsed = began.elapsed();
        tracing::debug!(?verb, objects = subjects.len(), first = ?subjects.first().map(|(a, _)| a.to_string()), ?elapsed, "read");
        for (i, (address, id)) in subjects.into_iter().enumerate() {
            self.observer.tell(match failure(&answer, i) {
                Some(message) => Event::Failed { address, verb, elapsed, message },
                None => Event::Done { address, deposed: None, verb, id, elapsed },
            });
        }
        answer
    }
}

/// The objects that a request reads, with the ids that are known before and may be shown.
fn subjects(request: &Request) -> (Verb, Vec<(Address, Option<Str>)>) {
    match request {
        Request::Refresh { objects, .. } => {
            let shown = |o: &Known| Some(o.id.clone()).filter(|id| !Veil::of([&o.object]).hides(id));
            (Verb::Refresh, objects.iter().map(|o| (o.address.clone(), shown(o))).collect())
        }
        Request::ReadData { address, .. } => (Verb::Read, vec![(address.clone(), None)]),
        Request::Open { address, .. } => (Verb::Open, vec![(address.clone(), None)]),
        Request::Import { address, named, .. } => {
            let id = match named {
                Named::Id(id) => Some(id.clone()),
                Named::Identity(_) => None,
            };
            (Verb::Refresh, vec![(address.clone(), id)])
        }
    }
}

/// Why the object at a position of the request could not be read.
fn failure(answer: &Answer, position: usize) -> Option<String> {
    let problem = match answer {
        Answer::Refreshed(objects) => match objects.get(position)? {
            Refreshed::Failed(problem) => problem,
            Refreshed::Found { .. } | Refreshed::Gone => return None,
        },
        Answer::Data(result) | Answer::Opened(result) => result.as_ref().err()?,
        Answer::Imported(result) => result.as_ref().err()?,
    };
    Some(problem.summary.clone())
}

impl Providers {
    fn refine_change(
        &self,
        provider: &ProviderInstance,
        ty: &str,
        prior: &Value,
        config: &Value,
        planned: Value,
        replace: Vec<crate::model::Path>,
    ) -> Refined {
        let of = |value: &Value| self.veil(Mode::Managed, ty, value);
        let veil = || of(config).and(of(prior)).and(Veil::of([&provider.config]));
        let known = (!prior.is_null()).then(|| prior.clone());
        let mut change =
            PlannedChange { prior: known, config: config.clone(), planned, replace, diagnostics: Vec::new() };
        if let Some(def) = self.definition(&provider.address.name) {
            def.plan(ty, &Object::new(&provider.config), &mut change);
        }
        let diagnostics = match change.diagnostics.is_empty() {
            true => Vec::new(),
            false => change.diagnostics.into_iter().map(|problem| veil().diagnostic(problem)).collect(),
        };
        Refined { planned: change.planned, replace: change.replace, diagnostics }
    }
}

/// What the apply needs.
pub struct Working(pub Arc<Providers>);

#[async_trait]
impl Cloud for Working {
    fn schema(&self, provider: &Str, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        self.0.shared_schema(provider, mode, ty)
    }

    fn provider_schema(&self, provider: &Str) -> Option<Arc<Schema>> {
        self.0.definition(provider).map(|def| Arc::new(def.config_schema().clone()))
    }

    fn timeouts(&self, provider: &Str, ty: &str) -> Timeouts {
        let def = self.0.definition(provider);
        def.and_then(|d| d.resource(ty)).map(|r| r.timeouts).unwrap_or_default()
    }

    fn refine(&self, provider: &ProviderInstance, ty: &str, prior: &Value, config: &Value, planned: Value) -> Refined {
        self.0.refine_change(provider, ty, prior, config, planned, Vec::new())
    }

    async fn connect(&self, provider: &ProviderInstance) -> Result<Arc<dyn Connection>, Diagnostic> {
        self.0.connection(provider).await
    }
}
