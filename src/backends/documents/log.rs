//! Document and segments together: reading them as one state, adding a segment, folding segments into the document.

use std::collections::HashSet;

use bytes::Bytes;

use super::document::Ours;
use super::inside::Carried;
use super::segment::Segment;
use super::working::Working;
use super::{Documents, Name, Version, When, document};
use crate::model::KillPoint;
use crate::state::StateError;

/// How often reading begins anew because somebody folded segments meanwhile.
const ATTEMPTS: usize = 8;

/// Where document and segments stood.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The commits that are known to be in it, by the ids of their segments.
    pub ids: HashSet<String>,
    /// The last of them.
    pub last: Option<String>,
    /// The highest fencing token that anything there was written under.
    pub token: u64,
    /// Segments that the document holds and that are there all the same.
    leftover: Vec<u64>,
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
    /// What the document carries of earlier generations.
    pub carried: Carried,
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
            (seen.base, seen.folded, seen.token) = (opened.working.serial(), opened.ours.folded, opened.ours.token);
            seen.carried = opened.ours.carried;
            seen.note(opened.ours.last);
            opened.working
        }
    };
    seen.tail = seen.folded;
    for number in numbers.into_iter().flatten() {
        if number <= seen.folded {
            seen.leftover.push(number);
            continue;
        }
        if number != seen.tail + 1 {
            return Err(damaged(documents, &format!("segment {} of its journal is missing", seen.tail + 1)));
        }
        let Some(fetched) = documents.get(Name::Segment(number)).await? else { return Ok(None) };
        let named = |detail: String| damaged(documents, &format!("segment {number} of its journal: {detail}"));
        let segment = Segment::decode(&fetched.body).map_err(named)?;
        seen.segments_size += fetched.body.len();
        seen.sealing_is_due |= fetched.sealing_is_due;
        let is_first = seen.version.is_none() && seen.tail == 0;
        seen.tail = number;
        if is_first {
            working.set_lineage(segment.lineage.clone());
        }
        if !seen.take(segment, &mut working) {
            return Err(foreign(documents, number));
        }
    }
    Ok(Some((working, seen)))
}

/// Adds a segment that was written under this fencing token. False where somebody else has written one since who holds
/// the lock now. One of a holder before, which was on its way when he lost the lock, is taken in.
pub async fn append(
    documents: &dyn Documents,
    (seen, working): (&mut Seen, &mut Working),
    token: u64,
    (id, body): (&str, &[u8]),
) -> Result<bool, StateError> {
    let bytes = Bytes::copy_from_slice(body);
    loop {
        let number = seen.tail + 1;
        let name = Name::Segment(number);
        if documents.put(name, bytes.clone(), &When::Absent).await?.is_none() {
            let there = documents.get(name).await?;
            // The answer to our own first try may have been lost.
            if there.as_ref().is_none_or(|there| there.body != bytes) {
                let late = there.and_then(|there| Segment::decode(&there.body).ok());
                let Some(late) = late.filter(|late| late.token > 0 && late.token < token) else { return Ok(false) };
                seen.tail = number;
                if !seen.take(late, working) {
                    return Ok(false);
                }
                continue;
            }
        }
        seen.tail = number;
        seen.token = token;
        seen.segments_size += body.len();
        seen.note(Some(id.to_string()));
        return Ok(true);
    }
}

impl Seen {
    /// What is the last commit now.
    pub fn note(&mut self, id: Option<String>) {
        self.ids.extend(id.clone());
        self.last = id;
    }

    /// Makes the changes of a segment that comes next. One of a holder who had lost the lock when it came is passed over.
    /// False where it stands on another document.
    fn take(&mut self, segment: Segment, working: &mut Working) -> bool {
        let late = segment.token > 0 && segment.token < self.token;
        if late {
            return true;
        }
        if self.version.is_some() && (segment.base != self.base || segment.lineage != *working.lineage()) {
            return false;
        }
        self.token = self.token.max(segment.token);
        self.note(Some(segment.id));
        working.replay(segment.changes, segment.serial);
        true
    }
}

/// Writes the whole state into the document, and removes the segments that it holds then.
pub async fn fold(documents: &dyn Documents, working: &Working, seen: &mut Seen) -> Result<(), StateError> {
    let (last, carried) = (seen.last.clone(), seen.carried.clone());
    let ours = Ours { folded: seen.tail, last, token: seen.token, carried, ..Ours::default() };
    let text = Bytes::from(document::encode(working, ours));
    let version = match documents.put(Name::State, text.clone(), &seen.when()).await? {
        Some(version) => version,
        None => match documents.get(Name::State).await? {
            Some(there) if there.body == text => there.version,
            _ => return Err(StateError::Conflict { place: documents.place().to_string(), kept: None }),
        },
    };
    KillPoint::DocumentWritten.here();
    let old = seen.folded;
    seen.version = Some(version);
    seen.base = working.serial();
    seen.folded = seen.tail;
    seen.document_size = text.len();
    seen.segments_size = 0;
    seen.sealing_is_due = false;
    // Oldest first: what is left of them after a crash is passed over, as the document says that it holds them.
    for number in std::mem::take(&mut seen.leftover).into_iter().chain(old + 1..=seen.tail) {
        if documents.delete(Name::Segment(number)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn damaged(documents: &dyn Documents, detail: &str) -> StateError {
    StateError::DamagedDocument { place: documents.place().to_string(), detail: detail.to_string() }
}

fn foreign(documents: &dyn Documents, number: u64) -> StateError {
    let detail = format!(
        "another tool wrote the document while segment {number} of its journal was not part of it; \
         look at both, and delete the segments once their outcomes are in the state"
    );
    StateError::Refused { place: documents.place().to_string(), detail }
}
