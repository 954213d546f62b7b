//! Bringing commits to the store: as segments or within the document, later where the store does not answer.

use std::path::PathBuf;

use super::{PAUSE, POST_EVERY, SEGMENTS_LIMIT, Writer};
use crate::backends::documents::journal::Base;
use crate::backends::documents::log;
use crate::model::KillPoint;
use crate::state::StateError;

impl Writer {
    /// Whether the store is known not to answer. Fails when the lock is lost.
    pub(super) async fn is_out(&mut self) -> Result<bool, StateError> {
        let now = self.around.clock.now();
        let left_alone = self.outage.is_some_and(|since| now >= since && now - since < PAUSE);
        if left_alone {
            return Ok(true);
        }
        let Some(held) = &mut self.held else { return Ok(false) };
        let checked = match held.check(&*self.documents, &self.around).await {
            Ok(()) if self.outage.is_some() => self.catch_up().await,
            other => other,
        };
        match checked {
            Ok(()) => Ok(false),
            Err(error) if error.is_final() => Err(error),
            Err(error) => {
                self.out(&error);
                Ok(true)
            }
        }
    }

    /// Notes that the store does not answer, and says so the first time.
    fn out(&mut self, error: &StateError) {
        if self.outage.is_none() {
            let kept = self.kept().display().to_string();
            (self.notices)(&format!(
                "{error}\nThe run goes on; its outcomes are kept in \"{kept}\" until they can be sent."
            ));
        }
        self.outage = Some(self.around.clock.now());
    }

    /// The file of the journal.
    fn kept(&mut self) -> PathBuf {
        self.journal().map(|journal| journal.path().to_path_buf()).unwrap_or_else(|_| self.journal_path.clone())
    }

    /// Brings a commit from the journal of this machine to the store; one that is not in it must get there.
    pub(super) async fn send(
        &mut self,
        row: Option<i64>,
        segment: (&str, &[u8]),
        begins: bool,
    ) -> Result<(), StateError> {
        let now = self.around.clock.now();
        let Some(open) = &mut self.open else { return Ok(()) };
        if !open.seen.segments {
            // What is about to be made must be known elsewhere, should this machine be gone then.
            let due = row.is_none() || begins || now < open.posted || now - open.posted >= POST_EVERY;
            if due && let Err(error) = self.fold().await {
                if error.is_final() || row.is_none() {
                    return Err(error);
                }
                self.out(&error);
            }
            return Ok(());
        }
        let known = (&mut open.seen, &mut open.working);
        match log::append(&*self.documents, known, self.token, segment).await {
            Ok(true) => {
                KillPoint::JournalSent.here();
                open.unsent -= usize::from(row.is_some() && open.unsent > 0);
                let base = open.base();
                let large = open.seen.segments_size > open.seen.document_size.max(SEGMENTS_LIMIT);
                self.forget(row, &base);
                if large && let Err(error) = self.fold().await {
                    tracing::debug!(%error, "the segments are folded later");
                }
                // A lease that ended in between may have been somebody else's when the segment was written.
                match &mut self.held {
                    Some(held) if held.is_over(&self.around) => held.check(&*self.documents, &self.around).await,
                    _ => Ok(()),
                }
            }
            Ok(false) => Err(self.overtaken()),
            Err(error) if error.is_final() || row.is_none() => Err(error),
            Err(error) => {
                self.out(&error);
                Ok(())
            }
        }
    }

    /// Notes that the store has a commit. Where that can't be written, it is found there by its id.
    fn forget(&self, row: Option<i64>, base: &Base) {
        if let (Some(row), Some(journal)) = (row, &self.journal)
            && let Err(error) = journal.sent(row, base)
        {
            tracing::debug!(%error, "the journal keeps a commit that was sent");
        }
    }

    /// Sends what is in the journal of this machine alone.
    async fn catch_up(&mut self) -> Result<(), StateError> {
        let Some(open) = &self.open else { return Ok(()) };
        if open.unsent == 0 {
            self.outage = None;
            return Ok(());
        }
        if !open.seen.segments {
            self.fold().await?;
        } else {
            let kept = self.journal()?.segments()?;
            for (row, segment) in kept {
                let Some(open) = &mut self.open else { return Ok(()) };
                if open.seen.ids.contains(&segment.id) {
                    continue;
                }
                let (known, body) = ((&mut open.seen, &mut open.working), segment.encode());
                if !log::append(&*self.documents, known, self.token, (&segment.id, &body)).await? {
                    return Err(self.overtaken());
                }
                open.unsent = open.unsent.saturating_sub(1);
                let base = open.base();
                self.forget(Some(row), &base);
            }
        }
        if self.outage.take().is_some() {
            (self.notices)(&format!("{} answers again; what was kept meanwhile is sent.", self.place()));
        }
        Ok(())
    }

    /// Brings everything into the document.
    pub(super) async fn send_all(&mut self) -> Result<(), StateError> {
        let Some(open) = &self.open else { return Ok(()) };
        if open.unsent == 0 && open.seen.tail == open.seen.folded && !open.is_due {
            return Ok(());
        }
        let Err(error) = self.try_to_send_all().await else { return Ok(()) };
        let Some(count) = self.open.as_ref().map(|open| open.unsent) else { return Err(error) };
        let (place, kept) = (self.place(), self.kept());
        match error {
            // The segments hold everything: whoever comes next reads them, and folds them.
            error if count == 0 && !error.is_final() => {
                (self.notices)(&format!("{error}\nNothing is lost: the next run goes on with its journal."));
                Ok(())
            }
            StateError::Conflict { .. } if count > 0 => Err(StateError::Conflict { place, kept: Some(kept) }),
            error if count > 0 => Err(StateError::Unsent { place, count, kept, detail: error.reason() }),
            error => Err(error),
        }
    }

    async fn try_to_send_all(&mut self) -> Result<(), StateError> {
        if let Some(held) = &mut self.held {
            held.check(&*self.documents, &self.around).await?;
        }
        self.catch_up().await?;
        match self.fold().await {
            // The answer may have been lost: a second try finds out.
            Err(StateError::Unreachable { .. }) => self.fold().await,
            other => other,
        }
    }

    pub(super) async fn fold(&mut self) -> Result<(), StateError> {
        let now = self.around.clock.now();
        let Some(open) = &mut self.open else { return Ok(()) };
        log::fold(&*self.documents, &open.working, &mut open.seen).await?;
        (open.unsent, open.posted, open.is_due) = (0, now, false);
        let base = open.base();
        let cleared = self.journal.as_ref().map_or(Ok(()), |journal| journal.clear(&base));
        if cleared.is_err()
            && let Some(journal) = self.journal.take()
        {
            journal.remove();
        }
        Ok(())
    }

    fn overtaken(&self) -> StateError {
        let id = self.held.as_ref().map(|h| h.lease.id.to_string()).unwrap_or_default();
        let detail = "somebody else has written to the state".to_string();
        StateError::LockLost { path: self.place().into(), id, detail }
    }
}
