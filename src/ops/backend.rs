//! Which backend keeps the state of a folder: what its configuration says, completed by what `init` was given.
//!
//! `init` remembers the backend in the data folder, without secrets. When the configuration says another one later,
//! nothing is done until `init` was told what to do with the states of the old one.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::early::Early;
use super::planning::Settings;
use super::variables;
use crate::backends::{self, Backend, Configuration, Context, Local, Registration};
use crate::model::{Diagnostic, Diagnostics, SourceMap, Span, value_json};
use crate::spec::{Module, Spec};
use crate::state::{StateError, private_file};

/// Values of arguments by name.
pub type Arguments = BTreeMap<String, Json>;

/// Why there is no backend, with the sources that the diagnostics point into.
#[derive(Debug, thiserror::Error)]
#[error("the backend can't be used")]
pub struct BackendError {
    pub problems: Diagnostics,
    pub sources: SourceMap,
}

/// A backend that was chosen, and what it was chosen by.
pub struct Choice {
    pub registration: &'static Registration,
    /// What the block says, with what was given to `init` over it.
    written: Arguments,
    /// What was given to `init`.
    given: Arguments,
    configuration: Configuration,
}

/// What `init` wrote down. No secrets stand in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    #[serde(rename = "type")]
    ty: String,
    arguments: Arguments,
    /// Those of the arguments that were given to `init`.
    #[serde(default)]
    given: Arguments,
}

/// The backend of a configuration that was loaded.
pub fn of(settings: &Settings, spec: &Spec) -> Result<Arc<dyn Backend>, BackendError> {
    // A rehearsal leaves the state that others share alone.
    if settings.sandbox.is_some() {
        return Ok(Arc::new(local(settings)));
    }
    let remembered = remembered(&settings.data_dir).map_err(|problem| told(problem, spec))?;
    let given = remembered.as_ref().map(|r| r.given_to(spec)).unwrap_or_default();
    let choice = choose(settings, spec, given)?;
    match &remembered {
        Some(before) if *before != choice.remembered() => Err(told(changed(&before.ty, &choice), spec)),
        None if !choice.is_plain() && has_states(&local(settings)).map_err(|e| told(state_problem(&e), spec))? => {
            Err(told(changed("local", &choice), spec))
        }
        _ => choice.connect(settings).map_err(|problem| told(problem, spec)),
    }
}

/// The backend of the present folder, for commands that need nothing else of its configuration.
pub fn of_folder(settings: &Settings) -> Result<Arc<dyn Backend>, BackendError> {
    let spec = spec_of(settings)?;
    of(settings, &spec)
}

/// The configuration of the present folder.
pub fn spec_of(settings: &Settings) -> Result<Arc<Spec>, BackendError> {
    let failed = |error: std::io::Error| BackendError {
        problems: Diagnostic::error("the run could not be set up").detail(error.to_string()).into(),
        sources: SourceMap::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
    let providers = super::Providers::new(runtime.handle().clone(), None);
    let loaded = settings.load(&providers);
    match loaded.diagnostics.has_errors() {
        true => Err(BackendError { problems: loaded.diagnostics, sources: loaded.spec.sources.clone() }),
        false => Ok(loaded.spec),
    }
}

/// The backend that the configuration says, with these arguments over those of its block.
pub fn choose(settings: &Settings, spec: &Spec, given: Arguments) -> Result<Choice, BackendError> {
    let mut sources = spec.sources.clone();
    read_block(settings, spec, given, &mut sources).map_err(|problems| BackendError { problems, sources })
}

fn read_block(
    settings: &Settings,
    spec: &Spec,
    given: Arguments,
    sources: &mut SourceMap,
) -> Result<Choice, Diagnostics> {
    let block = spec.root().and_then(|root| root.settings.backend.as_ref().map(|block| (root, block)));
    let Some((root, block)) = block else {
        if !given.is_empty() {
            let error = Diagnostic::error("the configuration has no backend block to give these arguments to");
            return Err(error.help("write one, such as: terraform { backend \"s3\" {} }").into());
        }
        let configuration = Configuration::default();
        return Ok(Choice {
            registration: &backends::local::REGISTRATION,
            written: given,
            given: Arguments::new(),
            configuration,
        });
    };
    let Some(registration) = backends::find(&block.ty) else {
        let known = backends::REGISTRATIONS.iter().map(|r| r.name);
        let names: Vec<&str> = known.clone().collect();
        let error = Diagnostic::error(format!("unknown backend \"{}\"", block.ty)).at(block.span);
        return Err(error.did_you_mean(&block.ty, known).help(format!("there is {}", names.join(", "))).into());
    };
    let (inputs, _) = variables::read(&settings.given, root, sources);
    let (mut written, spans) = evaluate(root, &inputs, settings)?;
    written.extend(given.clone());
    let (configuration, problems) = Configuration::read(registration, &written, &settings.environment);
    if problems.has_errors() {
        let placed = |problem: Diagnostic| {
            let named = spans.iter().find(|(name, _)| problem.summary.contains(&format!("\"{name}\"")));
            problem.at(named.map_or(block.span, |(_, span)| *span))
        };
        return Err(problems.iter().cloned().map(placed).fold(Diagnostics::new(), |mut all, one| {
            all.push(one);
            all
        }));
    }
    Ok(Choice { registration, written, given, configuration })
}

/// What `-backend-config` says: `name=value`, or a file of such lines.
pub fn given(texts: &[String], start: &Path) -> Result<Arguments, BackendError> {
    let (mut arguments, mut sources) = (Arguments::new(), SourceMap::default());
    for text in texts {
        if let Some((name, value)) = text.split_once('=') {
            arguments.insert(name.trim().to_string(), Json::from(value));
            continue;
        }
        let path = start.join(text).to_string_lossy().into_owned();
        let read = std::fs::read_to_string(&path).map_err(|error| BackendError {
            problems: Diagnostic::error(format!("cannot read \"{text}\", which -backend-config names"))
                .detail(error.to_string())
                .help("give a file, or name=value")
                .into(),
            sources: SourceMap::default(),
        })?;
        if let (true, Ok(Json::Object(entries))) = (path.ends_with(".json"), serde_json::from_str(&read)) {
            arguments.extend(entries);
            continue;
        }
        let (assignments, mut problems) = variables::assignments(&path, &read, &mut sources);
        for assignment in assignments {
            match assignment.value {
                Ok(value) => drop(arguments.insert(assignment.name.to_string(), value_json::to_json(&value))),
                Err(wrong) => problems.extend(wrong),
            }
        }
        if problems.has_errors() {
            // Such files are where the secrets of a backend are.
            let problems = problems.into_iter().map(|problem| variables::without_line(problem, &sources)).collect();
            return Err(BackendError { problems, sources });
        }
    }
    Ok(arguments)
}

type Spans = Vec<(String, Span)>;

/// The arguments of the block, and where each stands.
fn evaluate(
    root: &Module,
    inputs: &HashMap<crate::model::Str, crate::model::Value>,
    settings: &Settings,
) -> Result<(Arguments, Spans), Diagnostics> {
    let early = Early::new(root, inputs, settings.workspace.name());
    let (mut arguments, mut spans, mut problems) = (Arguments::new(), Spans::new(), Diagnostics::new());
    let Some(block) = &root.settings.backend else { return Ok((arguments, spans)) };
    for attribute in &block.body.attributes {
        spans.push((attribute.name.to_string(), attribute.name_span));
        match attribute.value.eval(&early) {
            Ok(value) => {
                arguments.insert(attribute.name.to_string(), value_json::to_json(&value.unmark_deep().0));
            }
            Err(wrong) => problems.extend(wrong),
        }
    }
    // Blocks such as `assume_role {}` are objects in another spelling.
    for block in &block.body.blocks {
        let mut fields = serde_json::Map::new();
        spans.push((block.name.to_string(), block.name_span));
        for attribute in &block.body.attributes {
            match attribute.value.eval(&early) {
                Ok(value) => {
                    drop(fields.insert(attribute.name.to_string(), value_json::to_json(&value.unmark_deep().0)))
                }
                Err(wrong) => problems.extend(wrong),
            }
        }
        arguments.insert(block.name.to_string(), Json::Object(fields));
    }
    if problems.has_errors() { Err(problems) } else { Ok((arguments, spans)) }
}

impl Choice {
    pub fn connect(&self, settings: &Settings) -> Result<Arc<dyn Backend>, Diagnostic> {
        (self.registration.connect)(&self.configuration, &context(settings)).map_err(|e| state_problem(&e))
    }

    /// What is written down of it.
    pub fn remembered(&self) -> Remembered {
        let public = |arguments: &Arguments| {
            let is_public = |name: &String| self.registration.argument(name).is_some_and(|a| !a.secret);
            arguments.iter().filter(|(name, _)| is_public(name)).map(|(n, v)| (n.clone(), without_user(v))).collect()
        };
        Remembered {
            ty: self.registration.name.to_string(),
            arguments: public(&self.written),
            given: public(&self.given),
        }
    }

    /// Whether it is the one that needs no configuration.
    pub fn is_plain(&self) -> bool {
        self.registration.name == "local" && self.written.is_empty()
    }
}

impl Remembered {
    /// The backend that was remembered. Its secrets come from the environment, or from a block that still says them.
    pub fn connect(&self, settings: &Settings, secrets: &Choice) -> Result<Arc<dyn Backend>, Diagnostics> {
        let Some(registration) = backends::find(&self.ty) else {
            return Err(
                Diagnostic::error(format!("the backend \"{}\" that was used before is not known", self.ty)).into()
            );
        };
        let mut written = self.arguments.clone();
        if registration.name == secrets.registration.name {
            // An address that is written down without its user and password may still be said with them.
            for (name, value) in &mut written {
                if let Some(said) = secrets.written.get(name).filter(|said| without_user(said) == *value) {
                    *value = said.clone();
                }
            }
            let is_secret = |name: &String| registration.argument(name).is_some_and(|a| a.secret);
            written.extend(secrets.written.iter().filter(|(n, _)| is_secret(n)).map(|(n, v)| (n.clone(), v.clone())));
        }
        let (configuration, problems) = Configuration::read(registration, &written, &settings.environment);
        if problems.has_errors() {
            return Err(problems);
        }
        (registration.connect)(&configuration, &context(settings)).map_err(|e| state_problem(&e).into())
    }

    pub fn name(&self) -> &str {
        &self.ty
    }

    /// What `init` was given, where it was for this kind of backend.
    pub fn given_to(&self, spec: &Spec) -> Arguments {
        let now = spec.root().and_then(|root| root.settings.backend.as_ref());
        let same = now.is_some_and(|block| *block.ty == *self.ty);
        if same { self.given.clone() } else { Arguments::new() }
    }
}

/// The backend without any configuration.
pub fn local(settings: &Settings) -> Local {
    Local::new(&settings.data_dir, settings.around.clone())
}

/// Whether any workspace has a state with something in it.
pub fn has_states(backend: &dyn Backend) -> Result<bool, StateError> {
    for workspace in backend.workspaces()? {
        if backend.read(&workspace)?.is_some_and(|s| !s.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn context(settings: &Settings) -> Context {
    Context {
        data_dir: settings.data_dir.clone(),
        environment: settings.environment.clone(),
        around: settings.around.clone(),
        notices: settings.notices.clone(),
        unsent: settings.unsent,
    }
}

/// Addresses without the user and the password in them, such as the endpoints of an object; any other value as it is.
fn without_user(value: &Json) -> Json {
    let text = match value {
        Json::String(text) => text,
        Json::Array(items) => return items.iter().map(without_user).collect(),
        Json::Object(fields) => {
            return fields.iter().map(|(name, field)| (name.clone(), without_user(field))).collect();
        }
        _ => return value.clone(),
    };
    let Some((scheme, rest)) = text.split_once("://") else { return value.clone() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => Json::from(format!("{scheme}://{host}{path}")),
        None => value.clone(),
    }
}

fn memory(data_dir: &Path) -> PathBuf {
    data_dir.join("backend.json")
}

/// The backend that `init` wrote down.
pub fn remembered(data_dir: &Path) -> Result<Option<Remembered>, Diagnostic> {
    let path = memory(data_dir);
    let failed = |detail: String| {
        Diagnostic::error(format!("\"{}\" can't be read", path.display()))
            .detail(detail)
            .help("run terrane init -reconfigure")
    };
    match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.to_string())),
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| failed(error.to_string())),
    }
}

/// Writes the backend down; the plain one needs no writing.
pub fn remember(data_dir: &Path, choice: &Choice) -> Result<(), Diagnostic> {
    let path = memory(data_dir);
    let failed = |error: std::io::Error| {
        Diagnostic::error(format!("\"{}\" can't be written", path.display())).detail(error.to_string())
    };
    if choice.is_plain() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        };
    }
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let text = serde_json::to_string_pretty(&choice.remembered()).map_err(|e| failed(e.into()))?;
    private_file::write(&path, text.as_bytes()).map_err(failed)
}

/// The configuration says another backend than the one that was used.
pub fn changed(before: &str, choice: &Choice) -> Diagnostic {
    let now = choice.registration.name;
    let what = match before == now {
        true => format!("the arguments of the backend \"{now}\" have changed"),
        false => format!("the state is kept by the backend \"{before}\", the configuration says \"{now}\""),
    };
    Diagnostic::error(what)
        .help("run \"terrane init -migrate-state\" to move the states there")
        .help("or \"terrane init -reconfigure\" to leave them where they are and use what is there")
}

fn told(problem: Diagnostic, spec: &Spec) -> BackendError {
    BackendError { problems: problem.into(), sources: spec.sources.clone() }
}

/// A problem of a state as something to show.
pub fn state_problem(error: &StateError) -> Diagnostic {
    let text = error.to_string();
    match text.split_once("; ") {
        Some((what, next)) => Diagnostic::error(what).help(next),
        None => Diagnostic::error(text),
    }
}
