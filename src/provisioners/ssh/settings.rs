//! The `connection` block, read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};

use crate::model::Object;
use crate::model::duration::parse_duration;
use crate::provider::{Job, ProvisionError};
use crate::provisioners::Provisioners;

/// How to reach a machine, and what is done there.
pub struct Settings {
    pub machine: Machine,
    pub bastion: Option<Machine>,
    pub agent: Option<Agent>,
    pub timeout: Duration,
    pub windows: bool,
    /// With `%RAND%` where digits go.
    pub script_path: String,
}

/// One machine and the ways to log in.
pub struct Machine {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub key: Option<Arc<PrivateKey>>,
    pub certificate: Option<Certificate>,
    pub host_key: Option<HostKey>,
}

/// The key that the machine must show, or the one that signed what it shows.
#[derive(Clone, Debug)]
pub struct HostKey(pub PublicKey);

/// The SSH agent and the key of it that is tried first.
pub struct Agent {
    pub socket: PathBuf,
    pub identity: Option<String>,
}

impl Settings {
    pub fn read(job: &Job, here: &Provisioners) -> Result<Settings, ProvisionError> {
        let Some(block) = &job.connection else {
            return Err(ProvisionError::new("there is no connection")
                .help("add a connection block to the provisioner or to the resource, with host and user"));
        };
        let protocol = block.str("type").unwrap_or("ssh");
        if protocol != "ssh" {
            return Err(ProvisionError::new(format!("connections of type \"{protocol}\" cannot be made"))
                .help("use type = \"ssh\": Windows has an SSH server too; set target_platform = \"windows\" for it"));
        }
        if block.str("proxy_host").is_some_and(|h| !h.is_empty()) {
            return Err(ProvisionError::new("connections through a proxy cannot be made")
                .help("use bastion_host, or a proxy that is transparent"));
        }
        let machine = Machine::read(block, "", None)?;
        let bastion = match text(block, "bastion_host") {
            Some(_) => Some(Machine::read(block, "bastion_", Some(&machine))?),
            None => None,
        };
        let timeout = match text(block, "timeout") {
            None => Duration::from_secs(300),
            Some(written) => parse_duration(&written).ok_or_else(|| {
                ProvisionError::new(format!("the timeout \"{written}\" is no duration")).help("write it like 30s or 5m")
            })?,
        };
        let windows = block.str("target_platform") == Some("windows");
        let usual = if windows { "c:/windows/temp/terrane_%RAND%.cmd" } else { "/tmp/terrane_%RAND%.sh" };
        let script_path = text(block, "script_path").unwrap_or_else(|| usual.to_string());
        let agent = here.ssh_agent.as_ref().filter(|_| block.bool("agent") != Some(false));
        let agent = agent.map(|socket| Agent { socket: socket.into(), identity: text(block, "agent_identity") });
        Ok(Settings { machine, bastion, agent, timeout, windows, script_path })
    }

    /// What is known of the connection, without secrets.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = self.machine.describe("", self.agent.is_some());
        if let Some(bastion) = &self.bastion {
            lines.push("Using configured bastion host...".to_string());
            lines.extend(bastion.describe("", self.agent.is_some()));
        }
        lines
    }
}

impl Machine {
    /// Reads the arguments with a prefix. What a bastion's do not say, the machine's do.
    fn read(block: &Object, prefix: &str, like: Option<&Machine>) -> Result<Machine, ProvisionError> {
        let name = |argument: &str| format!("{prefix}{argument}");
        let host = text(block, &name("host")).ok_or_else(|| {
            ProvisionError::new("the connection has no host").help("set host, such as self.public_ip")
        })?;
        let port = match block.i64(&name("port")) {
            None => like.map_or(22, |m| m.port),
            Some(port) => u16::try_from(port)
                .map_err(|_| ProvisionError::new(format!("{} must be from 1 to 65535", name("port"))))?,
        };
        let user = text(block, &name("user")).or(like.map(|m| m.user.clone())).unwrap_or_else(|| "root".into());
        let key = match text(block, &name("private_key")) {
            Some(text) => Some(Arc::new(private_key(&text, &name("private_key"))?)),
            None => like.and_then(|m| m.key.clone()),
        };
        let certificate = match text(block, &name("certificate")) {
            None => None,
            Some(text) => Some(Certificate::from_openssh(text.trim()).map_err(|error| {
                ProvisionError::new(format!("{} is no OpenSSH certificate: {error}", name("certificate")))
            })?),
        };
        let host_key = match text(block, &name("host_key")) {
            None => None,
            Some(text) => Some(HostKey(PublicKey::from_openssh(text.trim()).map_err(|error| {
                ProvisionError::new(format!("{} is no public key: {error}", name("host_key")))
                    .help("it looks like \"ssh-ed25519 AAAA…\", as in known_hosts without the name")
            })?)),
        };
        let password = text(block, &name("password")).or(like.and_then(|m| m.password.clone()));
        Ok(Machine { host, port, user, password, key, certificate, host_key })
    }

    fn describe(&self, indent: &str, agent: bool) -> Vec<String> {
        let line = |name: &str, value: String| format!("{indent}  {name}: {value}");
        vec![
            line("Host", self.host.clone()),
            line("User", self.user.clone()),
            line("Password", self.password.is_some().to_string()),
            line("Private key", self.key.is_some().to_string()),
            line("Certificate", self.certificate.is_some().to_string()),
            line("SSH Agent", agent.to_string()),
            line("Checking Host Key", self.host_key.is_some().to_string()),
        ]
    }
}

fn private_key(text: &str, argument: &str) -> Result<PrivateKey, ProvisionError> {
    decode_secret_key(text, None).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => ProvisionError::new(format!("{argument} is encrypted with a passphrase"))
            .help("give the key without one, or put it into an SSH agent"),
        other => ProvisionError::new(format!("{argument} is no private key: {other}"))
            .help("give the text of the key, such as file(\"~/.ssh/id_ed25519\"), not its path"),
    })
}

/// An argument that is not empty.
fn text(block: &Object, name: &str) -> Option<String> {
    block.string(name).filter(|text| !text.is_empty())
}
