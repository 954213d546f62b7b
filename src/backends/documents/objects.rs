//! Documents in an object store: S3, Azure Blob Storage, Google Cloud Storage.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig, UpdateVersion,
};

use super::{Documents, Fetched, Keys, Name, Version, When, root_cause};
use crate::state::{StateError, Workspace};

/// How a backend names the objects of a workspace, as Terraform does.
pub trait Layout: Send + Sync {
    /// The key of a workspace's state.
    fn state(&self, workspace: &Workspace) -> String;

    /// The key of the lock beside a state.
    fn lock(&self, state: &str) -> String {
        format!("{state}.tflock")
    }

    /// The folder of the segments of a state.
    fn segments(&self, state: &str) -> String {
        format!("{state}.terrane")
    }

    /// The folder of the earlier generations of a state.
    fn history(&self, state: &str) -> String {
        format!("{state}.terrane-history")
    }

    /// The folder to look for workspaces in, and whether each has a folder of its own there.
    fn listing(&self) -> (String, bool);

    /// The workspace whose state, or whose folder, has this key.
    fn workspace(&self, key: &str) -> Option<Workspace>;
}

/// The states of a bucket or container.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    layout: Arc<dyn Layout>,
    /// What stands before a key in messages: `s3://bucket/`.
    prefix: String,
}

impl Objects {
    pub fn new(store: Arc<dyn ObjectStore>, layout: Arc<dyn Layout>, prefix: String) -> Objects {
        Objects { store, layout, prefix }
    }
}

/// Few tries and short waits: what does not answer then is an outage, which is bridged in other ways.
pub fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(10),
    }
}

/// Options of the HTTP client, for an endpoint that may be without TLS.
pub fn client(endpoint: Option<&str>) -> ClientOptions {
    crate::backends::tls::install();
    let plain = endpoint.is_some_and(|e| e.starts_with("http://"));
    ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_secs(60))
}

#[async_trait]
impl Keys for Objects {
    fn documents(&self, workspace: &Workspace) -> Result<Arc<dyn Documents>, StateError> {
        let key = self.layout.state(workspace);
        let place = format!("{}{key}", self.prefix);
        let path = |key: &str| {
            let wrong =
                |e: object_store::path::Error| StateError::Refused { place: place.clone(), detail: e.to_string() };
            Path::parse(key).map_err(wrong)
        };
        Ok(Arc::new(ObjectDocuments {
            state: path(&key)?,
            lock: path(&self.layout.lock(&key))?,
            segments: path(&self.layout.segments(&key))?,
            history: path(&self.layout.history(&key))?,
            store: self.store.clone(),
            place,
        }))
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StateError> {
        let (folder, in_folders) = self.layout.listing();
        let place = format!("{}{folder}", self.prefix);
        let path = Path::from(folder.as_str());
        let path = (!folder.is_empty()).then_some(&path);
        let listed = self.store.list_with_delimiter(path).await.map_err(|e| told(&place, e))?;
        if !in_folders {
            return Ok(listed.objects.iter().filter_map(|o| self.layout.workspace(o.location.as_ref())).collect());
        }
        let mut found = Vec::new();
        for folder in listed.common_prefixes {
            let Some(workspace) = self.layout.workspace(folder.as_ref()) else { continue };
            let documents = Path::from(self.layout.state(&workspace).as_str());
            match self.store.head(&documents).await {
                Ok(_) => found.push(workspace),
                Err(Error::NotFound { .. }) => (),
                Err(error) => return Err(told(&place, error)),
            }
        }
        Ok(found)
    }
}

/// The objects of one state.
struct ObjectDocuments {
    store: Arc<dyn ObjectStore>,
    state: Path,
    lock: Path,
    segments: Path,
    history: Path,
    place: String,
}

impl ObjectDocuments {
    fn path(&self, name: Name) -> Path {
        match name {
            Name::State => self.state.clone(),
            Name::Lock => self.lock.clone(),
            Name::Segment(number) => self.segments.clone().join(format!("{number:020}")),
            Name::History => self.history.clone().join("list"),
            Name::Generation(serial) => self.history.clone().join(format!("{serial:020}")),
        }
    }
}

#[async_trait]
impl Documents for ObjectDocuments {
    fn place(&self) -> &str {
        &self.place
    }

    fn key(&self) -> &str {
        self.state.as_ref()
    }

    async fn get(&self, name: Name) -> Result<Option<Fetched>, StateError> {
        let result = match self.store.get(&self.path(name)).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            other => other.map_err(|e| told(&self.place, e))?,
        };
        let version = Version { e_tag: result.meta.e_tag.clone(), generation: result.meta.version.clone() };
        let body = result.bytes().await.map_err(|e| told(&self.place, e))?;
        Ok(Some(Fetched { body, version, sealing_is_due: false }))
    }

    async fn put(&self, name: Name, body: Bytes, when: &When) -> Result<Option<Version>, StateError> {
        let mode = match when {
            When::Absent => PutMode::Create,
            When::Unchanged(version) => {
                PutMode::Update(UpdateVersion { e_tag: version.e_tag.clone(), version: version.generation.clone() })
            }
        };
        match self.store.put_opts(&self.path(name), body.into(), PutOptions::from(mode)).await {
            Ok(put) => Ok(Some(Version { e_tag: put.e_tag, generation: put.version })),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
            // What was to be unchanged is gone.
            Err(Error::NotFound { .. }) if matches!(when, When::Unchanged(_)) => Ok(None),
            Err(error) => Err(told(&self.place, error)),
        }
    }

    async fn delete(&self, name: Name) -> Result<(), StateError> {
        match self.store.delete(&self.path(name)).await {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other.map_err(|e| told(&self.place, e)),
        }
    }

    async fn segments(&self) -> Result<Option<Vec<u64>>, StateError> {
        let listed = self.store.list(Some(&self.segments));
        let number = |o: object_store::ObjectMeta| o.location.filename().and_then(|n| n.parse::<u64>().ok());
        let found: Vec<Option<u64>> = listed.map_ok(number).try_collect().await.map_err(|e| told(&self.place, e))?;
        let mut numbers: Vec<u64> = found.into_iter().flatten().collect();
        numbers.sort_unstable();
        Ok(Some(numbers))
    }
}

/// What an error of the store means for a state.
pub fn told(place: &str, error: Error) -> StateError {
    let place = place.to_string();
    // What lists objects is not told apart by the library: the code of the store is in its answer.
    let is_missing =
        |cause: &str| ["<Code>NoSuchBucket<", "<Code>ContainerNotFound<"].iter().any(|c| cause.contains(c));
    match &error {
        Error::NotFound { .. } => {
            StateError::Refused { place, detail: "there is no such bucket or container".to_string() }
        }
        Error::Generic { .. } if is_missing(&root_cause(&error)) => {
            StateError::Refused { place, detail: "there is no such bucket or container".to_string() }
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::NotSupported { .. } => {
            StateError::Refused { place, detail: root_cause(&error) }
        }
        _ => StateError::Unreachable { place, detail: root_cause(&error) },
    }
}
