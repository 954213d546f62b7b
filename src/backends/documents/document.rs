//! The state's document: Terraform's format 4, with a member of ours that Terraform passes over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::inside::Carried;
use super::segment::Call;
use super::working::Working;
use crate::state::{Intent, tfstate};

/// What the document says besides the state.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Ours {
    /// The segments up to this number are in the document.
    #[serde(default)]
    pub folded: u64,
    /// The last commit that is in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The highest fencing token that it was written under.
    #[serde(default)]
    pub token: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<Call>,
    /// Earlier generations, where they have no documents of their own.
    #[serde(default, skip_serializing_if = "Carried::is_empty")]
    pub carried: Carried,
}

#[derive(Deserialize)]
struct WithOurs {
    #[serde(default)]
    terrane: Option<Ours>,
}

/// A document that was read.
pub struct Opened {
    pub working: Working,
    pub ours: Ours,
}

/// What stands between the state and our member, which begins with the checksum of all else.
const MEMBER: &str = ",\n  \"terrane\": {\"sum\":\"";

/// The text of a document. The open calls are those of the state.
pub fn encode(working: &Working, ours: Ours) -> String {
    let text = tfstate::export(&working.snapshot());
    let intents = working.intents().iter().map(Call::of).collect();
    let (Some(head), Ok(member)) =
        (text.trim_end().strip_suffix('}'), serde_json::to_string(&Ours { intents, ..ours }))
    else {
        return text;
    };
    let (head, rest) = (head.trim_end(), format!("{}\n}}\n", member.trim_start_matches('{')));
    format!("{head}{MEMBER}{}\",{rest}", sum(head, &rest))
}

fn sum(head: &str, rest: &str) -> String {
    hex::encode(Sha256::new().chain_update(head).chain_update([0]).chain_update(rest).finalize())
}

/// Reads a document, of ours or of Terraform's; the error says what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Opened, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_string())?;
    // Who spells the document otherwise, as some servers do, has no use for the checksum.
    if let Some((head, (written, rest))) = text.rsplit_once(MEMBER).and_then(|(h, m)| Some((h, m.split_once("\",")?)))
        && sum(head, rest) != written
    {
        return Err("its checksum is wrong".to_string());
    }
    // Its advice is for files that somebody gives.
    let what = |e: tfstate::TfstateError| e.to_string().split("; ").next().unwrap_or_default().to_string();
    let snapshot = tfstate::import(text).map_err(what)?;
    if lost_its_name(text) {
        return Err("the part of it that is Terrane's has another name than was written".to_string());
    }
    let place = |e: serde_json::Error| format!("line {}, column {} cannot be read", e.line(), e.column());
    let ours = serde_json::from_str::<WithOurs>(text).map_err(place)?.terrane.unwrap_or_default();
    let intents = ours.intents.iter().cloned().map(Call::intent).collect::<Result<Vec<Intent>, String>>()?;
    Ok(Opened { working: Working::of(&snapshot, intents), ours })
}

/// Whether our member, or the checksum in it, is there under another name: without this, a document in which that name
/// changed would be taken for one of Terraform's.
fn lost_its_name(text: &str) -> bool {
    let Ok(members) = serde_json::from_str::<BTreeMap<&str, &RawValue>>(text) else { return false };
    let is_sum = |value: &RawValue| {
        let text = value.get().trim_matches('"');
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    members.iter().filter(|(_, value)| value.get().starts_with('{')).any(|(name, value)| {
        let fields: BTreeMap<&str, &RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        let ours = fields.contains_key("folded") || fields.contains_key("sum");
        ours && (*name != "terrane" || fields.iter().any(|(name, value)| *name != "sum" && is_sum(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_changed_is_noticed() {
        let ours = Ours { folded: 3, last: Some("x".to_string()), token: 7, ..Ours::default() };
        let text = encode(&Working::fresh(), ours);
        let read = decode(text.as_bytes()).unwrap();
        assert_eq!((read.ours.folded, read.ours.last.as_deref(), read.ours.token), (3, Some("x"), 7));
        for (good, bad) in [("\"folded\":3", "\"folded\":4"), ("\"serial\": 0", "\"serial\": 8")] {
            assert!(text.contains(good), "{text}");
            let error = decode(text.replace(good, bad).as_bytes()).err();
            assert_eq!(error.as_deref(), Some("its checksum is wrong"));
        }
        let respelt: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(decode(respelt.to_string().as_bytes()).unwrap().ours.folded, 3);
    }
}
