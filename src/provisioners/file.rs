//! `file`: copies text, a file or a folder to the machine that the connection leads to.

use super::Provisioners;
use super::ssh::{Session, Settings};
use crate::provider::{Job, ProvisionError};

pub async fn run(here: &Provisioners, job: &Job) -> Result<(), ProvisionError> {
    let destination = job.config.str("destination").unwrap_or_default();
    if destination.is_empty() {
        return Err(ProvisionError::new("the destination is empty"));
    }
    let source = job.config.str("source").map(|written| (written, here.path(written)));
    if let Some((written, path)) = &source
        && let Err(error) = std::fs::metadata(path)
    {
        return Err(ProvisionError::new(format!("the source \"{written}\" cannot be read: {error}")));
    }
    let settings = Settings::read(job, here)?;
    let session = Session::connect(&settings, job).await?;
    match source {
        None => session.upload(job.config.str("content").unwrap_or_default().as_bytes(), destination, 0o644).await?,
        // A slash at the end means what is in the folder, not the folder itself.
        Some((written, path)) if path.is_dir() => {
            session.upload_folder(&path, !written.ends_with('/'), destination).await?;
        }
        Some((written, path)) => {
            let text = std::fs::read(&path)
                .map_err(|error| ProvisionError::new(format!("the source \"{written}\" cannot be read: {error}")))?;
            session.upload(&text, destination, 0o644).await?;
        }
    }
    session.close().await;
    Ok(())
}
