//! The file of a saved plan: the changes and steps of the plan with all that is shown of it, and what it was made from:
//! the sources, the state, the inputs and the answers.
//!
//! `show FILE` reads the first part alone. `apply FILE` carries out its steps; the second part brings back the values that
//! evaluating what was unknown goes on with. The file is JSON, compressed with gzip, behind a line that says what it is;
//! and sealed as a whole where plans are encrypted.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

use super::record::Record;
use crate::model::value_json::{from_json_typed, to_json, type_from_json, type_to_json};
use crate::model::{Address, Diagnostic, ModulePath, Str, Value};
use crate::plan::ephemeral::blank;
use crate::plan::outside::{Answer, Imported, Refreshed};
use crate::plan::{Options, PlanMode};
use crate::spec::module::Target;
use crate::state::private_file;
use crate::state::seal::Encryption;
use crate::state::seal::envelope::{self, EnvelopeError};
use crate::state::{Snapshot, tfstate};

/// What saved plans begin with; the number of the format follows, and ends the line.
const BEGIN: &[u8] = b"terrane plan ";
const FORMAT: u32 = 2;
/// What a sealed plan is bound to.
const KIND: &str = "plan";
/// Larger than any plan; a bound for what is unpacked.
const MAX_BYTES: u64 = 4 << 30;

/// What a plan file holds.
#[derive(Debug)]
pub struct PlanFile {
    pub terrane_version: String,
    /// The plan itself, as [`super::saved_steps`] writes it.
    pub plan: Json,
    /// The state that it was made from.
    pub snapshot: Snapshot,
    /// The root folder as it was given when the plan was made.
    pub root: String,
    pub sources: Vec<(String, Str)>,
    pub record: Record,
    /// RFC 3339.
    pub made_at: String,
    pub sandbox: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    #[error("cannot use the plan file \"{path}\"")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("\"{path}\" is not a saved plan{}", what.map(|what| format!(": {what}")).unwrap_or_default())]
    NotAPlan { path: PathBuf, what: Option<&'static str> },
    #[error("the saved plan \"{path}\" has format {found}, this terrane knows format {FORMAT}")]
    OtherFormat { path: PathBuf, found: u32 },
    #[error("the saved plan \"{path}\": {source}")]
    Sealed { path: PathBuf, source: EnvelopeError },
    #[error("the saved plan \"{path}\" is damaged: {detail}")]
    Damaged { path: PathBuf, detail: String },
}

/// Whether a file looks like a saved plan.
pub fn is_plan(path: &Path) -> bool {
    let start = start_of(path);
    envelope::is_sealed(&start) || format_of(&start).is_some()
}

fn start_of(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    // What cannot be read is told when it is to be read as a whole.
    let _read = std::fs::File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    start
}

/// The number of the format, and what follows its line; nothing where it is no plan.
fn format_of(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut lines = bytes.strip_prefix(BEGIN)?.splitn(2, |byte| *byte == b'\n');
    let (number, rest) = (lines.next()?, lines.next()?);
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

/// Whether a file is sealed, so that its key is needed to read it.
pub fn is_sealed(path: &Path) -> bool {
    envelope::is_sealed(&start_of(path))
}

/// Writes the file whole or not at all.
pub fn write(path: &Path, file: &PlanFile, encryption: &Encryption) -> Result<(), PlanFileError> {
    let io = |source| PlanFileError::Io { path: path.to_path_buf(), source };
    let mut packed = GzEncoder::new([BEGIN, format!("{FORMAT}\n").as_bytes()].concat(), Compression::fast());
    packed.write_all(encode(file).to_string().as_bytes()).map_err(io)?;
    let bytes = packed.finish().map_err(io)?;
    let sealed = |source| PlanFileError::Sealed { path: path.to_path_buf(), source };
    let bytes = envelope::seal(encryption, KIND, "", bytes).map_err(sealed)?;
    // Plans hold what the state holds: nobody else may read them.
    private_file::write(path, &bytes).map_err(io)
}

/// Reads a saved plan. A plain one is read whatever the encryption: it says itself from which configuration it comes.
pub fn read(path: &Path, encryption: &Encryption) -> Result<PlanFile, PlanFileError> {
    let mut bytes = std::fs::read(path).map_err(|source| PlanFileError::Io { path: path.to_path_buf(), source })?;
    if envelope::is_sealed(&bytes) {
        let sealed = |source| PlanFileError::Sealed { path: path.to_path_buf(), source };
        bytes = envelope::open(encryption, KIND, "", bytes).map_err(sealed)?;
    }
    let damaged = |detail: String| PlanFileError::Damaged { path: path.to_path_buf(), detail };
    let packed = match format_of(&bytes) {
        Some((FORMAT, packed)) => packed,
        Some((found, _)) => return Err(PlanFileError::OtherFormat { path: path.to_path_buf(), found }),
        None if !bytes.is_empty() && begins_like_a_plan(&bytes) => {
            return Err(damaged("it ends in the middle".to_string()));
        }
        None => return Err(PlanFileError::NotAPlan { path: path.to_path_buf(), what: instead(&bytes) }),
    };
    let mut text = String::new();
    GzDecoder::new(packed).take(MAX_BYTES).read_to_string(&mut text).map_err(|e| damaged(e.to_string()))?;
    let json: Json = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    decode(&json).ok_or_else(|| damaged("a part of it is missing".to_string()))
}

/// Whether so little is there of a plan that not even its first line is whole.
fn begins_like_a_plan(bytes: &[u8]) -> bool {
    BEGIN.starts_with(bytes) || bytes == BEGIN || envelope::MAGIC.starts_with(bytes)
}

/// What a file is that is no plan, where that is known.
fn instead(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("the file is empty"),
        [b'P', b'K', 3, 4, ..] => Some("it is a zip archive, as the plans of Terraform are"),
        _ => None,
    }
}

fn encode(file: &PlanFile) -> Json {
    let options = &file.record.options;
    json!({
        "terrane_version": file.terrane_version,
        "plan": file.plan,
        "lineage": &*file.snapshot.lineage,
        "state": (file.snapshot.serial > 0).then(|| tfstate::export(&file.snapshot)),
        "root": file.root,
        "made_at": file.made_at,
        "sandbox": file.sandbox,
        "sources": file.sources.iter().map(|(path, text)| json!([path, &**text])).collect::<Vec<_>>(),
        "mode": mode_word(options.mode),
        "refresh": options.refresh,
        "targets": options.targets.iter().map(target_text).collect::<Vec<_>>(),
        "excludes": options.excludes.iter().map(target_text).collect::<Vec<_>>(),
        "replace": options.replace.iter().map(Address::to_string).collect::<Vec<_>>(),
        "defer": options.defer,
        "generated": options.generated.iter().map(|(a, t)| json!([a.to_string(), &**t])).collect::<Vec<_>>(),
        "workspace": &*options.workspace,
        "cwd": &*options.cwd,
        "inputs": inputs_json(options.inputs.iter()),
        "withheld": options.withheld.iter().map(|n| &**n).collect::<Vec<_>>(),
        "answers": file.record.batches.iter().map(|b| b.iter().map(answer_json).collect()).collect::<Vec<Json>>(),
    })
}

fn decode(json: &Json) -> Option<PlanFile> {
    let text = |name: &str| json.get(name)?.as_str().map(str::to_string);
    let list = |name: &str| json.get(name)?.as_array();
    let texts = |name: &str| list(name)?.iter().map(Json::as_str).collect::<Option<Vec<_>>>();
    let targets = |name: &str| texts(name)?.into_iter().map(target).collect::<Option<Vec<_>>>();
    let generated = |pair: &Json| Some((Address::parse(pair.get(0)?.as_str()?).ok()?, pair.get(1)?.as_str()?.into()));
    let options = Options {
        mode: mode(&text("mode")?)?,
        refresh: json.get("refresh")?.as_bool()?,
        targets: targets("targets")?,
        excludes: targets("excludes")?,
        replace: texts("replace")?.into_iter().map(|t| Address::parse(t).ok()).collect::<Option<_>>()?,
        withheld: texts("withheld")?.into_iter().map(Str::from).collect(),
        defer: json.get("defer")?.as_bool()?,
        generated: list("generated")?.iter().map(generated).collect::<Option<_>>()?,
        inputs: inputs_from_json(json.get("inputs")?)?,
        workspace: text("workspace")?.into(),
        cwd: text("cwd")?.into(),
        ..Options::default()
    };
    let source = |pair: &Json| Some((pair.get(0)?.as_str()?.to_string(), pair.get(1)?.as_str()?.into()));
    let batch = |b: &Json| b.as_array()?.iter().map(answer).collect::<Option<Vec<_>>>();
    Some(PlanFile {
        terrane_version: text("terrane_version")?,
        plan: json.get("plan")?.clone(),
        snapshot: match json.get("state")? {
            Json::Null => Snapshot::empty(text("lineage")?),
            state => tfstate::import(state.as_str()?).ok()?,
        },
        root: text("root")?,
        made_at: text("made_at")?,
        sandbox: json.get("sandbox")?.as_bool()?,
        sources: list("sources")?.iter().map(source).collect::<Option<_>>()?,
        record: Record { options, batches: list("answers")?.iter().map(batch).collect::<Option<_>>()? },
    })
}

/// Values of root variables with their types.
pub fn inputs_json<'i>(inputs: impl Iterator<Item = (&'i Str, &'i Value)>) -> Json {
    Json::Object(inputs.map(|(name, value)| (name.to_string(), typed(value))).collect())
}

/// Reads what [`inputs_json`] writes.
pub fn inputs_from_json(json: &Json) -> Option<HashMap<Str, Value>> {
    json.as_object()?.iter().map(|(name, value)| Some((name.as_str().into(), untyped(value)?))).collect()
}

fn typed(value: &Value) -> Json {
    json!([type_to_json(&value.ty()), to_json(value)])
}

fn untyped(json: &Json) -> Option<Value> {
    from_json_typed(json.get(1)?, &type_from_json(json.get(0)?)?).ok()
}

fn answer_json(answer: &Answer) -> Json {
    match answer {
        Answer::Refreshed(objects) => json!({"refreshed": objects.iter().map(refreshed_json).collect::<Vec<_>>()}),
        Answer::Data(Ok(value)) => json!({"data": typed(value)}),
        Answer::Imported(Ok(found)) => json!({"imported": [&*found.remote_id, typed(&found.object)]}),
        // Nothing ephemeral is written: what stands for it has its form and no more.
        Answer::Opened(Ok(value)) => json!({"opened": typed(&blank(value))}),
        Answer::Opened(Err(problem)) => json!({"open_failed": problem.summary}),
        Answer::Data(Err(problem)) => json!({"data_failed": problem.summary}),
        Answer::Imported(Err(problem)) => json!({"import_failed": problem.summary}),
    }
}

fn refreshed_json(refreshed: &Refreshed) -> Json {
    match refreshed {
        Refreshed::Found { object } => typed(object),
        Refreshed::Gone => Json::Null,
        Refreshed::Failed(problem) => json!(problem.summary),
    }
}

fn answer(json: &Json) -> Option<Answer> {
    let (name, value) = json.as_object()?.iter().next()?;
    let failed = || Some(Diagnostic::error(value.as_str()?));
    Some(match name.as_str() {
        "refreshed" => Answer::Refreshed(value.as_array()?.iter().map(refreshed).collect::<Option<_>>()?),
        "data" => Answer::Data(Ok(untyped(value)?)),
        "imported" => {
            let (remote_id, object) = (value.get(0)?.as_str()?.into(), untyped(value.get(1)?)?);
            Answer::Imported(Ok(Imported { remote_id, object }))
        }
        "opened" => Answer::Opened(Ok(untyped(value)?)),
        "open_failed" => Answer::Opened(Err(failed()?)),
        "data_failed" => Answer::Data(Err(failed()?)),
        "import_failed" => Answer::Imported(Err(failed()?)),
        _ => return None,
    })
}

fn refreshed(json: &Json) -> Option<Refreshed> {
    Some(match json {
        Json::Null => Refreshed::Gone,
        Json::String(problem) => Refreshed::Failed(Diagnostic::error(problem.as_str())),
        object => Refreshed::Found { object: untyped(object)? },
    })
}

pub(super) fn mode_word(mode: PlanMode) -> &'static str {
    match mode {
        PlanMode::Normal => "normal",
        PlanMode::RefreshOnly => "refresh-only",
        PlanMode::Destroy => "destroy",
    }
}

pub(super) fn mode(word: &str) -> Option<PlanMode> {
    [PlanMode::Normal, PlanMode::RefreshOnly, PlanMode::Destroy].into_iter().find(|m| mode_word(*m) == word)
}

fn target_text(target: &Target) -> String {
    match target {
        Target::Module(path) => path.to_string(),
        Target::Resource(address) => address.to_string(),
    }
}

/// Reads what `-target` takes: a module or a resource, with or without instance keys.
pub fn target(text: &str) -> Option<Target> {
    let resource = Address::parse(text).ok().map(Target::Resource);
    resource.or_else(|| ModulePath::parse(text).ok().filter(|p| !p.is_root()).map(Target::Module))
}
