//! `remote-exec`: runs commands or scripts on the machine that the connection leads to.

use std::time::{SystemTime, UNIX_EPOCH};

use super::ssh::{Session, Settings};
use super::{Lines, Provisioners, failure};
use crate::provider::{Job, ProvisionError};

pub async fn run(here: &Provisioners, job: &Job) -> Result<(), ProvisionError> {
    let scripts = scripts(here, job)?;
    let settings = Settings::read(job, here)?;
    let session = Session::connect(&settings, job).await?;
    for (number, (name, script)) in scripts.iter().enumerate() {
        run_script(&session, &settings, job, number, name, script).await?;
    }
    session.close().await;
    Ok(())
}

/// What is to be run: the name for messages, and the text.
fn scripts(here: &Provisioners, job: &Job) -> Result<Vec<(String, Vec<u8>)>, ProvisionError> {
    let inline = job.config.strings("inline");
    if job.config.get("inline").is_some_and(|v| !v.is_null()) {
        return Ok(vec![("the inline script".to_string(), format!("{}\n", inline.join("\n")).into_bytes())]);
    }
    let files = match job.config.string("script") {
        Some(one) => vec![one],
        None => job.config.strings("scripts"),
    };
    let read = |file: String| match std::fs::read(here.path(&file)) {
        Ok(text) => Ok((format!("\"{file}\""), text)),
        Err(error) => Err(ProvisionError::new(format!("the script \"{file}\" cannot be read: {error}"))),
    };
    files.into_iter().map(read).collect()
}

async fn run_script(
    session: &Session,
    settings: &Settings,
    job: &Job,
    number: usize,
    name: &str,
    script: &[u8],
) -> Result<(), ProvisionError> {
    let path = settings.script_path.replace("%RAND%", &unlike_others(number));
    let mut text = script.to_vec();
    if !settings.windows && !text.starts_with(b"#!") {
        text.splice(0..0, b"#!/bin/sh\n".iter().copied());
    }
    session.upload(&text, &path, 0o700).await?;
    let mut lines = Lines::new(job);
    let command = if settings.windows { path.clone() } else { super::ssh::quoted(&path) };
    let ended = session.exec(&command, &mut |bytes| lines.push(bytes)).await?;
    let printed = lines.finish();
    let remove = match settings.windows {
        true => format!("cmd /c del \"{}\"", path.replace('/', "\\")),
        false => format!("rm -f {}", super::ssh::quoted(&path)),
    };
    // A script that stays behind in the temporary folder does no harm: what it did counts.
    let _removed = session.exec(&remove, &mut |_| ()).await;
    match ended {
        Some(0) => Ok(()),
        Some(code) => Err(failure(job, format!("{name} ended with exit status {code}"), &printed)),
        None => Err(failure(job, format!("{name} ended without an exit status"), &printed)),
    }
}

/// Digits that no other script on the machine has.
fn unlike_others(number: usize) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_nanos()).unwrap_or_default();
    format!("{}{number}", since % 1_000_000_000_000 + u128::from(std::process::id()))
}
