//! A segment: the commits of one moment as JSON, small enough to be written beside a large state.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::summed;
use crate::model::{Address, ResourceAddress, Str, value_json};
use crate::state::{
    Change, Intent, IntentOperation, Output, RowKey, Status, StoredInstance, StoredProvider, body, sensitive,
};

/// Commits, and what they were made on.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Tells this writing from another one of the same content.
    pub id: String,
    pub lineage: Str,
    /// The fencing token of the lock that it was written under; 0 where that is not known.
    pub token: u64,
    /// The serial of the document that the segments since stand on.
    pub base: u64,
    /// The serial after the changes.
    pub serial: u64,
    pub changes: Vec<Change>,
}

#[derive(Serialize, Deserialize)]
struct File {
    id: String,
    lineage: String,
    #[serde(default)]
    token: u64,
    base: u64,
    serial: u64,
    changes: Vec<Entry>,
}

/// A change as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Put(Row),
    Remove {
        address: String,
        #[serde(default)]
        deposed: Option<String>,
    },
    Begin(Call),
    End(String),
    Outputs(BTreeMap<String, Out>),
    Checks(Option<String>),
    Output(String, Option<Out>),
    Spend,
}

#[derive(Serialize, Deserialize)]
struct Row {
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    provider: String,
    schema_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    attributes: String,
    #[serde(default, skip_serializing_if = "Json::is_null")]
    sensitive: Json,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    tainted: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    create_before_destroy: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private: Option<String>,
    created: u64,
    updated: u64,
}

/// A call that is under way, as segments and documents hold it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Call {
    key: String,
    plan: String,
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    operation: String,
    provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    desired: Option<String>,
    began: String,
}

#[derive(Serialize, Deserialize)]
struct Out {
    value: Json,
    #[serde(rename = "type")]
    ty: Json,
    #[serde(default)]
    sensitive: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    declared: bool,
}

impl Segment {
    /// The same segment gives the same bytes.
    pub fn encode(&self) -> Vec<u8> {
        let file = File {
            id: self.id.clone(),
            lineage: self.lineage.to_string(),
            token: self.token,
            base: self.base,
            serial: self.serial,
            changes: self.changes.iter().filter_map(entry).collect(),
        };
        // Maps with text keys and plain values: there is nothing in it that JSON can't hold.
        summed::with_sum(serde_json::to_vec(&file).unwrap_or_default())
    }

    /// Reads what [`Segment::encode`] writes; the error says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Segment, String> {
        let text = summed::checked(bytes)?;
        // The parser's own text could quote a secret.
        let file: File = serde_json::from_slice(text)
            .map_err(|e| format!("line {}, column {} is not what a segment has there", e.line(), e.column()))?;
        Ok(Segment {
            id: file.id,
            lineage: file.lineage.into(),
            token: file.token,
            base: file.base,
            serial: file.serial,
            changes: file.changes.into_iter().map(change).collect::<Result<_, _>>()?,
        })
    }
}

/// A row as JSON text, for stores that keep rows.
pub fn row_text(row: &StoredInstance) -> String {
    serde_json::to_string(&write_row(row)).unwrap_or_default()
}

/// Reads what [`row_text`] writes.
pub fn row_of(text: &str) -> Result<StoredInstance, String> {
    read_row(parsed(text)?)
}

/// An output as JSON text.
pub fn output_text(output: &Output) -> String {
    serde_json::to_string(&write_output(output)).unwrap_or_default()
}

/// Reads what [`output_text`] writes.
pub fn output_of(text: &str) -> Result<Output, String> {
    read_output(parsed(text)?)
}

/// A call that is under way as JSON text.
pub fn intent_text(intent: &Intent) -> String {
    serde_json::to_string(&Call::of(intent)).unwrap_or_default()
}

/// Reads what [`intent_text`] writes.
pub fn intent_of(text: &str) -> Result<Intent, String> {
    parsed::<Call>(text)?.intent()
}

/// The parser's own text could quote a secret; its place can't.
fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|e| format!("line {}, column {} cannot be read", e.line(), e.column()))
}

fn entry(change: &Change) -> Option<Entry> {
    Some(match change {
        Change::Put(row) => Entry::Put(write_row(row)),
        Change::Remove(key) => {
            Entry::Remove { address: key.address.to_string(), deposed: key.deposed.as_deref().map(String::from) }
        }
        Change::Begin(intent) => Entry::Begin(Call::of(intent)),
        Change::End(key) => Entry::End(key.to_string()),
        Change::Outputs(outputs) => {
            Entry::Outputs(outputs.iter().map(|(n, o)| (n.to_string(), write_output(o))).collect())
        }
        Change::CheckResults(results) => Entry::Checks(results.as_deref().map(String::from)),
        Change::Output(name, output) => Entry::Output(name.to_string(), output.as_ref().map(write_output)),
        Change::Spend => Entry::Spend,
        // The serial stands in the segment's head; a whole state is never a segment.
        Change::BumpSerial | Change::Describe(_) | Change::Replace(_) => return None,
    })
}

fn change(entry: Entry) -> Result<Change, String> {
    Ok(match entry {
        Entry::Put(row) => Change::Put(Arc::new(read_row(row)?)),
        Entry::Remove { address, deposed } => {
            Change::Remove(RowKey { address: parse(&address)?, deposed: deposed.map(Into::into) })
        }
        Entry::Begin(call) => Change::Begin(call.intent()?),
        Entry::End(key) => Change::End(key.into()),
        Entry::Outputs(outputs) => {
            let read = |(name, out): (String, Out)| Ok((Str::from(name), read_output(out)?));
            Change::Outputs(outputs.into_iter().map(read).collect::<Result<_, String>>()?)
        }
        Entry::Checks(results) => Change::CheckResults(results.map(Into::into)),
        Entry::Output(name, out) => Change::Output(name.into(), out.map(read_output).transpose()?),
        Entry::Spend => Change::Spend,
    })
}

fn write_row(row: &StoredInstance) -> Row {
    Row {
        address: row.address.to_string(),
        deposed: row.deposed.as_deref().map(String::from),
        provider: row.provider.to_string(),
        schema_version: row.schema_version,
        remote_id: row.remote_id.as_deref().map(String::from),
        attributes: row.attributes.to_string(),
        sensitive: if row.sensitive.is_empty() { Json::Null } else { sensitive::paths_to_json(&row.sensitive) },
        dependencies: row.dependencies.iter().map(ToString::to_string).collect(),
        tainted: row.status == Status::Tainted,
        create_before_destroy: row.create_before_destroy,
        private: row.private.as_deref().map(String::from),
        created: row.created,
        updated: row.updated,
    }
}

fn read_row(row: Row) -> Result<StoredInstance, String> {
    let resource = |text: &String| ResourceAddress::parse(text).map_err(|e| e.to_string());
    let paths = match &row.sensitive {
        Json::Null => Vec::new(),
        json => sensitive::paths_from_json(json).ok_or("a list of sensitive paths cannot be read")?,
    };
    Ok(StoredInstance {
        address: parse(&row.address)?,
        deposed: row.deposed.map(Into::into),
        provider: provider(&row.provider)?,
        schema_version: row.schema_version,
        remote_id: row.remote_id.map(Into::into),
        attributes: row.attributes.into(),
        sensitive: paths.into(),
        dependencies: row.dependencies.iter().map(resource).collect::<Result<_, _>>()?,
        status: if row.tainted { Status::Tainted } else { Status::Ok },
        create_before_destroy: row.create_before_destroy,
        private: row.private.map(Into::into),
        created: row.created,
        updated: row.updated,
    })
}

fn write_output(output: &Output) -> Out {
    let ty = output.value.ty();
    let value = serde_json::from_str(&body::encode(&output.value, &ty)).unwrap_or_default();
    Out { value, ty: value_json::type_to_json(&ty), sensitive: output.sensitive, declared: output.declared }
}

fn read_output(out: Out) -> Result<Output, String> {
    let ty = value_json::type_from_json(&out.ty).ok_or("the type of an output cannot be read")?;
    let value = body::decode(&out.value.to_string(), &ty).map_err(|e| e.to_string())?;
    Ok(Output { value, sensitive: out.sensitive, declared: out.declared })
}

fn parse(address: &str) -> Result<Address, String> {
    Address::parse(address).map_err(|e| e.to_string())
}

fn provider(text: &str) -> Result<Arc<StoredProvider>, String> {
    StoredProvider::parse(text).map(Arc::new).map_err(|e| e.to_string())
}

impl Call {
    pub fn of(intent: &Intent) -> Call {
        Call {
            key: intent.key.to_string(),
            plan: intent.plan.to_string(),
            address: intent.address.to_string(),
            deposed: intent.deposed.as_deref().map(String::from),
            operation: intent.operation.word().to_string(),
            provider: intent.provider.to_string(),
            remote_id: intent.remote_id.as_deref().map(String::from),
            desired: intent.desired.as_deref().map(String::from),
            began: intent.began.format(&Rfc3339).unwrap_or_default(),
        }
    }

    pub fn intent(self) -> Result<Intent, String> {
        Ok(Intent {
            key: self.key.into(),
            plan: self.plan.into(),
            address: parse(&self.address)?,
            deposed: self.deposed.map(Into::into),
            operation: IntentOperation::from_word(&self.operation).ok_or("an operation is not known")?,
            provider: provider(&self.provider)?,
            remote_id: self.remote_id.map(Into::into),
            desired: self.desired.map(Into::into),
            began: OffsetDateTime::parse(&self.began, &Rfc3339).map_err(|e| e.to_string())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_that_changed_is_noticed() {
        let changes = vec![Change::End("a-key".into())];
        let segment = Segment { id: "x".to_string(), lineage: "l".into(), token: 7, base: 1, serial: 2, changes };
        let bytes = segment.encode();
        let read = Segment::decode(&bytes).unwrap();
        assert_eq!((read.token, read.encode()), (7, bytes.clone()));
        let changed = String::from_utf8(bytes).unwrap().replace("a-key", "b-key");
        assert_eq!(Segment::decode(changed.as_bytes()).err().as_deref(), Some("its checksum is wrong"));
    }
}
