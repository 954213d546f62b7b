//! A session: one configuration, one state, one set of providers, from loading to the end of the apply.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use time::OffsetDateTime;

use super::encryption::Lookup;
use super::host::Machine;
use super::load::{self, Loaded};
use super::other_states::OtherStates;
use super::providers::{Asking, Providers, Working};
use super::record::{Answering, Record};
use super::recover;
use super::session_error::SessionError;
use super::variables::{self, Given};
use super::{backend, claim, lock, named, opening, plan_file, prior, rehearsal};
use crate::apply::{self, Observer, Outcome, Silent, Stop};
use crate::backends::{Backend, Notices, Unsent};
use crate::model::{Diagnostic, Diagnostics, SourceMap, Str, Value};
use crate::plan::ephemeral::blank;
use crate::plan::{Options, PlanMode, Planned, plan};
use crate::provider::{Calls, States};
use crate::providers::sandbox::Faults;
use crate::provisioners::Provisioners;
use crate::spec::{self, Spec};
use crate::state::seal::Encryption;
use crate::state::{Change, Intent, Run, Scope, Snapshot, StateError, Store, Surroundings, Workspace};

/// Values are evaluated by the runtime's threads too, and expressions nest as deep there as on the main thread.
const STACK: usize = 16 * 1024 * 1024;

/// Everything that a session needs from outside.
#[derive(Clone)]
pub struct Settings {
    /// The root module's folder.
    pub folder: PathBuf,
    /// Where the command was started, before it went to any folder: `path.cwd`.
    pub started_in: PathBuf,
    /// Where Terrane keeps its own files.
    pub data_dir: PathBuf,
    pub workspace: Workspace,
    /// The simulated cloud's faults, where it stands in for the providers.
    pub sandbox: Option<Faults>,
    pub given: Vec<Given>,
    pub home_dir: Option<String>,
    /// The socket of the SSH agent.
    pub ssh_agent: Option<String>,
    /// RFC 3339.
    pub now: String,
    pub lock: lock::Settings,
    /// The variables of the environment that backends may read.
    pub environment: Arc<BTreeMap<String, String>>,
    /// Finds a variable that the configuration names.
    pub lookup: Lookup,
    /// Told what a store has to say while it works.
    pub notices: Notices,
    /// What states are opened with. The session adds how they are encrypted.
    pub around: Surroundings,
    /// What becomes of commits that an earlier run could not send.
    pub unsent: Unsent,
    /// How long after its creation an object may not show in answers, where a run was interrupted.
    pub patience: std::time::Duration,
    /// How providers make their calls.
    pub calls: Calls,
}

impl Settings {
    /// Loads the configuration.
    pub fn load(&self, providers: &Providers) -> Loaded {
        load::load(&self.folder, &self.given, &self.workspace, providers)
    }
}

pub struct Session {
    pub settings: Settings,
    pub providers: Arc<Providers>,
    pub loaded: Loaded,
    pub sources: SourceMap,
    pub snapshot: Snapshot,
    /// Values of the variables in the place of those that were given: of an earlier generation.
    pub fixed_inputs: Option<HashMap<Str, Value>>,
    /// What the plan that is applied was made from, for the history.
    run: Option<Arc<Run>>,
    /// How saved plans are encrypted.
    pub plan_encryption: Encryption,
    host: Arc<Machine>,
    /// Is told what is read while a plan is made.
    observer: Arc<dyn Observer>,
    runtime: tokio::runtime::Runtime,
    backend: Arc<dyn Backend>,
    store: Option<Arc<dyn Store>>,
    /// Locks that are held while this session may write.
    held: Vec<lock::Held>,
    /// The calls of interrupted runs that the plan was made without an answer to.
    unsettled: HashSet<(Str, OffsetDateTime)>,
}

/// Whether a session only looks, or may change things.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The state is not looked at.
    Nothing,
    Read,
    /// The state is locked for an operation of this name until the session ends.
    Write(&'static str),
    /// The state may be written once what a plan touches is claimed.
    Claim,
}

impl Session {
    /// Loads the configuration and opens the state.
    pub fn open(settings: Settings, access: Access) -> Result<Session, SessionError> {
        Session::with(settings, access, Settings::load)
    }

    /// The same with the configuration that a saved plan carries.
    pub fn with(
        settings: Settings,
        access: Access,
        load: impl FnOnce(&Settings, &Providers) -> Loaded,
    ) -> Result<Session, SessionError> {
        Session::assemble(settings, access, None, load)
    }

    /// The same with an earlier configuration. The state lies where the present one says, sealed as that says.
    pub fn going_back(
        settings: Settings,
        access: Access,
        present: &Arc<Spec>,
        load: impl FnOnce(&Settings, &Providers) -> Loaded,
    ) -> Result<Session, SessionError> {
        Session::assemble(settings, access, Some(present), load)
    }

    fn assemble(
        mut settings: Settings,
        access: Access,
        present: Option<&Arc<Spec>>,
        load: impl FnOnce(&Settings, &Providers) -> Loaded,
    ) -> Result<Session, SessionError> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.enable_all().thread_stack_size(STACK).build()?;
        let (wrap, cloud) = match &settings.sandbox {
            Some(faults) => Some(rehearsal::wrap(&settings, faults.clone())?).unzip(),
            None => (None, None),
        };
        let providers = Arc::new(Providers::new(runtime.handle().clone(), wrap).calling(settings.calls));
        let loaded = load(&settings, &providers);
        let host = Arc::new(Machine {
            working_dir: absolute(&settings.folder),
            home_dir: settings.home_dir.clone(),
            plan_timestamp: Some(settings.now.clone()),
            applying: AtomicBool::new(false),
        });
        let sources = loaded.spec.sources.clone();
        let present = present.unwrap_or(&loaded.spec);
        let encryptions = opening::encryptions(&settings, present, &providers, runtime.handle())?;
        let states: Arc<dyn States> = Arc::new(OtherStates::of(&settings));
        providers.reach_states(&states);
        cloud.iter().try_for_each(|cloud| rehearsal::seal(cloud, &encryptions.state))?;
        settings.around.encryption = encryptions.state;
        let backend = backend::of(&settings, present)?;
        let mut session = Session {
            settings,
            providers,
            loaded,
            sources,
            snapshot: Snapshot::empty(""),
            fixed_inputs: None,
            run: None,
            plan_encryption: encryptions.plan,
            host,
            observer: Arc::new(Silent),
            runtime,
            backend,
            store: None,
            held: Vec::new(),
            unsettled: HashSet::new(),
        };
        session.read_state(access)?;
        tracing::info!(
            modules = session.loaded.spec.modules.len(),
            workspace = session.settings.workspace.name(),
            serial = session.snapshot.serial,
            objects = session.snapshot.rows().len(),
            "configuration and state are read"
        );
        Ok(session)
    }

    fn read_state(&mut self, access: Access) -> Result<(), SessionError> {
        match access {
            Access::Nothing => (),
            Access::Read => {
                if let Some(snapshot) = self.backend.read(&self.settings.workspace)? {
                    self.snapshot = snapshot;
                }
            }
            Access::Claim => {
                let store = self.backend.open(&self.settings.workspace)?;
                if store.sealing_is_due().wait()? {
                    self.seal(&store)?;
                }
                self.snapshot = store.snapshot().wait()?;
                self.store = Some(store);
            }
            Access::Write(operation) => {
                let workspace = self.settings.workspace.clone();
                let store = self.open_store(&workspace, operation)?;
                self.snapshot = store.snapshot().wait()?;
                self.store = Some(store);
            }
        }
        Ok(())
    }

    /// Whoever takes the lock seals what is sealed otherwise than it is to be. While somebody is at work, that waits.
    fn seal(&mut self, store: &Arc<dyn Store>) -> Result<(), SessionError> {
        let sealed = self.lock(store.clone(), "encryption");
        self.release();
        match sealed {
            Err(SessionError::State(StateError::Locked { .. })) => Ok(()),
            other => other,
        }
    }

    /// Opens the state of a workspace for writing; it is locked until the session ends.
    pub fn open_store(&mut self, workspace: &Workspace, operation: &str) -> Result<Arc<dyn Store>, SessionError> {
        let store = self.backend.open(workspace)?;
        self.lock(store.clone(), operation)?;
        Ok(store)
    }

    /// All workspaces, sorted.
    pub fn workspaces(&self) -> Result<Vec<Workspace>, SessionError> {
        Ok(self.backend.workspaces()?)
    }

    pub fn create_workspace(&self, workspace: &Workspace) -> Result<(), SessionError> {
        Ok(self.backend.create(workspace)?)
    }

    /// Deletes a workspace with its state, under the lock that this session has on it.
    pub fn delete_workspace(&mut self, workspace: &Workspace) -> Result<(), SessionError> {
        Ok(self.backend.delete(workspace)?)
    }

    /// Later commands in this folder work on the workspace.
    pub fn choose_workspace(&self, workspace: &Workspace) -> Result<(), SessionError> {
        std::fs::create_dir_all(&self.settings.data_dir)?;
        Ok(workspace.choose(&self.settings.data_dir)?)
    }

    fn release(&mut self) {
        for held in self.held.drain(..) {
            held.release(&self.runtime);
        }
    }

    /// Opens the state of this session without a lock, for what only looks at it.
    pub fn store_to_look(&self) -> Result<Arc<dyn Store>, SessionError> {
        Ok(self.backend.look(&self.settings.workspace)?)
    }

    /// Locks a state until the session ends.
    pub fn lock(&mut self, store: Arc<dyn Store>, operation: &str) -> Result<(), SessionError> {
        self.lock_rows(store, operation, Scope::Whole)
    }

    fn lock_rows(&mut self, store: Arc<dyn Store>, operation: &str, scope: Scope) -> Result<(), SessionError> {
        let (lock, notices) = (&self.settings.lock, &self.settings.notices);
        let held = lock::acquire(self.runtime.handle(), store, operation, scope, lock, &**notices)?;
        self.held.extend(held);
        self.tell_of_copies();
        Ok(())
    }

    /// Encryption means little while a copy lies beside the state in clear.
    fn tell_of_copies(&self) {
        let file = self.backend.file(&self.settings.workspace).filter(|_| self.settings.around.encryption.is_on());
        let copies = file.map(|file| crate::state::copies_in_clear(&file)).unwrap_or_default();
        if !copies.is_empty() {
            let names: Vec<String> = copies.iter().map(|copy| copy.display().to_string()).collect();
            (self.settings.notices)(&format!(
                "The state is encrypted, and copies of it are not: {}. Remove them when nobody needs them.",
                names.join(", ")
            ));
        }
    }

    /// Locks what a plan touches until the session ends, and makes sure that it is what the plan was made from: that no
    /// row has changed, and that nobody left a call there whose outcome is not known.
    pub fn claim(&mut self, planned: &Planned, operation: &str) -> Result<(), SessionError> {
        let store = self.open_one()?;
        let scope = claim::scope(planned, &self.snapshot);
        self.lock_rows(store.clone(), operation, scope.clone())?;
        let mut changed = scope.differing(&self.snapshot, &store.snapshot().wait()?);
        let intents = store.open_intents().wait()?;
        let left = intents.iter().filter(|i| scope.covers(&i.address) && !self.unsettled.contains(&mark(i)));
        changed.extend(left.map(|intent| intent.address.to_string()));
        if changed.is_empty() {
            return Ok(());
        }
        self.release();
        Err(SessionError::Stale(changed))
    }

    /// Locks the whole state and reads it again.
    pub fn start_again(&mut self, operation: &str) -> Result<(), SessionError> {
        let store = self.open_one()?;
        self.lock(store, operation)?;
        self.read_again()
    }

    fn open_one(&self) -> Result<Arc<dyn Store>, SessionError> {
        let closed = || StateError::WriterStopped { path: self.settings.data_dir.clone() };
        Ok(self.store.clone().ok_or_else(closed)?)
    }

    /// The values of the root variables, with what is wrong about them.
    pub fn inputs(&mut self) -> (HashMap<Str, Value>, Diagnostics) {
        if let Some(inputs) = &self.fixed_inputs {
            return (inputs.clone(), Diagnostics::new());
        }
        match self.loaded.spec.root() {
            Some(root) => variables::read(&self.settings.given, root, &mut self.sources),
            None => Default::default(),
        }
    }

    /// The root variables that nothing gives a value, with what they are for.
    pub fn unset_variables(&self) -> Vec<(Str, Option<Str>)> {
        let root = self.loaded.spec.root();
        root.map(|root| variables::unset(&self.settings.given, root)).unwrap_or_default()
    }

    /// Lets somebody be told what is read while plans are made.
    pub fn watch(&mut self, observer: Arc<dyn Observer>) {
        self.observer = observer;
    }

    /// Plans. Problems of loading and of the variables are in the plan's diagnostics.
    pub fn plan(&mut self, mut options: Options) -> (Planned, Record) {
        let (inputs, mut problems) = self.inputs();
        options.inputs = inputs;
        options.workspace = self.settings.workspace.name().into();
        options.cwd = self.settings.started_in.to_string_lossy().into();
        let (prior, unreadable) = prior::decode(&self.snapshot, &self.providers);
        problems.extend(self.loaded.diagnostics.clone());
        problems.extend(unreadable);
        if options.mode == PlanMode::Normal {
            // Everything that the state holds would go, which is hardly meant.
            problems.extend(
                spec::bare(&self.loaded.spec)
                    .map(|problem| problem.help("to delete everything that the state holds, run \"terrane destroy\"")),
            );
        }
        problems.extend(rehearsal::unused_faults(&self.settings));
        if self.store.is_none() {
            problems.extend(recover::unsettled_calls(&self.snapshot));
        }
        if !problems.has_errors() {
            problems.extend(named::check(&options, &self.loaded, &self.snapshot));
        }
        if problems.has_errors() {
            return (self.failed(problems, &options), Record::default());
        }
        self.run = Some(self.run_of(&options));
        let mut outside = Answering::recording(self.asking());
        let (spec, graph) = (self.loaded.spec.clone(), self.loaded.graph.clone());
        let mut planned = plan(spec, graph, self.host.clone(), &prior, &options, &mut outside);
        let record = outside.into_record(self.kept(options));
        let counts = planned.plan.counts();
        tracing::info!(counts.add, counts.change, counts.destroy, steps = planned.plan.steps.len(), "planned");
        problems.extend(self.runtime.block_on(self.providers.close()));
        problems.extend(std::mem::take(&mut planned.plan.diagnostics));
        planned.plan.diagnostics = problems.sorted();
        (planned, record)
    }

    /// Makes a saved plan again, from the answers that it was made of.
    pub fn replay(&mut self, record: &Record) -> Planned {
        let (prior, mut problems) = prior::decode(&self.snapshot, &self.providers);
        let mut options = record.options.clone();
        problems.extend(self.give_withheld(&mut options));
        self.run = Some(self.run_of(&options));
        let mut outside = Answering::replaying(self.asking(), record);
        let (spec, graph) = (self.loaded.spec.clone(), self.loaded.graph.clone());
        let mut planned = plan(spec, graph, self.host.clone(), &prior, &options, &mut outside);
        planned.plan.diagnostics.extend(problems);
        planned
    }

    fn asking(&self) -> Asking<'_> {
        Asking { providers: &self.providers, observer: &*self.observer }
    }

    /// What a plan is made from. Ephemeral values are stored nowhere.
    fn run_of(&self, options: &Options) -> Arc<Run> {
        let ephemeral = |name: &Str| {
            let variables = self.loaded.spec.root().map(|root| root.variables.as_slice()).unwrap_or_default();
            variables.iter().any(|v| v.name == *name && v.ephemeral)
        };
        let inputs = plan_file::inputs_json(options.inputs.iter().filter(|(name, _)| !ephemeral(name)));
        Arc::new(Run { sources: crate::spec::bundle(&self.loaded.spec), inputs })
    }

    /// The options as a saved plan keeps them: of ephemeral variables only that they were set.
    fn kept(&self, mut options: Options) -> Options {
        for variable in self.loaded.spec.root().into_iter().flat_map(|m| &m.variables).filter(|v| v.ephemeral) {
            if let Some(value) = options.inputs.get_mut(&variable.name) {
                *value = blank(value);
                options.withheld.push(variable.name.clone());
            }
        }
        options
    }

    /// Puts in the values that a saved plan does not keep. To apply it, they must be given again.
    fn give_withheld(&mut self, options: &mut Options) -> Diagnostics {
        if options.withheld.is_empty() {
            return Diagnostics::new();
        }
        // What else is given, or missing, was settled when the plan was made.
        let (given, _) = self.inputs();
        let mut missing = Diagnostics::new();
        for name in std::mem::take(&mut options.withheld) {
            match given.get(&name) {
                Some(value) => {
                    options.inputs.insert(name, value.clone());
                }
                None if self.store.is_some() => {
                    missing.push(
                        Diagnostic::error(format!("the ephemeral variable \"{name}\" must be given again"))
                            .detail("a saved plan does not keep values of ephemeral variables")
                            .help(format!(
                                "give it with -var '{name}=…', in a file with -var-file, or in TF_VAR_{name}"
                            )),
                    );
                    options.withheld.push(name);
                }
                None => options.withheld.push(name),
            }
        }
        missing
    }

    /// A plan that says why there is none.
    fn failed(&self, problems: Diagnostics, options: &Options) -> Planned {
        let world =
            crate::plan::world::World::new(self.loaded.spec.clone(), self.loaded.graph.clone(), self.host.clone());
        let plan = crate::plan::Plan { mode: options.mode, diagnostics: problems.sorted(), ..Default::default() };
        Planned {
            plan,
            world,
            refreshed: false,
            rewrites: Vec::new(),
            reads: Vec::new(),
            unread: Vec::new(),
            unconfigured: Vec::new(),
        }
    }

    /// Settles what an interrupted run left open, with the connections of a plan. Gives whether the state changed,
    /// so that the plan must be made again.
    pub fn recover(
        &mut self,
        planned: &Planned,
        observer: &Arc<dyn Observer>,
    ) -> Result<(bool, Diagnostics), SessionError> {
        let Some(store) = self.store.clone() else { return Ok((false, Diagnostics::new())) };
        if store.open_intents().wait()?.is_empty() {
            return Ok((false, Diagnostics::new()));
        }
        let alone = self.held.is_empty();
        if alone {
            self.lock(store.clone(), "recovery")?;
        }
        let settled = self.settle(&store, planned, observer);
        if alone {
            self.release();
        }
        settled
    }

    fn settle(
        &mut self,
        store: &Arc<dyn Store>,
        planned: &Planned,
        observer: &Arc<dyn Observer>,
    ) -> Result<(bool, Diagnostics), SessionError> {
        let cloud = Working(self.providers.clone());
        let settled =
            self.runtime.block_on(recover::settle(&**store, &cloud, planned, observer, self.settings.patience))?;
        self.unsettled = store.open_intents().wait()?.iter().map(mark).collect();
        if settled.changed {
            self.snapshot = store.snapshot().wait()?;
        }
        Ok((settled.changed, settled.notes))
    }

    /// Runs the steps. The session must have been opened for writing; what it has read of the state is gone then.
    pub fn apply(
        &mut self,
        planned: Planned,
        observer: Arc<dyn Observer>,
        stop: Stop,
        parallelism: Option<usize>,
    ) -> Result<Outcome, SessionError> {
        let Some(store) = self.store.clone() else {
            return Err(StateError::WriterStopped { path: self.settings.data_dir.clone() }.into());
        };
        self.open_clock();
        if let Some(run) = self.run.take() {
            store.commit(vec![Change::Describe(run)]).wait()?;
        }
        let plan_id: Str = format!("{}-{}", self.snapshot.lineage, self.snapshot.serial).into();
        let provisioners =
            Provisioners { home_dir: self.settings.home_dir.clone(), ssh_agent: self.settings.ssh_agent.clone() };
        let lock = self.held.iter().find(|held| Arc::ptr_eq(&held.store, &store));
        let lasting = lock.map(|held| held.lasting.clone());
        // Whoever lost the lock begins nothing more; what is under way ends.
        let watch = lock.map(|held| {
            let (lost, finish) = (held.lost.clone(), stop.finish.clone());
            self.runtime.spawn(async move {
                lost.cancelled().await;
                finish.cancel();
            })
        });
        let input = apply::Input {
            lasting,
            planned,
            cloud: Arc::new(Working(self.providers.clone())),
            provisioner: Arc::new(provisioners),
            store: store.clone(),
            snapshot: std::mem::replace(&mut self.snapshot, Snapshot::empty("")),
            observer,
            stop,
            parallelism,
            plan_id,
        };
        let mut outcome = self.runtime.block_on(apply::run(input));
        watch.iter().for_each(tokio::task::JoinHandle::abort);
        if let Err(error) = store.flush().wait() {
            outcome.diagnostics.push(backend::state_problem(&error));
        }
        Ok(outcome)
    }

    /// Reads the state anew: what an apply has made of it.
    pub fn read_again(&mut self) -> Result<(), SessionError> {
        self.snapshot = self.open_one()?.snapshot().wait()?;
        Ok(())
    }

    /// From here on functions see the clock and draw random numbers, as they do while applying.
    pub fn open_clock(&self) {
        self.host.applying.store(true, Ordering::Relaxed);
    }

    /// The open store, where the session may write.
    pub fn store(&self) -> Option<&Arc<dyn Store>> {
        self.store.as_ref()
    }

    /// Where the state is kept.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    pub fn runtime(&self) -> &tokio::runtime::Handle {
        self.runtime.handle()
    }
}

/// Tells a call from a later one that was announced with the same key.
fn mark(intent: &Intent) -> (Str, OffsetDateTime) {
    (intent.key.clone(), intent.began)
}

impl Drop for Session {
    fn drop(&mut self) {
        self.release();
    }
}

/// The folder from the root of the file system; as it is given where the working folder is gone.
fn absolute(folder: &Path) -> PathBuf {
    let plain: PathBuf = folder.components().filter(|c| !matches!(c, std::path::Component::CurDir)).collect();
    let whole = if plain.as_os_str().is_empty() { std::path::absolute(".") } else { std::path::absolute(&plain) };
    whole.unwrap_or_else(|_| folder.to_path_buf())
}
