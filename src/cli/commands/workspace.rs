//! `terrane workspace`: several states of one configuration.

use std::path::PathBuf;

use super::super::context::{Common, enter};
use super::super::error::Failure;
use super::Call;
use crate::model::{Diagnostic, Mode};
use crate::ops::elsewhere::{self, OpenState};
use crate::ops::{Access, Session, adopting};
use crate::state::{Intent, IntentOperation, Snapshot, Workspace as Name};

/// Lists, makes, chooses and deletes workspaces: several states of one configuration.
#[derive(Debug, clap::Args)]
pub struct Workspace {
    #[command(subcommand)]
    pub command: WorkspaceCommand,
}

#[derive(Debug, clap::Subcommand)]
pub enum WorkspaceCommand {
    /// Lists the workspaces; a star marks the chosen one.
    ///
    /// Example: terrane workspace list
    List {
        #[command(flatten)]
        common: Common,
        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Prints the name of the chosen workspace.
    ///
    /// Example: terrane workspace show
    Show {
        #[command(flatten)]
        common: Common,
    },
    /// Makes a workspace and chooses it.
    ///
    /// Example: terrane workspace new blue
    New {
        #[command(flatten)]
        common: Common,
        /// Begins with the state in this file: a terraform.tfstate, or a state of Terrane.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        #[arg(value_name = "NAME")]
        name: String,
        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Chooses a workspace.
    ///
    /// Example: terrane workspace select default
    Select {
        #[command(flatten)]
        common: Common,
        /// Makes it where there is none.
        #[arg(long)]
        or_create: bool,
        #[arg(value_name = "NAME")]
        name: String,
        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Deletes a workspace with its state.
    ///
    /// Example: terrane workspace delete blue
    Delete {
        #[command(flatten)]
        common: Common,
        /// Deletes it even where its state has objects, which live on.
        #[arg(long)]
        force: bool,
        #[arg(value_name = "NAME")]
        name: String,
        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl Workspace {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        match self.command {
            WorkspaceCommand::List { common, folder } => list(&open(&common, folder, call)?, call)?,
            WorkspaceCommand::Show { common } => {
                let place = enter(call.chdir.as_deref(), None)?;
                call.terminal.line(common.settings(call.environment, &place)?.workspace.name());
            }
            WorkspaceCommand::New { common, state, name, folder } => {
                let session = open(&common, folder, call)?;
                check_free_to_choose(call)?;
                let name = super::state::workspace(&name)?;
                if session.workspaces()?.contains(&name) {
                    return Err(Diagnostic::error(format!("Workspace \"{name}\" already exists"))
                        .help(format!("choose it with: terrane workspace select {name}"))
                        .into());
                }
                // Read first: a file that cannot be used must not leave an empty workspace behind.
                let start = state.as_deref().map(|path| elsewhere::read(&session, path)).transpose()?.flatten();
                create(session, &name, start, call)?;
            }
            WorkspaceCommand::Select { common, or_create, name, folder } => {
                select(open(&common, folder, call)?, &name, or_create, call)?;
            }
            WorkspaceCommand::Delete { common, force, name, folder } => {
                delete(open(&common, folder, call)?, &name, force, call)?;
            }
        }
        Ok(0)
    }

    /// The options that all of them share.
    pub fn common(&self) -> &Common {
        match &self.command {
            WorkspaceCommand::List { common, .. }
            | WorkspaceCommand::Show { common }
            | WorkspaceCommand::New { common, .. }
            | WorkspaceCommand::Select { common, .. }
            | WorkspaceCommand::Delete { common, .. } => common,
        }
    }
}

fn open(common: &Common, folder: Option<PathBuf>, call: &mut Call) -> Result<Session, Failure> {
    super::state::open(common, folder, Access::Nothing, call)
}

fn list(session: &Session, call: &mut Call) -> Result<(), Failure> {
    let chosen = &session.settings.workspace;
    let mut names = session.workspaces()?;
    // One that was chosen by the environment and has no state yet.
    if !names.contains(chosen) {
        names.push(chosen.clone());
        names.sort();
    }
    let default = names.iter().filter(|n| n.is_default());
    let others = names.iter().filter(|n| !n.is_default());
    let line = |name: &Name| format!("{} {name}\n", if name == chosen { "*" } else { " " });
    let lines: String = default.chain(others).map(line).collect();
    call.terminal.line(&lines);
    Ok(())
}

fn create(mut session: Session, name: &Name, start: Option<Snapshot>, call: &mut Call) -> Result<(), Failure> {
    session.create_workspace(name)?;
    if let Some(start) = start {
        let state = OpenState::of_workspace(&mut session, name, "workspace new")?;
        let change = adopting::adopt(&state.snapshot, start, false)?;
        state.commit(change.into_iter().collect())?;
    }
    session.choose_workspace(name)?;
    call.terminal.print(&format!(
        "Created and switched to workspace \"{name}\"!\n\n\
         You're now on a new, empty workspace. Workspaces isolate their state,\n\
         so if you run \"terrane plan\" Terrane will not see any existing state\n\
         for this configuration.\n"
    ));
    Ok(())
}

fn select(session: Session, name: &str, or_create: bool, call: &mut Call) -> Result<(), Failure> {
    check_free_to_choose(call)?;
    let name = super::state::workspace(name)?;
    if session.workspaces()?.contains(&name) {
        if name != session.settings.workspace {
            session.choose_workspace(&name)?;
            call.terminal.line(&format!("Switched to workspace \"{name}\"."));
        }
        return Ok(());
    }
    match or_create {
        true => create(session, &name, None, call),
        false => Err(missing(&session, &name)),
    }
}

fn delete(mut session: Session, name: &str, force: bool, call: &mut Call) -> Result<(), Failure> {
    let name = super::state::workspace(name)?;
    if name == session.settings.workspace {
        return Err(Diagnostic::error(format!("Workspace \"{name}\" is your active workspace"))
            .help("choose another one first: terrane workspace select default")
            .into());
    }
    if name.is_default() {
        return Err(Diagnostic::error("the default workspace cannot be deleted").into());
    }
    if !session.workspaces()?.contains(&name) {
        return Err(missing(&session, &name));
    }
    // Under its lock: nobody may be in the middle of a run there.
    let state = OpenState::of_workspace(&mut session, &name, "workspace delete")?;
    let open: Vec<Intent> =
        state.open_intents()?.into_iter().filter(|intent| intent.operation == IntentOperation::Create).collect();
    if !open.is_empty() && !force {
        let shown: Vec<String> = open.iter().map(|intent| format!("  - {}", intent.address)).collect();
        return Err(Diagnostic::error(format!("Workspace \"{name}\" has creations whose outcome is not known"))
            .detail(format!("a run was interrupted while it made these:\n{}", shown.join("\n")))
            .help("apply there: what was made is found; -force forgets it")
            .into());
    }
    let managed = state.snapshot.rows().iter().filter(|r| r.address.resource.mode == Mode::Managed);
    let listed: Vec<String> = managed.map(|row| format!("  - {}", row.address)).collect();
    if !listed.is_empty() && !force {
        let shown = listed.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        let more = listed.len().saturating_sub(20);
        let rest = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        return Err(Diagnostic::error(format!("Workspace \"{name}\" is not empty"))
            .detail(format!("it has these resource instances, which nobody would know of any more:\n{shown}{rest}"))
            .help("destroy them first; -force forgets them and leaves them as they are")
            .into());
    }
    session.delete_workspace(&name)?;
    drop(state);
    call.terminal.line(&format!("Deleted workspace \"{name}\"!"));
    if !listed.is_empty() {
        call.terminal.print(&format!(
            "WARNING: \"{name}\" was non-empty.\n\
             The resources managed by the deleted workspace may still exist,\n\
             but are no longer manageable by Terrane since the state has\n\
             been deleted.\n"
        ));
    }
    Ok(())
}

fn missing(session: &Session, name: &Name) -> Failure {
    let known = session.workspaces().unwrap_or_default();
    Diagnostic::error(format!("Workspace \"{name}\" doesn't exist"))
        .did_you_mean(name.name(), known.iter().map(Name::name))
        .help(format!("make it with: terrane workspace new {name}"))
        .into()
}

/// What the environment chooses cannot be chosen otherwise.
fn check_free_to_choose(call: &Call) -> Result<(), Failure> {
    match call.environment.setting("WORKSPACE") {
        None => Ok(()),
        Some(name) => Err(Diagnostic::error(format!("the environment chooses the workspace \"{name}\""))
            .help("unset TF_WORKSPACE and TERRANE_WORKSPACE first")
            .into()),
    }
}
