//! Reads Terraform's version 4 as a state.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use super::{OPAQUE, identity, json_text};
use crate::model::{Address, Key, Mode, ModulePath, ResourceAddress, Str, value_json};
use crate::state::{Output, Snapshot, Status, StoredInstance, StoredProvider, body, sensitive, snapshot};

/// Why a text is not a state that can be read. Texts never quote attribute values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TfstateError {
    #[error("the state is empty; give the text of a terraform.tfstate")]
    Empty,
    #[error(
        "the state ends in the middle, at line {line}: it was not written or copied to its end; use a complete copy"
    )]
    Truncated { line: usize },
    #[error("the state is not JSON (line {line}, column {column}); give the text of a terraform.tfstate")]
    NotJson { line: usize, column: usize },
    #[error("this is JSON, but not a state: it has no \"version\"; give the text of a terraform.tfstate")]
    NotState,
    #[error(
        "the state has format version {0}, which Terraform before 0.12 wrote; run \"terraform apply\" once with Terraform 0.13 to bring it to version 4"
    )]
    TooOld(u64),
    #[error("the state has format version {0}; only version 4 is known, a later terrane may know this one")]
    TooNew(u64),
    #[error("{place} of the state has no \"{field}\"")]
    Missing { place: String, field: &'static str },
    #[error("{place} of the state: {problem}")]
    Invalid { place: String, problem: String },
}

#[derive(Deserialize)]
struct Probe {
    version: Option<u64>,
}

#[derive(Deserialize)]
struct File<'a> {
    terraform_version: Option<Str>,
    serial: Option<u64>,
    lineage: Option<Str>,
    #[serde(default)]
    outputs: BTreeMap<Str, FileOutput>,
    #[serde(borrow)]
    resources: Option<Vec<FileResource<'a>>>,
    #[serde(borrow)]
    check_results: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct FileOutput {
    #[serde(default)]
    value: Json,
    #[serde(rename = "type")]
    ty: Option<Json>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    declared: bool,
}

#[derive(Deserialize)]
struct FileResource<'a> {
    #[serde(default)]
    module: String,
    mode: Option<String>,
    #[serde(rename = "type")]
    ty: Option<Str>,
    name: Option<Str>,
    provider: Option<String>,
    #[serde(borrow)]
    instances: Option<Vec<FileInstance<'a>>>,
}

#[derive(Deserialize)]
struct FileInstance<'a> {
    index_key: Option<Json>,
    status: Option<String>,
    deposed: Option<Str>,
    #[serde(default)]
    schema_version: u64,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    sensitive_attributes: Option<Json>,
    #[serde(default)]
    identity_schema_version: u64,
    #[serde(borrow)]
    identity: Option<&'a RawValue>,
    #[serde(borrow)]
    private: Option<Cow<'a, str>>,
    dependencies: Option<Vec<String>>,
    #[serde(default)]
    create_before_destroy: bool,
}

/// Reads the text of a `terraform.tfstate`. The ids of objects are taken from the attribute `id`.
pub fn import(text: &str) -> Result<Snapshot, TfstateError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(TfstateError::Empty);
    }
    check_version(text)?;
    let file: File = serde_json::from_str(text).map_err(|e| broken(&e))?;
    let missing = |field| TfstateError::Missing { place: "the top level".to_string(), field };
    let mut state = Snapshot::empty(file.lineage.filter(|l| !l.is_empty()).ok_or_else(|| missing("lineage"))?);
    state.serial = file.serial.ok_or_else(|| missing("serial"))?;
    state.terraform_version = file.terraform_version.unwrap_or_else(|| snapshot::TERRAFORM_VERSION.into());
    for (name, output) in file.outputs {
        let read = read_output(&name, output)?;
        state.outputs.insert(name, read);
    }
    let checks = file.check_results.map(RawValue::get).filter(|c| *c != "null");
    state.check_results = checks.map(|c| json_text::compact(c).into());
    let mut reading = Reading::default();
    for (i, resource) in file.resources.ok_or_else(|| missing("resources"))?.into_iter().enumerate() {
        reading.resource(i, resource)?;
    }
    Ok(state.with_rows(reading.rows))
}

fn check_version(text: &str) -> Result<(), TfstateError> {
    // A struct can also be read from an array, which no state is.
    if text.trim_start().starts_with('[') {
        return Err(
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_or_else(|e| broken(&e), |_| TfstateError::NotState)
        );
    }
    let probe: Probe = match serde_json::from_str(text) {
        Ok(probe) => probe,
        Err(e) if e.is_data() => return Err(TfstateError::NotState),
        Err(e) => return Err(broken(&e)),
    };
    match probe.version {
        None => Err(TfstateError::NotState),
        Some(4) => Ok(()),
        Some(old) if old < 4 => Err(TfstateError::TooOld(old)),
        Some(new) => Err(TfstateError::TooNew(new)),
    }
}

/// The error's own text could quote a secret; its place can't.
fn broken(error: &serde_json::Error) -> TfstateError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Eof => TfstateError::Truncated { line },
        serde_json::error::Category::Data => TfstateError::Invalid {
            place: format!("line {line}, column {column}"),
            problem: "the value is of another kind than the format has there".to_string(),
        },
        _ => TfstateError::NotJson { line, column },
    }
}

fn read_output(name: &str, output: FileOutput) -> Result<Output, TfstateError> {
    let place = || format!("the output \"{name}\"");
    let ty = output.ty.ok_or_else(|| TfstateError::Missing { place: place(), field: "type" })?;
    let invalid = |problem: String| TfstateError::Invalid { place: place(), problem };
    let ty = value_json::type_from_json(&ty).ok_or_else(|| invalid("its type cannot be read".to_string()))?;
    let value = body::decode(&output.value.to_string(), &ty).map_err(|e| invalid(e.to_string()))?;
    Ok(Output { value, sensitive: output.sensitive, declared: output.sensitive && output.declared })
}

/// Rows so far, and what they share.
#[derive(Default)]
struct Reading {
    rows: Vec<Arc<StoredInstance>>,
    seen: HashSet<(Address, Option<Str>)>,
    providers: HashMap<String, Arc<StoredProvider>>,
    dependencies: HashMap<Vec<String>, Arc<[ResourceAddress]>>,
    sensitive: HashMap<String, Arc<[crate::model::Path]>>,
}

impl Reading {
    fn resource(&mut self, i: usize, resource: FileResource<'_>) -> Result<(), TfstateError> {
        let place = || format!("resource {}", i + 1);
        let missing = |field| TfstateError::Missing { place: place(), field };
        let invalid = |problem: String| TfstateError::Invalid { place: place(), problem };
        let mode = match resource.mode.as_deref().ok_or_else(|| missing("mode"))? {
            "managed" => Mode::Managed,
            "data" => Mode::Data,
            other => return Err(invalid(format!("\"{other}\" is not a mode: it is \"managed\" or \"data\""))),
        };
        let address = ResourceAddress {
            module: ModulePath::parse(&resource.module).map_err(|e| invalid(e.to_string()))?,
            mode,
            ty: resource.ty.ok_or_else(|| missing("type"))?,
            name: resource.name.ok_or_else(|| missing("name"))?,
        };
        // Names that are no names would give a state that cannot be opened again.
        ResourceAddress::parse(&address.to_string()).map_err(|e| invalid(e.to_string()))?;
        let provider = self.provider(resource.provider.ok_or_else(|| missing("provider"))?).map_err(invalid)?;
        for instance in resource.instances.ok_or_else(|| missing("instances"))? {
            self.instance(&address, &provider, instance)?;
        }
        Ok(())
    }

    fn provider(&mut self, text: String) -> Result<Arc<StoredProvider>, String> {
        if let Some(known) = self.providers.get(&text) {
            return Ok(known.clone());
        }
        let provider = Arc::new(StoredProvider::parse(&text).map_err(|e| e.to_string())?);
        self.providers.insert(text, provider.clone());
        Ok(provider)
    }

    fn instance(
        &mut self,
        resource: &ResourceAddress,
        provider: &Arc<StoredProvider>,
        instance: FileInstance<'_>,
    ) -> Result<(), TfstateError> {
        let of_resource = |problem: &str| TfstateError::Invalid {
            place: format!("the resource \"{resource}\""),
            problem: problem.to_string(),
        };
        let key = match &instance.index_key {
            None | Some(Json::Null) => None,
            Some(Json::String(name)) => Some(Key::Name(name.as_str().into())),
            Some(n) => {
                let index = n.as_u64().ok_or_else(|| of_resource("an index_key is neither a text nor a number"))?;
                Some(Key::Index(index))
            }
        };
        let address = resource.instance(key);
        let invalid = |problem: String| TfstateError::Invalid { place: format!("the instance \"{address}\""), problem };
        let deposed = instance.deposed.filter(|d| !d.is_empty());
        if !self.seen.insert((address.clone(), deposed.clone())) {
            return Err(invalid("it stands there twice".to_string()));
        }
        let attributes = instance.attributes.map(RawValue::get).unwrap_or("null");
        let Ok(IdOnly { id }) = serde_json::from_str(attributes) else {
            let missing = "it has no \"attributes\" object; Terraform 0.13 or later writes one with its next apply";
            return Err(invalid(missing.to_string()));
        };
        let status = match instance.status.as_deref() {
            None | Some("") => Status::Ok,
            Some("tainted") => Status::Tainted,
            Some(other) => return Err(invalid(format!("its status \"{other}\" is not known"))),
        };
        let private = instance.private.map(|p| read_private(&p)).transpose().map_err(&invalid)?.flatten();
        let private = identity::joined(private, instance.identity, instance.identity_schema_version);
        let dependencies = self.dependency_set(instance.dependencies.unwrap_or_default()).map_err(&invalid)?;
        let sensitive = self.sensitive_paths(instance.sensitive_attributes).map_err(&invalid)?;
        self.rows.push(Arc::new(StoredInstance {
            deposed,
            provider: provider.clone(),
            schema_version: instance.schema_version,
            remote_id: id.as_ref().and_then(Json::as_str).map(Str::from).filter(|_| resource.mode == Mode::Managed),
            attributes: json_text::compact(attributes).into(),
            sensitive,
            dependencies,
            status,
            create_before_destroy: instance.create_before_destroy,
            private: private.map(Into::into),
            created: 0,
            updated: 0,
            address,
        }));
        Ok(())
    }

    /// Terraform 0.12 named instances and modules with keys; what counts is the resource.
    fn dependency_set(&mut self, names: Vec<String>) -> Result<Arc<[ResourceAddress]>, String> {
        if let Some(known) = self.dependencies.get(&names) {
            return Ok(known.clone());
        }
        let mut set = std::collections::BTreeSet::new();
        for name in &names {
            set.insert(Address::parse(name).map_err(|e| e.to_string())?.resource);
        }
        let set: Arc<[_]> = set.into_iter().collect();
        self.dependencies.insert(names, set.clone());
        Ok(set)
    }

    fn sensitive_paths(&mut self, json: Option<Json>) -> Result<Arc<[crate::model::Path]>, String> {
        let json = json.filter(|j| !j.is_null()).unwrap_or_else(|| json!([]));
        let text = json.to_string();
        if let Some(known) = self.sensitive.get(&text) {
            return Ok(known.clone());
        }
        let paths = sensitive::paths_from_json(&json).ok_or("its \"sensitive_attributes\" cannot be read")?;
        let paths: Arc<[_]> = paths.into();
        self.sensitive.insert(text, paths.clone());
        Ok(paths)
    }
}

#[derive(Deserialize)]
struct IdOnly {
    #[serde(default)]
    id: Option<Json>,
}

/// A provider's bytes as JSON, or wrapped where they are none: exporting gives the same bytes either way.
fn read_private(base64: &str) -> Result<Option<String>, String> {
    if base64.is_empty() {
        return Ok(None);
    }
    let bytes = STANDARD.decode(base64).map_err(|_| "its \"private\" is not base64".to_string())?;
    match String::from_utf8(bytes) {
        Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => Ok(Some(text)),
        _ => Ok(Some(json!({ OPAQUE: base64 }).to_string())),
    }
}
