//! Logging in: with a key, with the keys of an agent, with a password.

use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::PrivateKeyWithHashAlg;

use super::settings::{Agent, Machine};
use super::{Refused, Server};

/// Tries what the connection gives, in the order in which servers are used to it.
pub async fn login(to: &mut Handle<Server>, machine: &Machine, agent: Option<&Agent>) -> Result<(), Refused> {
    if with_key(to, machine).await.map_err(lost)? {
        return Ok(());
    }
    if let Some(agent) = agent
        && machine.key.is_none()
        && with_agent(to, machine, agent).await?
    {
        return Ok(());
    }
    if let Some(password) = &machine.password
        && with_password(to, machine, password).await.map_err(lost)?
    {
        return Ok(());
    }
    Err(Refused::again(format!("it does not let \"{}\" in with what the connection gives", machine.user)))
}

fn lost(error: russh::Error) -> Refused {
    Refused::again(error.to_string())
}

async fn with_key(to: &mut Handle<Server>, machine: &Machine) -> Result<bool, russh::Error> {
    let Some(key) = &machine.key else { return Ok(false) };
    if let Some(certificate) = &machine.certificate {
        let result = to.authenticate_openssh_cert(&machine.user, key.clone(), certificate.clone()).await?;
        return Ok(result.success());
    }
    let hash = to.best_supported_rsa_hash().await?.flatten();
    let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
    Ok(to.authenticate_publickey(&machine.user, key).await?.success())
}

/// A password, or the answer to a prompt for one.
async fn with_password(to: &mut Handle<Server>, machine: &Machine, password: &str) -> Result<bool, russh::Error> {
    let prompts = match to.authenticate_password(&machine.user, password).await? {
        AuthResult::Success => return Ok(true),
        AuthResult::Failure { remaining_methods, .. } => remaining_methods.contains(&MethodKind::KeyboardInteractive),
    };
    if !prompts {
        return Ok(false);
    }
    let mut answer = to.authenticate_keyboard_interactive_start(&machine.user, None).await?;
    loop {
        answer = match answer {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| password.to_string()).collect();
                to.authenticate_keyboard_interactive_respond(answers).await?
            }
        };
    }
}

#[cfg(unix)]
async fn with_agent(to: &mut Handle<Server>, machine: &Machine, agent: &Agent) -> Result<bool, Refused> {
    use russh::keys::agent::client::AgentClient;

    let silent = |error: &dyn std::fmt::Display| Refused::again(format!("the SSH agent does not answer: {error}"));
    let mut client = AgentClient::connect_uds(&agent.socket).await.map_err(|e| silent(&e))?;
    let mut identities = client.request_identities().await.map_err(|e| silent(&e))?;
    if let Some(wanted) = &agent.identity {
        let is_wanted = |key: &russh::keys::PublicKey, comment: &str| {
            comment == wanted || key.to_openssh().is_ok_and(|text| text.starts_with(wanted.trim()))
        };
        identities.sort_by_key(|i| !is_wanted(&i.public_key(), i.comment()));
    }
    let hash = to.best_supported_rsa_hash().await.map_err(lost)?.flatten();
    for identity in identities {
        let key = identity.public_key().into_owned();
        // A key that the agent cannot use is as one that the server does not take.
        let tried = to.authenticate_publickey_with(&machine.user, key, hash, &mut client).await;
        if tried.is_ok_and(|result| result.success()) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(not(unix))]
async fn with_agent(_: &mut Handle<Server>, _: &Machine, _: &Agent) -> Result<bool, Refused> {
    Ok(false)
}
