//! `terrane providers`: which providers a configuration needs, and what they offer.

use std::path::PathBuf;

use super::super::context::{Common, Place, enter, load_here};
use super::super::error::Failure;
use super::Call;
use crate::model::{Diagnostic, Mode};
use crate::ops::{Access, Providers as Known, Session, functions, required};
use crate::providers::by_source;
use crate::render::json::{ProviderSchemas, provider_schemas_json};
use crate::render::provider_tree::provider_tree_text;
use crate::spec::Schemas;

/// Shows which providers the modules of a configuration need.
///
/// Example: terrane providers
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Providers {
    #[command(flatten)]
    pub common: Common,

    #[command(subcommand)]
    pub command: Option<ProvidersCommand>,

    /// The folder of the root module.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
pub enum ProvidersCommand {
    /// Prints the schemas of the providers that the configuration needs, as one JSON object.
    ///
    /// Example: terrane providers schema -json
    Schema {
        #[command(flatten)]
        common: Common,

        /// Prints JSON: there is no other form.
        #[arg(long)]
        json: bool,

        /// Prints the schemas of all providers of this program.
        #[arg(long)]
        all: bool,

        /// The folder of the root module.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl Providers {
    pub fn run(self, call: &mut Call) -> Result<u8, Failure> {
        match self.command {
            Some(ProvidersCommand::Schema { common: _, json, all, folder }) => schema(json, all, folder, call),
            None => {
                let place = enter(call.chdir.as_deref(), self.folder.as_deref())?;
                tree(&self.common, &place, call)
            }
        }
    }
}

fn tree(common: &Common, place: &Place, call: &mut Call) -> Result<u8, Failure> {
    let session = Session::open(common.settings(call.environment, place)?, Access::Read)?;
    call.terminal.diagnostics(&session.loaded.diagnostics, &session.sources);
    if session.loaded.diagnostics.has_errors() {
        return Ok(1);
    }
    let root = required::tree(&session.loaded.spec);
    call.terminal.print(&provider_tree_text(&root, &required::of_state(&session.snapshot)));
    Ok(0)
}

fn schema(json: bool, all: bool, folder: Option<PathBuf>, call: &mut Call) -> Result<u8, Failure> {
    if !json {
        return Err(Diagnostic::error("schemas are printed as JSON only").help("add -json").into());
    }
    enter(call.chdir.as_deref(), folder.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(crate::ops::SessionError::from)?;
    let known = Known::new(runtime.handle().clone(), None);
    let names: Vec<&str> = match all {
        true => known.names().collect(),
        false => {
            let loaded = load_here(call.environment, &known);
            call.terminal.diagnostics(&loaded.diagnostics, &loaded.spec.sources);
            if loaded.diagnostics.has_errors() {
                return Ok(1);
            }
            let sources = required::sources(&required::tree(&loaded.spec));
            sources.iter().filter_map(|s| by_source(s)).map(|r| r.name).collect()
        }
    };
    let schemas = names.into_iter().filter_map(|name| of_provider(&known, name));
    call.terminal.line(&provider_schemas_json(schemas).to_string());
    Ok(0)
}

fn of_provider<'k>(known: &'k Known, name: &str) -> Option<ProviderSchemas<'k>> {
    let def = known.definition(name)?;
    let named = |types: Vec<&'static str>, mode: Mode| {
        types.into_iter().filter_map(|ty| Some((ty, Schemas::resource(known, mode, ty)?))).collect()
    };
    Some(ProviderSchemas {
        source: crate::render::json::full_source(def.name(), def.source()),
        config: def.config_schema(),
        resources: named(def.resource_types(), Mode::Managed),
        data_sources: named(def.data_types(), Mode::Data),
        ephemeral_resources: named(def.ephemeral_types(), Mode::Ephemeral),
        functions: functions::provider_signatures(&**def),
    })
}
