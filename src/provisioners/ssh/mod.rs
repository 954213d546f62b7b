//! SSH: connections to machines, direct or through a bastion, commands on them and copies to them.

mod login;
mod scp;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg, Disconnect};
use tokio::time::Instant;

use crate::provider::{Job, ProvisionError};

pub use settings::Settings;
use settings::{HostKey, Machine};

/// The first pause between two tries to connect; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long one try may take.
const ONE_TRY: Duration = Duration::from_secs(30);

/// A connection that commands can be run on.
pub struct Session {
    machine: Handle<Server>,
    /// Kept open as long as the connection goes through it.
    _bastion: Option<Handle<Server>>,
}

/// Why a try to connect failed, and whether another can help.
struct Refused {
    message: String,
    for_good: bool,
}

impl Refused {
    fn again(message: impl Into<String>) -> Self {
        Refused { message: message.into(), for_good: false }
    }

    fn for_good(message: impl Into<String>) -> Self {
        Refused { message: message.into(), for_good: true }
    }
}

impl Session {
    /// Connects and logs in. A machine that has just been made may not answer, or not know the key yet: it is tried
    /// until the connection's timeout has passed.
    pub async fn connect(settings: &Settings, job: &Job) -> Result<Session, ProvisionError> {
        job.output.tell("Connecting to remote host via SSH...");
        settings.describe().iter().for_each(|line| job.output.tell(line));
        let until = Instant::now() + settings.timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let tried = tokio::time::timeout(ONE_TRY.min(left), try_once(settings)).await;
            let refused = match tried {
                Ok(Ok(session)) => {
                    job.output.tell("Connected!");
                    return Ok(session);
                }
                Ok(Err(refused)) => refused,
                Err(_) => Refused::again("no answer"),
            };
            if refused.for_good || Instant::now() + pause >= until {
                let to = format!("{}:{}", settings.machine.host, settings.machine.port);
                return Err(ProvisionError::new(format!("no connection to {to} by ssh: {}", refused.message)).help(
                    "check host, port, user and keys of the connection block; \"timeout\" says how long to try",
                ));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Runs a command, hands on what it prints, and gives its exit status; nothing where a signal ended it.
    pub async fn exec(
        &self,
        command: &str,
        print: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Option<u32>, ProvisionError> {
        let mut channel = self.open(command).await?;
        let mut status = None;
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => print(&data),
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                ChannelMsg::Failure => return Err(ProvisionError::new("the machine does not let commands be run")),
                _ => (),
            }
        }
        Ok(status)
    }

    async fn open(&self, command: &str) -> Result<Channel<client::Msg>, ProvisionError> {
        let channel = self.machine.channel_open_session().await.map_err(|e| broken(&e))?;
        channel.exec(true, command).await.map_err(|e| broken(&e))?;
        Ok(channel)
    }

    pub async fn close(self) {
        // Everything is done: a connection that is gone already is as good.
        let _gone = self.machine.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

async fn try_once(settings: &Settings) -> Result<Session, Refused> {
    let config = Arc::new(client::Config { keepalive_interval: Some(Duration::from_secs(15)), ..Default::default() });
    let Some(bastion) = &settings.bastion else {
        let mut machine = dial(config, &settings.machine).await?;
        login::login(&mut machine, &settings.machine, settings.agent.as_ref()).await?;
        return Ok(Session { machine, _bastion: None });
    };
    let through = |error: Refused| Refused { message: format!("bastion {}: {}", bastion.host, error.message), ..error };
    let mut outer = dial(config.clone(), bastion).await.map_err(through)?;
    login::login(&mut outer, bastion, settings.agent.as_ref()).await.map_err(through)?;
    let (host, port) = (settings.machine.host.clone(), u32::from(settings.machine.port));
    let tunnel = outer.channel_open_direct_tcpip(host, port, "127.0.0.1", 0).await;
    let tunnel = tunnel.map_err(|e| through(Refused::again(format!("it does not lead on: {e}"))))?;
    let server = Server { host_key: settings.machine.host_key.clone() };
    let mut machine = client::connect_stream(config, tunnel.into_stream(), server).await.map_err(refused)?;
    login::login(&mut machine, &settings.machine, settings.agent.as_ref()).await?;
    Ok(Session { machine, _bastion: Some(outer) })
}

async fn dial(config: Arc<client::Config>, machine: &Machine) -> Result<Handle<Server>, Refused> {
    let server = Server { host_key: machine.host_key.clone() };
    client::connect(config, (machine.host.as_str(), machine.port), server).await.map_err(refused)
}

fn refused(error: russh::Error) -> Refused {
    match error {
        russh::Error::UnknownKey => Refused::for_good("the machine's key is not the one that host_key names"),
        russh::Error::NoCommonAlgo { .. } => Refused::for_good(error.to_string()),
        other => Refused::again(other.to_string()),
    }
}

fn broken(error: &russh::Error) -> ProvisionError {
    ProvisionError::new(format!("the ssh connection broke: {error}"))
}

/// What is asked of the machine at the other end.
pub struct Server {
    host_key: Option<HostKey>,
}

impl client::Handler for Server {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let Some(wanted) = &self.host_key else { return Ok(true) };
        let shown = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.key_data(),
            PublicKeyOrCertificate::Certificate(certificate) => certificate.signature_key(),
        };
        Ok(shown == wanted.0.key_data())
    }
}

/// A word of a POSIX shell's command line.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
