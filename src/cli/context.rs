//! What the environment says, and what a command works on: folder, data folder, workspace, variables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::arguments::split;
use super::error::Failure;
use crate::backends::Unsent;
use crate::model::Diagnostic;
use crate::ops::variables::{self, Given};
use crate::ops::{Loaded, Providers, Settings, load, lock};
use crate::provider::Calls;
use crate::providers::sandbox::Faults;
use crate::state::{Surroundings, Workspace};

/// The variables of the environment that mean something here. `TERRANE_x` wins over `TF_x`.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    /// Where the command was started; nothing where that folder is gone.
    started_in: PathBuf,
}

impl Environment {
    pub fn read() -> Environment {
        let known = |name: &str| {
            ["TF_", "TERRANE_", "AWS_", "ARM_", "AZURE_", "GOOGLE_", "PG"].iter().any(|p| name.starts_with(p))
                || matches!(
                    name,
                    "NO_COLOR" | "HOME" | "SSH_AUTH_SOCK" | "USER" | "LOGNAME" | "COLUMNS" | "TERM" | "CI"
                )
        };
        let pairs = std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
        let started_in = std::env::current_dir().unwrap_or_default();
        Environment { values: pairs.filter(|(name, _)| known(name)).collect(), started_in }
    }

    #[cfg(test)]
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Environment {
        let values = pairs.into_iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        Environment { values, started_in: PathBuf::new() }
    }

    /// A plain variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// `TERRANE_name`, else `TF_name`; empty counts as absent.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let own = self.get(&format!("TERRANE_{name}"));
        own.or_else(|| self.get(&format!("TF_{name}"))).filter(|v| !v.is_empty())
    }

    pub fn in_automation(&self) -> bool {
        self.setting("IN_AUTOMATION").is_some()
    }

    /// Whether questions may be asked: `TF_INPUT`.
    pub fn input(&self) -> bool {
        !matches!(self.setting("INPUT"), Some("0" | "f" | "F" | "false" | "False" | "FALSE"))
    }

    /// More arguments for a command: `TF_CLI_ARGS` and `TF_CLI_ARGS_plan`.
    pub fn cli_args(&self, command: &str) -> Vec<String> {
        let all = self.setting("CLI_ARGS").map(split).unwrap_or_default();
        let own = self.setting(&format!("CLI_ARGS_{}", command.replace('-', "_"))).map(split).unwrap_or_default();
        all.into_iter().chain(own).collect()
    }

    /// Values of variables: `TF_VAR_name`, then `TERRANE_VAR_name`.
    fn variables(&self) -> Vec<Given> {
        let of = |prefix: &'static str| {
            let found = self.values.iter().filter_map(move |(n, v)| Some((n, n.strip_prefix(prefix)?, v)));
            found.map(|(origin, name, text)| Given::Text {
                name: name.into(),
                text: text.clone(),
                origin: origin.clone(),
            })
        };
        of("TF_VAR_").chain(of("TERRANE_VAR_")).collect()
    }
}

/// Options that most commands share.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Common {
    /// Sets a variable of the root module. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Variables")]
    pub var: Vec<String>,

    /// Reads variables from a file. May be repeated.
    #[arg(long, value_name = "FILE", help_heading = "Variables")]
    pub var_file: Vec<PathBuf>,

    /// Puts a simulated cloud in the place of every provider: no account is needed.
    #[arg(long)]
    pub sandbox: bool,

    /// How long to wait for somebody else's lock on the state, such as 5m.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub lock_timeout: String,

    /// Whether the state is locked while it may be written.
    #[arg(long, value_name = "BOOL", default_value_t = true, value_parser = BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub lock: bool,

    /// Whether to ask for what is missing.
    #[arg(long, value_name = "BOOL", default_value_t = true, value_parser = BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub input: bool,

    /// The folder where Terrane keeps its state, for example to have two of one configuration.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// The folders of a run. The process works in the root module's folder, as it does with `-chdir`.
pub struct Place {
    /// Where the command was started.
    pub start: PathBuf,
}

impl Place {
    /// A path that is written relative to where the command was started, as it is from the folder of the run.
    pub fn path(&self, written: &Path) -> PathBuf {
        match std::env::current_dir() {
            Ok(here) if here == self.start => written.to_path_buf(),
            _ => self.start.join(written),
        }
    }
}

/// Goes to the folder that the command is about. What `-chdir` names comes first, then the positional one.
pub fn enter(chdir: Option<&Path>, folder: Option<&Path>) -> Result<Place, Failure> {
    let go = |to: &Path| {
        std::env::set_current_dir(to).map_err(|error| {
            let problem = Diagnostic::error(format!("cannot work in the folder \"{}\"", to.display()));
            Failure::from(match error.kind() {
                std::io::ErrorKind::NotFound => problem.detail("there is no folder or file of this name"),
                _ => problem.detail(error.to_string()),
            })
        })
    };
    if let Some(chdir) = chdir {
        go(chdir)?;
    }
    let start = std::env::current_dir()
        .map_err(|error| Diagnostic::error("the working folder is gone").detail(error.to_string()))?;
    if let Some(folder) = folder {
        go(folder)?;
    }
    Ok(Place { start })
}

/// What the environment and the files that are always read give for variables.
fn given_without_asking(environment: &Environment, folder: &Path) -> Vec<Given> {
    let mut given = environment.variables();
    given.extend(variables::automatic_files(folder));
    given
}

/// The configuration in the current folder, for commands that look at nothing else.
pub fn load_here(environment: &Environment, providers: &Providers) -> Loaded {
    let here = Path::new(".");
    load(here, &given_without_asking(environment, here), &Workspace::default(), providers)
}

impl Common {
    /// The settings of a session in the current folder.
    pub fn settings(&self, environment: &Environment, place: &Place) -> Result<Settings, Failure> {
        let folder = PathBuf::from(".");
        let data_dir = match (&self.data_dir, environment.setting("DATA_DIR")) {
            (Some(dir), _) => place.path(dir),
            (None, Some(dir)) => PathBuf::from(dir),
            (None, None) => PathBuf::from(".terrane"),
        };
        let workspace = workspace(environment, &data_dir)?;
        let mut given = given_without_asking(environment, &folder);
        for file in &self.var_file {
            given.push(Given::File { path: place.path(file).to_string_lossy().into_owned(), required: true });
        }
        for pair in &self.var {
            let Some((name, text)) = pair.split_once('=') else {
                return Err(Diagnostic::error(format!("\"-var {pair}\" has no value"))
                    .help("write -var 'name=value'")
                    .into());
            };
            given.push(Given::Text { name: name.trim().into(), text: text.to_string(), origin: "-var".to_string() });
        }
        let timeout = duration(&self.lock_timeout)?;
        let who = environment.get("USER").or(environment.get("LOGNAME")).unwrap_or("unknown").to_string();
        Ok(Settings {
            folder,
            started_in: environment.started_in.clone(),
            data_dir,
            workspace,
            sandbox: self.sandbox(environment)?,
            given,
            home_dir: environment.get("HOME").map(str::to_string),
            ssh_agent: environment.get("SSH_AUTH_SOCK").map(str::to_string),
            now: now(),
            lock: lock::Settings { enabled: self.lock, timeout, who },
            environment: Arc::new(environment.values.clone()),
            lookup: Arc::new(|name| std::env::var(name).ok()),
            notices: Arc::new(|text| eprintln!("{text}")),
            around: surroundings(environment)?,
            unsent: Unsent::default(),
            patience: patience(environment)?,
            calls: calls(environment)?,
        })
    }

    fn sandbox(&self, environment: &Environment) -> Result<Option<Faults>, Failure> {
        let asked = environment.get("TERRANE_SANDBOX").is_some_and(|v| !matches!(v, "" | "0" | "false"));
        let faults = environment.get("TERRANE_SANDBOX_FAULTS").filter(|f| !f.trim().is_empty());
        // A slip in them is told even where the sandbox is not used.
        let faults = faults.map_or_else(|| Ok(Faults::none()), Faults::parse)?;
        Ok((self.sandbox || asked).then_some(faults))
    }
}

/// How states are opened. `TERRANE_HISTORY` says how many earlier generations they keep.
fn surroundings(environment: &Environment) -> Result<Surroundings, Failure> {
    let mut around = Surroundings::default();
    if let Some(text) = environment.get("TERRANE_HISTORY").filter(|t| !t.is_empty()) {
        around.generations = text.parse().map_err(|_| {
            Diagnostic::error(format!("TERRANE_HISTORY is \"{text}\", which is no number"))
                .help("say how many generations of the state to keep; 0 keeps none")
        })?;
    }
    Ok(around)
}

/// How long the next run looks for what an interrupted one made: `TERRANE_SETTLE_TIME`, a minute unless it is set.
fn patience(environment: &Environment) -> Result<Duration, Failure> {
    duration(environment.get("TERRANE_SETTLE_TIME").filter(|t| !t.is_empty()).unwrap_or("60s"))
}

/// How long one attempt of a provider's call may take: `TERRANE_CALL_TIMEOUT`.
fn calls(environment: &Environment) -> Result<Calls, Failure> {
    let Some(text) = environment.get("TERRANE_CALL_TIMEOUT").filter(|t| !t.is_empty()) else {
        return Ok(Calls::default());
    };
    match duration(text)? {
        attempt if attempt.is_zero() => Err(Diagnostic::error("TERRANE_CALL_TIMEOUT leaves calls no time")
            .help("say how long a call may take, such as 30s or 2m")
            .into()),
        attempt => Ok(Calls { attempt }),
    }
}

fn workspace(environment: &Environment, data_dir: &Path) -> Result<Workspace, Failure> {
    let Some(name) = environment.setting("WORKSPACE") else {
        let chosen = Workspace::chosen(data_dir).map_err(|error| {
            Diagnostic::error(error.to_string())
                .help(format!("remove \"{}\", and choose again: terrane workspace select NAME", error.path.display()))
        })?;
        return Ok(chosen.unwrap_or_default());
    };
    Workspace::parse(name).map_err(|error| Diagnostic::error(error.to_string()).into())
}

fn duration(text: &str) -> Result<Duration, Failure> {
    crate::model::duration::parse_duration(text).ok_or_else(|| {
        Diagnostic::error(format!("\"{text}\" is no duration")).help("write it like 30s, 5m or 1h30m").into()
    })
}

/// The time now in RFC 3339, in seconds.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}
