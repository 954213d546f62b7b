//! `terrane history`: the earlier generations of a state.

use std::path::PathBuf;

use serde_json::json;

use super::super::context::Common;
use super::super::error::Failure;
use super::Call;
use crate::ops::Access;
use crate::ops::rollback::{self, Difference};
use crate::state::lease::moment;
use crate::state::{Generation, RowKey};

/// Lists the generations of the state that are kept: who changed what, and when.
///
/// Example: terrane history
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct History {
    #[command(flatten)]
    pub common: Common,

    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
}

#[derive(Debug, clap::Subcommand)]
pub enum HistoryCommand {
    /// Shows what one generation changed.
    ///
    /// Example: terrane history show 12
    Show {
        #[command(flatten)]
        common: Common,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
        /// The generation's number: the serial of the state.
        #[arg(value_name = "N")]
        serial: u64,
        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl History {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        match self.command {
            None => list(&self.common, self.folder, self.json, call),
            Some(HistoryCommand::Show { common, json, serial, folder }) => show(&common, folder, serial, json, call),
        }
    }

    pub fn common(&self) -> &Common {
        match &self.command {
            None => &self.common,
            Some(HistoryCommand::Show { common, .. }) => common,
        }
    }
}

fn list(common: &Common, folder: Option<PathBuf>, as_json: bool, call: &mut Call) -> Result<u8, Failure> {
    let session = super::state::open(common, folder, Access::Read, call)?;
    let generations = session.store_to_look()?.generations().wait()?;
    if as_json {
        let all: Vec<_> = generations.iter().map(generation_json).collect();
        call.terminal.line(&json!({"format_version": "1.0", "generations": all}).to_string());
        return Ok(0);
    }
    let mut text = String::new();
    for g in &generations {
        let counts = format!("{} added, {} changed, {} removed", g.added, g.changed, g.removed);
        text.push_str(&format!("{:>6}  {}  {:<18}  {counts}  {}\n", g.serial, moment(g.began), g.operation, g.who));
    }
    text.push_str(&format!("{} generation(s) kept.\n", generations.len()));
    call.terminal.print(&text);
    Ok(0)
}

fn generation_json(g: &Generation) -> serde_json::Value {
    json!({
        "serial": g.serial, "began": moment(g.began), "who": &*g.who, "operation": &*g.operation,
        "added": g.added, "changed": g.changed, "removed": g.removed, "configuration": g.has_run,
    })
}

fn show(common: &Common, folder: Option<PathBuf>, serial: u64, as_json: bool, call: &mut Call) -> Result<u8, Failure> {
    let session = super::state::open(common, folder, Access::Read, call)?;
    let store = session.store_to_look()?;
    let past = rollback::past(&*store, serial).map_err(crate::model::Diagnostic::from)?;
    let before = past.before.as_ref().unwrap_or(&past.snapshot);
    let found = rollback::difference(before, &past.snapshot);
    let files: Vec<&str> = past.run.iter().flat_map(|run| run.sources.iter().map(|(path, _)| path.as_str())).collect();
    if as_json {
        let names = |keys: &[RowKey]| keys.iter().map(name).collect::<Vec<_>>();
        let mut json = generation_json(&past.generation);
        json["added"] = names(&found.added).into();
        json["changed"] = names(&found.changed).into();
        json["removed"] = names(&found.removed).into();
        json["outputs"] = found.outputs.iter().map(|n| n.to_string()).collect();
        json["sources"] = files.into();
        call.terminal.line(&json.to_string());
        return Ok(0);
    }
    let g = &past.generation;
    let mut text = format!("Generation {} of {}, by {} with \"{}\"\n\n", g.serial, moment(g.began), g.who, g.operation);
    text.push_str(&changes(&found));
    if !files.is_empty() {
        text.push_str(&format!("\nMade from: {}\n", files.join(", ")));
    }
    text.push_str(&format!("\nTo plan back to it, run:\n    terrane rollback {serial}\n"));
    call.terminal.print(&text);
    Ok(0)
}

/// What differs, one line each. Values stay out: they may be secret.
pub fn changes(found: &Difference) -> String {
    let mut text = String::new();
    for (mark, keys) in [("-", &found.removed), ("+", &found.added), ("~", &found.changed)] {
        keys.iter().for_each(|key| text.push_str(&format!("  {mark} {}\n", name(key))));
    }
    found.outputs.iter().for_each(|output| text.push_str(&format!("  ~ output {output}\n")));
    text
}

fn name(key: &RowKey) -> String {
    match &key.deposed {
        None => key.address.to_string(),
        Some(deposed) => format!("{} (deposed object {deposed})", key.address),
    }
}
