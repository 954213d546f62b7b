//! What a backend is told: its arguments, where their values come from, and whether they are complete.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Registration;
use crate::model::{Diagnostic, Diagnostics};

/// One argument of a backend. Names are those of Terraform's documentation.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// Whether its value must never stand in clear in a file of ours.
    pub secret: bool,
    /// Variables of the environment that give its value where nothing else does; the first one that is set.
    pub environment: &'static [&'static str],
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Flag,
    Number,
    /// Several arguments of its own.
    Object,
    Texts,
}

impl Argument {
    pub const fn text(name: &'static str, about: &'static str) -> Argument {
        Argument { name, kind: Kind::Text, required: false, secret: false, environment: &[], about }
    }

    pub const fn kind(self, kind: Kind) -> Argument {
        Argument { kind, ..self }
    }

    pub const fn required(self) -> Argument {
        Argument { required: true, ..self }
    }

    pub const fn secret(self) -> Argument {
        Argument { secret: true, ..self }
    }

    pub const fn or(self, environment: &'static [&'static str]) -> Argument {
        Argument { environment, ..self }
    }
}

/// The arguments of a backend that have a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    values: BTreeMap<String, Json>,
}

impl Configuration {
    /// Takes what was written, and from the environment what was not. `TERRANE_BACKEND_NAME` gives any argument of
    /// that name. Unknown, missing and unsuitable arguments are errors.
    pub fn read(
        registration: &Registration,
        written: &BTreeMap<String, Json>,
        environment: &BTreeMap<String, String>,
    ) -> (Configuration, Diagnostics) {
        let mut problems = Diagnostics::new();
        let mut values = BTreeMap::new();
        for name in written.keys().filter(|name| registration.argument(name).is_none()) {
            problems.push(unknown(registration, name));
        }
        for argument in registration.arguments {
            let given = written.get(argument.name).filter(|v| !v.is_null()).cloned();
            let Some(value) = given.or_else(|| argument.of_environment(environment)) else {
                if argument.required {
                    problems.push(missing(registration, argument));
                }
                continue;
            };
            match argument.kind.of(value) {
                Some(value) => drop(values.insert(argument.name.to_string(), value)),
                None => {
                    let what = format!(
                        "\"{}\" of the backend \"{}\" must be {}",
                        argument.name,
                        registration.name,
                        argument.kind.word()
                    );
                    problems.push(Diagnostic::error(what));
                }
            }
        }
        (Configuration { values }, problems)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Json::as_str).filter(|t| !t.is_empty())
    }

    pub fn flag(&self, name: &str) -> bool {
        self.values.get(name).and_then(Json::as_bool).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.values.get(name).and_then(Json::as_u64)
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let items = self.values.get(name).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(Json::as_str).map(String::from).collect()
    }

    /// An argument inside of another.
    pub fn inner(&self, name: &str, field: &str) -> Option<&str> {
        self.values.get(name)?.get(field)?.as_str().filter(|t| !t.is_empty())
    }
}

impl Registration {
    pub fn argument(&self, name: &str) -> Option<&'static Argument> {
        self.arguments.iter().find(|a| a.name == name)
    }
}

impl Argument {
    fn of_environment(&self, environment: &BTreeMap<String, String>) -> Option<Json> {
        let own = format!("TERRANE_BACKEND_{}", self.name.to_uppercase());
        let names = std::iter::once(own.as_str()).chain(self.environment.iter().copied());
        let found = names.filter_map(|name| environment.get(name)).find(|value| !value.is_empty());
        found.map(|value| Json::from(value.as_str()))
    }
}

impl Kind {
    /// The value in this kind; text stands for what it spells. Nothing where it does not fit.
    fn of(self, value: Json) -> Option<Json> {
        match (self, &value) {
            (Kind::Text, Json::String(_)) | (Kind::Flag, Json::Bool(_)) | (Kind::Object, Json::Object(_)) => {
                Some(value)
            }
            (Kind::Text, Json::Number(_) | Json::Bool(_)) => Some(Json::from(value.to_string())),
            (Kind::Number, Json::Number(n)) => n.as_u64().map(Json::from),
            (Kind::Number, Json::String(text)) => text.trim().parse::<u64>().ok().map(Json::from),
            (Kind::Flag, Json::String(text)) => text.trim().parse::<bool>().ok().map(Json::from),
            (Kind::Texts, Json::Array(items)) => items.iter().all(Json::is_string).then_some(value),
            (Kind::Object | Kind::Texts, Json::String(text)) => {
                serde_json::from_str(text).ok().filter(|v: &Json| !v.is_string()).and_then(|v| self.of(v))
            }
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Flag => "true or false",
            Kind::Number => "a whole number",
            Kind::Object => "an object",
            Kind::Texts => "a list of texts",
        }
    }
}

fn unknown(registration: &Registration, name: &str) -> Diagnostic {
    let known = registration.arguments.iter().map(|a| a.name);
    Diagnostic::error(format!("the backend \"{}\" has no argument \"{name}\"", registration.name))
        .did_you_mean(name, known)
}

fn missing(registration: &Registration, argument: &Argument) -> Diagnostic {
    let (backend, name) = (registration.name, argument.name);
    let error = Diagnostic::error(format!("the backend \"{backend}\" needs \"{name}\""));
    let own = format!("TERRANE_BACKEND_{}", name.to_uppercase());
    let variables = argument.environment.first().copied().unwrap_or(&own);
    match argument.secret {
        true => error.help(format!("set {variables}: secrets that \"init\" was given are not kept")),
        false => error.help(format!(
            "write it into the backend block, or run \"terrane init -backend-config={name}=…\", or set {variables}"
        )),
    }
}
