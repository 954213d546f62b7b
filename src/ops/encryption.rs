//! How states and plans are encrypted: what the configuration says in OpenTofu's words, with what the environment
//! says in `TERRANE_ENCRYPTION` or `TF_ENCRYPTION` over it.
//!
//! Key providers: `pbkdf2` and `argon2id` take a passphrase (both derive the key with Argon2id), `file` and
//! `environment` hold 32 bytes, `aws_kms` asks AWS. Methods: `aes_gcm` and `unencrypted`.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::early::Early;
use crate::model::{Diagnostic, Diagnostics, Str, Value, Veil};
use crate::spec::module::{Encryption as Written, EncryptionPart, EncryptionUse, PartName};
use crate::spec::{self, Module, Schemas, Spec};
use crate::state::seal::{Encryption, KeyWrap, Method, PassphraseCost, PassphraseKey, RawKey};

/// What holds for each kind of file.
#[derive(Clone, Debug, Default)]
pub struct Encryptions {
    pub state: Encryption,
    pub plan: Encryption,
}

/// Finds a variable of the environment by its name.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What key providers need of their surroundings.
pub struct Means<'m> {
    pub runtime: &'m tokio::runtime::Handle,
    pub environment: &'m BTreeMap<String, String>,
    /// Any variable of the environment that a configuration names.
    pub lookup: &'m Lookup,
    /// Relative paths of key files start here.
    pub folder: &'m Path,
    pub workspace: &'m str,
}

/// The settings of a configuration. `inputs` are the values of its variables.
pub fn of(
    spec: &Spec,
    inputs: &HashMap<Str, Value>,
    means: &Means<'_>,
    schemas: &dyn Schemas,
) -> Result<Encryptions, Diagnostic> {
    let text = ["TERRANE_ENCRYPTION", "TF_ENCRYPTION"].iter().find_map(|name| {
        let text = means.environment.get(*name).map(|t| t.trim()).filter(|t| !t.is_empty())?;
        Some((*name, text))
    });
    let environment = text.map(|(name, text)| from_environment(name, text, schemas)).transpose()?;
    let layers: Vec<&Module> =
        [environment.as_ref(), Some(spec)].into_iter().flatten().filter_map(Spec::root).collect();
    let empty = HashMap::new();
    let layers: Vec<Layer<'_>> = layers
        .into_iter()
        .filter_map(|module| Some((module, module.settings.encryption.as_ref()?)))
        .map(|(module, written)| {
            let own = std::ptr::eq(module, spec.root().unwrap_or(module));
            Layer { written, early: Early::new(module, if own { inputs } else { &empty }, means.workspace) }
        })
        .collect();
    let settings = Settings { layers, means };
    Ok(Encryptions { state: settings.used(|w| w.state.as_ref())?, plan: settings.used(|w| w.plan.as_ref())? })
}

/// The text of the variable is what stands between the braces of an `encryption` block, in HCL or JSON.
fn from_environment(name: &str, text: &str, schemas: &dyn Schemas) -> Result<Spec, Diagnostic> {
    let (file, text) = match text.starts_with('{') {
        true => ("encryption.tf.json", format!("{{\"terraform\":{{\"encryption\":{text}}}}}")),
        false => ("encryption.tf", format!("terraform {{\nencryption {{\n{text}\n}}\n}}\n")),
    };
    let files = vec![(file.to_string(), text.into())];
    let (spec, problems) = spec::load_bundle(files, ".", schemas, &spec::Options::default());
    match problems.iter().find(|p| p.is_error()) {
        None => Ok(spec),
        // The text itself may hold a passphrase: only what is wrong is told, not where.
        Some(problem) => Err(Diagnostic::error(format!("\"{name}\" cannot be read: {}", problem.summary))
            .help("write what stands in an encryption block: key_provider, method, state and plan blocks")),
    }
}

struct Layer<'l> {
    written: &'l Written,
    early: Early<'l>,
}

/// What was written, the layer that wins first.
struct Settings<'s> {
    layers: Vec<Layer<'s>>,
    means: &'s Means<'s>,
}

impl Settings<'_> {
    fn used(&self, of: impl Fn(&Written) -> Option<&EncryptionUse>) -> Result<Encryption, Diagnostic> {
        let found = self.layers.iter().find_map(|layer| Some((layer, of(layer.written)?)));
        let Some((layer, using)) = found else { return Ok(Encryption::default()) };
        let mut encryption = Encryption { method: self.method(using)?, ..Encryption::default() };
        if let Some(enforced) = &using.enforced {
            let value = enforced.eval(&layer.early).map_err(|p| first(p, "enforced"))?;
            encryption.enforced = matches!(value.unmark_deep().0, Value::Bool(true));
        }
        let mut next = using.fallback.as_deref();
        while let Some(fallback) = next {
            encryption.fallback.push(self.method(fallback)?);
            next = fallback.fallback.as_deref();
        }
        if encryption.enforced && !encryption.is_on() {
            return Err(Diagnostic::error("\"enforced\" forbids the method \"unencrypted\"").at(using.span));
        }
        Ok(encryption)
    }

    fn method(&self, using: &EncryptionUse) -> Result<Method, Diagnostic> {
        // OpenTofu reads a block without a method as no encryption; saying it is clearer.
        let Some(name) = &using.method else {
            return Err(Diagnostic::error("\"method\" is missing").at(using.span).label("such as method.aes_gcm.main"));
        };
        if &*name.0 == "unencrypted" {
            return Ok(Method::Plain);
        }
        let (_, method) = self.part(name, "method", |w| &w.methods)?;
        if &*name.0 != "aes_gcm" {
            return Err(Diagnostic::error(format!("unknown method \"{}\"", name.0))
                .at(method.span)
                .did_you_mean(&name.0, ["aes_gcm", "unencrypted"])
                .help("there is aes_gcm and unencrypted"));
        }
        let keys = method.keys.as_ref().ok_or_else(|| {
            Diagnostic::error("\"keys\" is missing").at(method.span).label("such as key_provider.pbkdf2.main")
        })?;
        let (layer, provider) = self.part(keys, "key provider", |w| &w.key_providers)?;
        Provider { layer, part: provider, means: self.means }.key().map(Method::Sealed)
    }

    fn part(
        &self,
        name: &PartName,
        what: &str,
        of: impl Fn(&Written) -> &Vec<EncryptionPart>,
    ) -> Result<(&Layer<'_>, &EncryptionPart), Diagnostic> {
        let found = self.layers.iter().find_map(|l| Some((l, of(l.written).iter().find(|p| p.name == *name)?)));
        found.ok_or_else(|| Diagnostic::error(format!("there is no {what} \"{}\" \"{}\"", name.0, name.1)))
    }
}

const PROVIDERS: [&str; 5] = ["pbkdf2", "argon2id", "file", "environment", "aws_kms"];

/// A key provider with its arguments.
struct Provider<'p> {
    layer: &'p Layer<'p>,
    part: &'p EncryptionPart,
    means: &'p Means<'p>,
}

impl Provider<'_> {
    fn key(&self) -> Result<Arc<dyn KeyWrap>, Diagnostic> {
        let name = format!("{} \"{}\"", self.part.name.0, self.part.name.1);
        match &*self.part.name.0 {
            "pbkdf2" | "argon2id" => {
                let passphrase = self.required("passphrase")?;
                if passphrase.chars().count() < 16 {
                    return Err(self.problem("\"passphrase\" is too short").label("16 characters are the least"));
                }
                // The arguments of PBKDF2 say nothing about Argon2id.
                let cost = match &*self.part.name.0 {
                    "argon2id" => self.cost()?,
                    _ => PassphraseCost::default(),
                };
                Ok(Arc::new(PassphraseKey::new(name, passphrase, cost)))
            }
            "file" => {
                let path = self.required("path")?;
                let bytes = std::fs::read(self.means.folder.join(&path)).map_err(|error| {
                    self.problem(&format!("the key file \"{path}\" cannot be read")).detail(error.to_string())
                })?;
                self.raw(name, &bytes, &format!("the key file \"{path}\""))
            }
            "environment" => {
                let variable = self.required("variable")?;
                let text = (self.means.lookup)(&variable).ok_or_else(|| {
                    self.problem(&format!("the environment has no variable \"{variable}\" to take the key from"))
                })?;
                self.raw(name, text.as_bytes(), &format!("the variable \"{variable}\""))
            }
            "aws_kms" => {
                let settings = super::kms::Settings {
                    name,
                    key_id: self.required("kms_key_id")?,
                    region: self.text("region")?,
                    profile: self.text("profile")?,
                    endpoint: self.text("endpoint")?,
                };
                Ok(super::kms::key(settings, self.means.runtime.clone()).map_err(|why| self.problem(&why))?)
            }
            other => Err(self
                .problem(&format!("unknown key provider \"{other}\""))
                .did_you_mean(other, PROVIDERS)
                .help(format!("there is {}", PROVIDERS.join(", ")))),
        }
    }

    /// What a key of Argon2id costs. Less than the least is soon guessed, and more than the most is read by nobody.
    fn cost(&self) -> Result<PassphraseCost, Diagnostic> {
        let (least, most, default) = (PassphraseCost::LEAST, PassphraseCost::MOST, PassphraseCost::default());
        self.number("parallelism", 1..=1)?;
        Ok(PassphraseCost {
            memory_kib: self.number("memory_kib", least.memory_kib..=most.memory_kib)?.unwrap_or(default.memory_kib),
            iterations: self.number("iterations", least.iterations..=most.iterations)?.unwrap_or(default.iterations),
        })
    }

    fn number(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Diagnostic> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|n| range.contains(n));
        number.map(Some).ok_or_else(|| match (range.start(), range.end()) {
            (only, end) if only == end => self.problem(&format!("\"{name}\" must be {only}")),
            (least, most) => self.problem(&format!("\"{name}\" must lie between {least} and {most}")),
        })
    }

    fn raw(&self, name: String, bytes: &[u8], origin: &str) -> Result<Arc<dyn KeyWrap>, Diagnostic> {
        let key = RawKey::parse(name, bytes).map_err(|e| self.problem(&format!("{origin}: {e}")))?;
        Ok(Arc::new(key))
    }

    fn text(&self, name: &str) -> Result<Option<String>, Diagnostic> {
        let Some(attribute) = self.part.body.attribute(name) else { return Ok(None) };
        let value = attribute.value.eval(&self.layer.early).map_err(|problems| first(problems, name))?;
        match value.unmark_deep().0 {
            Value::Null(_) => Ok(None),
            Value::String(text) => Ok(Some(text.to_string())),
            Value::Number(n) => Ok(Some(crate::model::value_json::number_to_json(&n).to_string())),
            _ => Err(self.problem(&format!("\"{name}\" must be a string"))),
        }
    }

    fn required(&self, name: &str) -> Result<String, Diagnostic> {
        self.text(name)?.filter(|t| !t.is_empty()).ok_or_else(|| self.problem(&format!("\"{name}\" is missing")))
    }

    fn problem(&self, what: &str) -> Diagnostic {
        let (ty, name) = &self.part.name;
        let given = self.part.body.attributes.iter().filter_map(|a| a.value.eval(&self.layer.early).ok());
        Veil::of(&given.collect::<Vec<_>>())
            .diagnostic(Diagnostic::error(format!("{what} (key provider \"{ty}\" \"{name}\")")))
    }
}

fn first(problems: Diagnostics, name: &str) -> Diagnostic {
    let why = problems.iter().next().map(|p| p.summary.clone()).unwrap_or_default();
    Diagnostic::error(format!("\"{name}\" of the encryption cannot be read: {why}"))
}
