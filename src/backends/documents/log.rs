//! Document and segments together: reading them as one state, adding a segment, folding segments into the document.

use bytes::Bytes;

use super::segment::Segment;
use super::working::Working;
use super::{Documents, Name, Version, When, document};
use crate::state::StateError;

/// How often reading begins anew because somebody folded segments meanwhile.
const ATTEMPTS: usize = 8;

/// Where document and segments stood.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The version of the document; nothing while there is none.
    pub version: Option<Version>,
    /// The serial of the document, which segments name as their base.
    pub base: u64,
    /// The document holds the segments up to this one.
    pub folded: u64,
    /// The last segment there is.
    pub tail: u64,
    /// The size of the document and of the segments that it does not hold, in bytes.
    pub document_size: usize,
    pub segments_size: usize,
    /// Whether this store can keep segments.
    pub segments: bool,
    /// Whether the document or a segment is sealed otherwise than it is to be.
    pub sealing_is_due: bool,
}

impl Seen {
    /// Whether there is a state at all.
    pub fn is_there(&self) -> bool {
        self.version.is_some() || self.tail > 0
    }

    fn when(&self) -> When {
        self.version.clone().map_or(When::Absent, When::Unchanged)
    }
}

/// Reads the state: the document, and the segments that it does not hold yet.
pub async fn load(documents: &dyn Documents) -> Result<(Working, Seen), StateError> {
    for _ in 0..ATTEMPTS {
        if let Some(loaded) = try_load(documents).await? {
            return Ok(loaded);
        }
    }
    let (place, detail) = (documents.place().to_string(), "its journal changes faster than it can be read".to_string());
    Err(StateError::Unreachable { place, detail })
}

/// Nothing where a segment went away while it was read: it is in the document by now.
async fn try_load(documents: &dyn Documents) -> Result<Option<(Working, Seen)>, StateError> {
    // Before the document: whatever is folded in between is then in the document that is read.
    let numbers = documents.segments().await?;
    let mut seen = Seen { segments: numbers.is_some(), ..Seen::default() };
    let mut working = match documents.get(Name::State).await? {
        None => Working::fresh(),
        Some(fetched) => {
            let opened = document::decode(&fetched.body).map_err(|detail| damaged(documents, &detail))?;
            seen.version = Some(fetched.version);
            seen.document_size = fetched.body.len();
            seen.sealing_is_due = fetched.sealing_is_due;
            (seen.base, seen.folded) = (opened.working.serial(), opened.folded);
            opened.working
        }
    };
    seen.tail = seen.folded;
    for number in numbers.into_iter().flatten().filter(|n| *n > seen.folded) {
        let Some(fetched) = documents.get(Name::Segment(number)).await? else { return Ok(None) };
        let named = |detail: String| damaged(documents, &format!("segment {number} of its journal: {detail}"));
        let segment = Segment::decode(&fetched.body).map_err(named)?;
        if seen.version.is_some() && (segment.base != seen.base || segment.lineage != *working.lineage()) {
            return Err(foreign(documents, number));
        }
        let serial = segment.serial;
        if seen.version.is_none() && seen.tail == 0 {
            working.set_lineage(segment.lineage);
        }
        working.replay(segment.changes, serial);
        seen.segments_size += fetched.body.len();
        seen.sealing_is_due |= fetched.sealing_is_due;
        seen.tail = number;
    }
    Ok(Some((working, seen)))
}

/// Adds a segment of this number. False where somebody else has written one.
pub async fn append(documents: &dyn Documents, seen: &mut Seen, number: u64, body: &[u8]) -> Result<bool, StateError> {
    let name = Name::Segment(number);
    let bytes = Bytes::copy_from_slice(body);
    if documents.put(name, bytes.clone(), &When::Absent).await?.is_none() {
        // The answer to our own first try may have been lost.
        let there = documents.get(name).await?;
        if there.is_none_or(|there| there.body != bytes) {
            return Ok(false);
        }
    }
    seen.tail = number;
    seen.segments_size += body.len();
    Ok(true)
}

/// Writes the whole state into the document, and removes the segments that it holds then.
pub async fn fold(documents: &dyn Documents, working: &Working, seen: &mut Seen) -> Result<(), StateError> {
    let text = Bytes::from(document::encode(working, seen.tail));
    let version = match documents.put(Name::State, text.clone(), &seen.when()).await? {
        Some(version) => version,
        None => match documents.get(Name::State).await? {
            Some(there) if there.body == text => there.version,
            _ => return Err(StateError::Conflict { place: documents.place().to_string(), kept: None }),
        },
    };
    let old = seen.folded;
    seen.version = Some(version);
    seen.base = working.serial();
    seen.folded = seen.tail;
    seen.document_size = text.len();
    seen.segments_size = 0;
    seen.sealing_is_due = false;
    // Oldest first: what is left of them after a crash is passed over, as the document says that it holds them.
    for number in old + 1..=seen.tail {
        if documents.delete(Name::Segment(number)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn damaged(documents: &dyn Documents, detail: &str) -> StateError {
    StateError::Damaged { path: documents.place().into(), detail: detail.to_string() }
}

fn foreign(documents: &dyn Documents, number: u64) -> StateError {
    let detail = format!(
        "another tool wrote the document while segment {number} of its journal was not part of it; \
         look at both, and delete the segments once their outcomes are in the state"
    );
    StateError::Refused { place: documents.place().to_string(), detail }
}
