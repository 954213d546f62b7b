//! Reads the states of other configurations, whatever backend keeps them.

use std::collections::BTreeMap;

use super::planning::Settings;
use crate::backends::{self, Configuration, Context, local};
use crate::model::{Path, Str, Value, value_json};
use crate::provider::{ErrorKind, ProviderError, States};
use crate::state::{StateError, Surroundings, Workspace};

/// Arguments of the run's own backend that come from the environment: they are not meant for others.
const OWN: &str = "TERRANE_BACKEND_";

pub struct OtherStates(Context);

impl OtherStates {
    /// States of others are sealed with keys of others: they are read as they are.
    pub fn of(settings: &Settings) -> OtherStates {
        let own = super::backend::context(settings);
        let environment = own.environment.iter().filter(|(name, _)| !name.starts_with(OWN));
        let environment: BTreeMap<String, String> = environment.map(|(n, v)| (n.clone(), v.clone())).collect();
        let around = Surroundings { encryption: Default::default(), ..own.around };
        OtherStates(Context { environment: environment.into(), around, ..own })
    }
}

impl States for OtherStates {
    fn outputs(
        &self,
        backend: &str,
        config: &Value,
        workspace: Option<&str>,
    ) -> Result<Option<Vec<(Str, Value)>>, ProviderError> {
        let registration = backends::find(backend).ok_or_else(|| {
            let names: Vec<&str> = backends::REGISTRATIONS.iter().map(|r| r.name).collect();
            let error = ProviderError::invalid(format!("there is no backend \"{backend}\""));
            error.path(Path::attr("backend")).help(format!("there is {}", names.join(", ")))
        })?;
        let wrong = |message: String| ProviderError::invalid(message).path(Path::attr("config"));
        let written = match (config.is_null(), config.as_fields()) {
            (true, _) => BTreeMap::new(),
            (_, Some(fields)) => fields.iter().map(|(n, v)| (n.to_string(), value_json::to_json(v))).collect(),
            (_, None) => return Err(wrong("the arguments of a backend are an object".into())),
        };
        let (configuration, problems) = Configuration::read(registration, &written, &self.0.environment);
        if let Some(problem) = problems.into_iter().find(|problem| problem.is_error()) {
            let error = wrong(problem.summary.to_string());
            return Err(problem.help.into_iter().fold(error, |error, help| error.help(help)));
        }
        let workspace = workspace.map_or(Ok(Workspace::default()), Workspace::parse);
        let workspace = workspace.map_err(|e| ProviderError::invalid(e.to_string()).path(Path::attr("workspace")))?;
        let read = match registration.name == local::REGISTRATION.name {
            true => local::read_of_others(&configuration, &self.0, &workspace),
            false => (registration.connect)(&configuration, &self.0).and_then(|backend| backend.read(&workspace)),
        };
        let failed = |error: StateError| ProviderError::new(ErrorKind::Other, error.to_string());
        let outputs = read.map_err(failed)?.map(|snapshot| snapshot.outputs);
        Ok(outputs.map(|outputs| outputs.into_iter().map(|(name, output)| (name, output.value)).collect()))
    }
}
