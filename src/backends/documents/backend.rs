//! A backend whose states are documents.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::sealed::Sealed;
use super::working::Working;
use super::writer::Writer;
use super::{Documents, Name, When, document, history, journal, leftover, log};
use crate::backends::asked::{self, Asked};
use crate::backends::background::Background;
use crate::backends::{Backend, Context};
use crate::state::seal::envelopes::Envelopes;
use crate::state::{Snapshot, StateError, Store, Workspace};

/// Where the documents of each workspace lie.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The documents of a workspace's state.
    fn documents(&self, workspace: &Workspace) -> Result<Arc<dyn Documents>, StateError>;

    /// The workspaces that have a document, in any order.
    async fn workspaces(&self) -> Result<Vec<Workspace>, StateError>;
}

/// A backend over documents.
pub struct DocumentBackend {
    keys: Arc<dyn Keys>,
    context: Context,
    background: Arc<Background>,
    envelopes: Arc<Envelopes>,
}

impl DocumentBackend {
    pub fn new(keys: Arc<dyn Keys>, context: Context) -> Result<DocumentBackend, StateError> {
        let envelopes = Arc::new(Envelopes::new(context.around.encryption.clone(), "documents"));
        Ok(DocumentBackend { keys, context, background: Arc::new(Background::start()?), envelopes })
    }

    fn documents(&self, workspace: &Workspace) -> Result<Arc<dyn Documents>, StateError> {
        Ok(Arc::new(Sealed { inner: self.keys.documents(workspace)?, envelopes: self.envelopes.clone() }))
    }

    fn store(&self, workspace: &Workspace) -> Result<Asked, StateError> {
        let documents = self.documents(workspace)?;
        let place = documents.place().to_string();
        let Context { data_dir, around, notices, unsent, .. } = self.context.clone();
        let writer =
            Writer::new(documents, journal::path(&data_dir, &place), around, notices, unsent, self.envelopes.clone());
        Ok(Asked::start(&self.background, place, |queue| asked::serve(writer, queue)))
    }
}

impl Backend for DocumentBackend {
    fn place(&self, workspace: &Workspace) -> String {
        self.keys.documents(workspace).map(|d| d.place().to_string()).unwrap_or_default()
    }

    fn open(&self, workspace: &Workspace) -> Result<Arc<dyn Store>, StateError> {
        Ok(Arc::new(self.store(workspace)?))
    }

    fn read(&self, workspace: &Workspace) -> Result<Option<Snapshot>, StateError> {
        let documents = self.documents(workspace)?;
        let left = journal::path(&self.context.data_dir, documents.place());
        if leftover::is_there(&left, &self.context.around) {
            self.context.send(&self.store(workspace)?)?;
        }
        self.background.wait(async move {
            let (working, seen) = log::load(&*documents).await?;
            Ok(seen.is_there().then(|| working.snapshot()))
        })
    }

    fn workspaces(&self) -> Result<Vec<Workspace>, StateError> {
        let keys = self.keys.clone();
        let mut found = self.background.wait(async move { keys.workspaces().await })?;
        found.push(Workspace::default());
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn create(&self, workspace: &Workspace) -> Result<(), StateError> {
        if workspace.is_default() {
            return Ok(());
        }
        let documents = self.documents(workspace)?;
        self.background.wait(async move {
            let text = Bytes::from(document::encode(&Working::fresh(), document::Ours::default()));
            // One that is there already is what was asked for.
            documents.put(Name::State, text, &When::Absent).await.map(drop)
        })
    }

    fn delete(&self, workspace: &Workspace) -> Result<(), StateError> {
        if workspace.is_default() {
            return Err(StateError::DefaultWorkspace);
        }
        let documents = self.documents(workspace)?;
        self.background.wait(async move {
            for number in documents.segments().await?.into_iter().flatten() {
                documents.delete(Name::Segment(number)).await?;
            }
            history::forget(&*documents).await?;
            // The lock is its holder's to give up.
            documents.delete(Name::State).await
        })
    }
}
