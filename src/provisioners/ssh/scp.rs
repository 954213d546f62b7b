//! Copies to a machine, by the protocol that `scp -t` speaks at the other end: a line for each file or folder,
//! then the content, each answered by a zero byte.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use russh::client::Msg;
use russh::{Channel, ChannelMsg};

use super::{Session, broken, quoted};
use crate::provider::ProvisionError;

/// Bytes of a file that are sent at once.
const PIECE: usize = 32 * 1024;

impl Session {
    /// Writes a file with this mode.
    pub async fn upload(&self, content: &[u8], to: &str, mode: u32) -> Result<(), ProvisionError> {
        let (folder, name) = split(to);
        let mut copy = Copy::start(self, &format!("scp -t {}", quoted(folder))).await?;
        copy.file(name, content, mode).await?;
        copy.end().await
    }

    /// Writes a folder with all that is in it; `whole` the folder itself, otherwise only what is in it.
    pub async fn upload_folder(&self, from: &Path, whole: bool, to: &str) -> Result<(), ProvisionError> {
        let mut copy = Copy::start(self, &format!("scp -r -t {}", quoted(to))).await?;
        match from.file_name().and_then(|n| n.to_str()).filter(|_| whole) {
            Some(name) => copy.folder(name, from).await?,
            None => copy.content(from).await?,
        }
        copy.end().await
    }
}

/// The folder and the name of a path at the other end.
fn split(path: &str) -> (&str, &str) {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => (".", path),
    }
}

struct Copy {
    channel: Channel<Msg>,
    /// Answers that came before somebody waited for them.
    answers: Vec<u8>,
    complaint: String,
}

impl Copy {
    async fn start(session: &Session, command: &str) -> Result<Copy, ProvisionError> {
        let channel = session.open(command).await?;
        let mut copy = Copy { channel, answers: Vec::new(), complaint: String::new() };
        copy.agreed().await?;
        Ok(copy)
    }

    async fn file(&mut self, name: &str, content: &[u8], mode: u32) -> Result<(), ProvisionError> {
        self.say(format!("C{:04o} {} {name}\n", mode & 0o777, content.len()).as_bytes()).await?;
        self.agreed().await?;
        for piece in content.chunks(PIECE) {
            self.say(piece).await?;
        }
        self.say(&[0]).await?;
        self.agreed().await
    }

    fn folder<'c>(&'c mut self, name: &'c str, path: &'c Path) -> Walk<'c> {
        Box::pin(async move {
            self.say(format!("D0755 0 {name}\n").as_bytes()).await?;
            self.agreed().await?;
            self.content(path).await?;
            self.say(b"E\n").await?;
            self.agreed().await
        })
    }

    async fn content(&mut self, path: &Path) -> Result<(), ProvisionError> {
        let unreadable = |at: &Path, error: std::io::Error| {
            ProvisionError::new(format!("\"{}\" cannot be read: {error}", at.display()))
        };
        let entries = std::fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let mut entries = entries.map_err(|e| unreadable(path, e))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let at = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return Err(ProvisionError::new(format!("the name of \"{}\" is not UTF-8", at.display())));
            };
            let metadata = std::fs::metadata(&at).map_err(|e| unreadable(&at, e))?;
            if metadata.is_dir() {
                self.folder(&name, &at).await?;
            } else {
                let content = std::fs::read(&at).map_err(|e| unreadable(&at, e))?;
                self.file(&name, &content, mode(&metadata)).await?;
            }
        }
        Ok(())
    }

    async fn say(&self, bytes: &[u8]) -> Result<(), ProvisionError> {
        self.channel.data_bytes(bytes.to_vec()).await.map_err(|e| broken(&e))
    }

    /// Waits for the other side's answer: a zero, or a complaint that ends with its line.
    async fn agreed(&mut self) -> Result<(), ProvisionError> {
        while self.answers.is_empty() || !matches!(self.answers.first(), Some(0)) && !self.answers.contains(&b'\n') {
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => self.answers.extend_from_slice(&data),
                Some(ChannelMsg::ExtendedData { data, .. }) => self.complaint.push_str(&String::from_utf8_lossy(&data)),
                Some(ChannelMsg::ExitStatus { .. } | ChannelMsg::Eof | ChannelMsg::Close) | None => {
                    return Err(self.refused(String::new()));
                }
                Some(_) => (),
            }
        }
        if self.answers.first() == Some(&0) {
            self.answers.remove(0);
            return Ok(());
        }
        let end = self.answers.iter().position(|b| *b == b'\n').unwrap_or(self.answers.len());
        let line = self.answers.get(1..end).unwrap_or_default();
        let line = String::from_utf8_lossy(line).into_owned();
        Err(self.refused(line))
    }

    fn refused(&self, line: String) -> ProvisionError {
        let said = if line.is_empty() { self.complaint.trim() } else { line.trim() };
        let said = if said.is_empty() { "it gave no reason" } else { said };
        ProvisionError::new(format!("the machine did not take the copy: {said}")).help(
            "the folder of the destination must be there and be writable, and scp must be installed on the machine",
        )
    }

    async fn end(mut self) -> Result<(), ProvisionError> {
        self.channel.eof().await.map_err(|e| broken(&e))?;
        while let Some(message) = self.channel.wait().await {
            match message {
                ChannelMsg::ExitStatus { exit_status: 0 } => return Ok(()),
                ChannelMsg::ExitStatus { .. } => return Err(self.refused(String::new())),
                ChannelMsg::ExtendedData { data, .. } => self.complaint.push_str(&String::from_utf8_lossy(&data)),
                _ => (),
            }
        }
        Ok(())
    }
}

/// A folder in a folder is a call within the call.
type Walk<'c> = Pin<Box<dyn Future<Output = Result<(), ProvisionError>> + Send + 'c>>;

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> u32 {
    0o644
}
