//! The state's document: Terraform's format 4, with a member of ours that Terraform passes over.

use serde::{Deserialize, Serialize};

use super::segment::Call;
use super::working::Working;
use crate::state::{Intent, tfstate};

/// What the document says besides the state.
#[derive(Default, Serialize, Deserialize)]
struct Ours {
    /// The segments up to this number are in the document.
    #[serde(default)]
    folded: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    intents: Vec<Call>,
}

#[derive(Deserialize)]
struct WithOurs {
    #[serde(default)]
    terrane: Option<Ours>,
}

/// A document that was read.
pub struct Opened {
    pub working: Working,
    pub folded: u64,
}

/// The text of a document that holds the segments up to a number.
pub fn encode(working: &Working, folded: u64) -> String {
    let text = tfstate::export(&working.snapshot());
    let ours = Ours { folded, intents: working.intents().iter().map(Call::of).collect() };
    if ours.folded == 0 && ours.intents.is_empty() {
        return text;
    }
    let (Some(head), Ok(member)) = (text.trim_end().strip_suffix('}'), serde_json::to_string(&ours)) else {
        return text;
    };
    format!("{},\n  \"terrane\": {member}\n}}\n", head.trim_end())
}

/// Reads a document, of ours or of Terraform's; the error says what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Opened, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_string())?;
    let snapshot = tfstate::import(text).map_err(|e| e.to_string())?;
    let place = |e: serde_json::Error| format!("line {}, column {} cannot be read", e.line(), e.column());
    let ours = serde_json::from_str::<WithOurs>(text).map_err(place)?.terrane.unwrap_or_default();
    let intents = ours.intents.into_iter().map(Call::intent).collect::<Result<Vec<Intent>, String>>()?;
    Ok(Opened { working: Working::of(&snapshot, intents), folded: ours.folded })
}
