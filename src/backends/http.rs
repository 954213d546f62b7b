//! `backend "http"`: a state behind an HTTP server, as Terraform defines it: GET reads, POST writes, LOCK and UNLOCK
//! lock. There is no place for segments: the whole state is written from time to time and at the end of a run, and
//! the journal of this machine holds what is not there yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::Md5;
use reqwest::{Client, Method, StatusCode, Url};
use sha2::{Digest, Sha256};

use super::documents::{DocumentBackend, Documents, Fetched, Keys, Name, Version, When, lock, root_cause};
use super::{Argument, Backend, Configuration, Context, Kind, Registration};
use crate::state::{StateError, Workspace};

pub const REGISTRATION: Registration = Registration {
    name: "http",
    about: "A server that speaks Terraform's HTTP protocol for states, such as GitLab.",
    arguments: &[
        Argument::text("address", "Where the state is read and written.").required().or(&["TF_HTTP_ADDRESS"]),
        Argument::text("update_method", "The method of writing; POST unless said.").or(&["TF_HTTP_UPDATE_METHOD"]),
        Argument::text("lock_address", "Where it is locked; without it nobody locks.").or(&["TF_HTTP_LOCK_ADDRESS"]),
        Argument::text("lock_method", "The method of locking; LOCK unless said.").or(&["TF_HTTP_LOCK_METHOD"]),
        Argument::text("unlock_address", "Where the lock is given up.").or(&["TF_HTTP_UNLOCK_ADDRESS"]),
        Argument::text("unlock_method", "The method of that; UNLOCK unless said.").or(&["TF_HTTP_UNLOCK_METHOD"]),
        Argument::text("username", "The user.").or(&["TF_HTTP_USERNAME"]),
        Argument::text("password", "The password.").secret().or(&["TF_HTTP_PASSWORD"]),
        Argument::text("skip_cert_verification", "Trusts any certificate.").kind(Kind::Flag),
        Argument::text("client_ca_certificate_pem", "The authority of the server's certificate.")
            .or(&["TF_HTTP_CLIENT_CA_CERTIFICATE_PEM"]),
        Argument::text("client_certificate_pem", "A certificate to show.").or(&["TF_HTTP_CLIENT_CERTIFICATE_PEM"]),
        Argument::text("client_private_key_pem", "Its key.").secret().or(&["TF_HTTP_CLIENT_PRIVATE_KEY_PEM"]),
        Argument::text("retry_max", "How often a request is tried again; 2 unless said.")
            .kind(Kind::Number)
            .or(&["TF_HTTP_RETRY_MAX"]),
        Argument::text("retry_wait_min", "Seconds before the first retry; 1 unless said.")
            .kind(Kind::Number)
            .or(&["TF_HTTP_RETRY_WAIT_MIN"]),
        Argument::text("retry_wait_max", "Seconds before a retry at most; 30 unless said.")
            .kind(Kind::Number)
            .or(&["TF_HTTP_RETRY_WAIT_MAX"]),
    ],
    connect,
};

fn connect(configuration: &Configuration, context: &Context) -> Result<Arc<dyn Backend>, StateError> {
    let server = Arc::new(Server::of(configuration)?);
    Ok(Arc::new(DocumentBackend::new(Arc::new(One(server)), context.clone())?))
}

/// The one state of a server.
struct One(Arc<Server>);

#[async_trait]
impl Keys for One {
    fn documents(&self, workspace: &Workspace) -> Result<Arc<dyn Documents>, StateError> {
        match workspace.is_default() {
            true => Ok(Arc::new(HttpDocuments { server: self.0.clone(), lock: Mutex::default() })),
            false => Err(StateError::NoWorkspaces { place: self.0.place.clone() }),
        }
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StateError> {
        Ok(Vec::new())
    }
}

struct Server {
    client: Client,
    /// The address without user and password.
    place: String,
    address: Url,
    update: Method,
    lock: Option<(Method, Url)>,
    unlock: Option<(Method, Url)>,
    user: Option<(String, Option<String>)>,
    retries: u64,
    wait: (Duration, Duration),
}

impl Server {
    fn of(configuration: &Configuration) -> Result<Server, StateError> {
        super::tls::install();
        let refused =
            |name: &str, detail: String| StateError::Refused { place: format!("the backend's \"{name}\""), detail };
        let url = |name: &str| -> Result<Option<Url>, StateError> {
            let Some(text) = configuration.text(name) else { return Ok(None) };
            let url = Url::parse(text).map_err(|e| refused(name, e.to_string()))?;
            match url.scheme() {
                "http" | "https" => Ok(Some(url)),
                other => Err(refused(name, format!("\"{other}\" is neither http nor https"))),
            }
        };
        let method = |name: &str, usual: &str| {
            let text = configuration.text(name).unwrap_or(usual);
            Method::from_bytes(text.as_bytes()).map_err(|e| refused(name, e.to_string()))
        };
        let called = |address: &str, name: &str, usual: &str| -> Result<Option<(Method, Url)>, StateError> {
            let Some(url) = url(address)? else { return Ok(None) };
            Ok(Some((method(name, usual)?, url)))
        };
        let address = url("address")?.ok_or_else(|| refused("address", "it is missing".to_string()))?;
        let seconds = |name: &str, usual: u64| Duration::from_secs(configuration.number(name).unwrap_or(usual));
        Ok(Server {
            client: client(configuration).map_err(|e| refused("client_certificate_pem", e.to_string()))?,
            place: without_user(&address),
            update: method("update_method", "POST")?,
            lock: called("lock_address", "lock_method", "LOCK")?,
            unlock: called("unlock_address", "unlock_method", "UNLOCK")?,
            user: configuration
                .text("username")
                .map(|u| (u.to_string(), configuration.text("password").map(String::from))),
            retries: configuration.number("retry_max").unwrap_or(2),
            wait: (seconds("retry_wait_min", 1), seconds("retry_wait_max", 30)),
            address,
        })
    }

    /// Sends a request, again where the server is not there or not well.
    async fn send(&self, method: &Method, url: &Url, body: Option<Bytes>) -> Result<(StatusCode, Bytes), StateError> {
        let mut pause = self.wait.0;
        let mut tries = 0;
        loop {
            let detail = match self.once(method, url, body.clone()).await {
                Ok((status, _)) if status.is_server_error() => format!("{method} was answered with {status}"),
                Ok(answer) => return Ok(answer),
                // The address could carry a password.
                Err(error) => root_cause(&error.without_url()),
            };
            if tries == self.retries {
                return Err(StateError::Unreachable { place: self.place.clone(), detail });
            }
            tries += 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.wait.1);
        }
    }

    async fn once(&self, method: &Method, url: &Url, body: Option<Bytes>) -> reqwest::Result<(StatusCode, Bytes)> {
        let mut request = self.client.request(method.clone(), url.clone());
        if let Some((user, password)) = &self.user {
            request = request.basic_auth(user, password.as_ref());
        }
        if let Some(body) = body {
            let sum = STANDARD.encode(Md5::digest(&body));
            request = request.header("content-type", "application/json").header("content-md5", sum).body(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        Ok((status, answer.bytes().await?))
    }

    fn refused<T>(&self, what: &Method, status: StatusCode) -> Result<T, StateError> {
        let detail = match status.as_u16() {
            401 => "it asks for a user and a password, or does not take these".to_string(),
            403 => "this user may not do that".to_string(),
            _ => format!("{what} was answered with {status}"),
        };
        Err(StateError::Refused { place: self.place.clone(), detail })
    }
}

fn client(configuration: &Configuration) -> reqwest::Result<Client> {
    let mut builder = Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(120))
        .tls_danger_accept_invalid_certs(configuration.flag("skip_cert_verification"));
    if let Some(pem) = configuration.text("client_ca_certificate_pem") {
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem.as_bytes())?);
    }
    if let (Some(certificate), Some(key)) =
        (configuration.text("client_certificate_pem"), configuration.text("client_private_key_pem"))
    {
        builder = builder.identity(reqwest::Identity::from_pem(format!("{certificate}\n{key}").as_bytes())?);
    }
    builder.build()
}

fn without_user(url: &Url) -> String {
    let mut url = url.clone();
    // Neither can fail for an address with a host.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.to_string()
}

/// The documents of the server's one state. Only the holder knows the lock: the server is not asked about it.
struct HttpDocuments {
    server: Arc<Server>,
    lock: Mutex<Lock>,
}

#[derive(Default)]
struct Lock {
    /// The lock that we hold.
    held: Option<Bytes>,
    /// The lock of somebody else that stood in the way last.
    other: Option<Bytes>,
}

impl HttpDocuments {
    fn locked(&self) -> MutexGuard<'_, Lock> {
        // Nothing in between can leave it half done.
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) -> Result<Option<Fetched>, StateError> {
        let (status, body) = self.server.send(&Method::GET, &self.server.address, None).await?;
        match status.as_u16() {
            204 | 404 => Ok(None),
            200 if body.is_empty() => Ok(None),
            200 => Ok(Some(Fetched { version: version(&body), body, sealing_is_due: false })),
            _ => self.server.refused(&Method::GET, status),
        }
    }

    async fn write(&self, body: Bytes, when: &When) -> Result<Option<Version>, StateError> {
        let there = self.read().await?.map(|there| there.version);
        let holds = match when {
            When::Absent => there.is_none(),
            When::Unchanged(version) => there.as_ref() == Some(version),
        };
        if !holds {
            return Ok(None);
        }
        let mut url = self.server.address.clone();
        if let Some(held) = &self.locked().held {
            url.query_pairs_mut().append_pair("ID", &lock::decode(held).id);
        }
        let (status, _) = self.server.send(&self.server.update, &url, Some(body.clone())).await?;
        match status.as_u16() {
            200 | 201 | 204 => Ok(Some(version(&body))),
            // The lock is somebody else's by now.
            409 | 412 | 423 => Ok(None),
            _ => self.server.refused(&self.server.update, status),
        }
    }

    /// False where somebody else holds it.
    async fn take_lock(&self, body: &Bytes) -> Result<bool, StateError> {
        let Some((method, url)) = &self.server.lock else { return Ok(true) };
        let (status, answer) = self.server.send(method, url, Some(body.clone())).await?;
        match status.as_u16() {
            200 | 201 | 204 => Ok(true),
            409 | 423 => {
                self.locked().other = Some(answer);
                Ok(false)
            }
            _ => self.server.refused(method, status),
        }
    }

    async fn give_up_lock(&self, body: Bytes) -> Result<(), StateError> {
        match (self.remove_lock(body).await?, &self.server.unlock) {
            (false, Some((method, _))) => self.server.refused(method, StatusCode::CONFLICT),
            _ => Ok(()),
        }
    }

    /// False where the lock is another one by now.
    async fn remove_lock(&self, body: Bytes) -> Result<bool, StateError> {
        let Some((method, url)) = &self.server.unlock else { return Ok(true) };
        let (status, _) = self.server.send(method, url, Some(body)).await?;
        match status.as_u16() {
            404 => Ok(true),
            409 | 423 => Ok(false),
            _ if status.is_success() => Ok(true),
            _ => self.server.refused(method, status),
        }
    }

    /// Who holds the lock: the protocol tells it only to those who try.
    async fn look_at_lock(&self) -> Result<Option<Bytes>, StateError> {
        let probe = Bytes::from(format!("{{\"ID\":\"{}\",\"Operation\":\"look\"}}", uuid::Uuid::new_v4()));
        if self.server.lock.is_some() && !self.take_lock(&probe).await? {
            return Ok(self.locked().other.take());
        }
        self.give_up_lock(probe).await.map(|()| None)
    }
}

#[async_trait]
impl Documents for HttpDocuments {
    fn place(&self) -> &str {
        &self.server.place
    }

    fn key(&self) -> &str {
        self.server.address.path()
    }

    async fn get(&self, name: Name) -> Result<Option<Fetched>, StateError> {
        match name {
            Name::State => self.read().await,
            Name::Segment(_) | Name::History | Name::Generation(_) => Ok(None),
            Name::Lock => {
                let known = {
                    let mut lock = self.locked();
                    lock.held.clone().or_else(|| lock.other.take())
                };
                let body = match known {
                    Some(body) => Some(body),
                    None => self.look_at_lock().await?,
                };
                Ok(body.map(|body| Fetched { version: version(&body), body, sealing_is_due: false }))
            }
        }
    }

    async fn put(&self, name: Name, body: Bytes, when: &When) -> Result<Option<Version>, StateError> {
        match name {
            Name::State => self.write(body, when).await,
            Name::Segment(_) | Name::History | Name::Generation(_) => Ok(None),
            Name::Lock => {
                let held = self.locked().held.is_some();
                // Somebody else's that is over: the server does not know of its end.
                if !held
                    && let When::Unchanged(over) = when
                    && let Some(there) = self.look_at_lock().await?
                    && (version(&there) != *over || !self.remove_lock(there).await?)
                {
                    return Ok(None);
                }
                if !held && !self.take_lock(&body).await? {
                    return Ok(None);
                }
                let version = version(&body);
                self.locked().held = Some(body);
                Ok(Some(version))
            }
        }
    }

    async fn delete(&self, name: Name) -> Result<(), StateError> {
        match name {
            Name::State => {
                let (status, _) = self.server.send(&Method::DELETE, &self.server.address, None).await?;
                match status.is_success() || status == StatusCode::NOT_FOUND {
                    true => Ok(()),
                    false => self.server.refused(&Method::DELETE, status),
                }
            }
            Name::Segment(_) | Name::History | Name::Generation(_) => Ok(()),
            Name::Lock => {
                let held = self.locked().held.clone();
                let body = match held {
                    Some(held) => Some(held),
                    None => self.look_at_lock().await?,
                };
                if let Some(body) = body {
                    self.give_up_lock(body).await?;
                }
                self.locked().held = None;
                Ok(())
            }
        }
    }

    async fn segments(&self) -> Result<Option<Vec<u64>>, StateError> {
        Ok(None)
    }

    /// The server keeps what a lock said when it was taken.
    fn renews_locks(&self) -> bool {
        false
    }
}

fn version(body: &Bytes) -> Version {
    Version { e_tag: Some(hex::encode(Sha256::digest(body))), generation: None }
}
