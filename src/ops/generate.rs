//! Writes configuration for imported objects that have none.

use std::collections::BTreeMap;

use super::{Access, Session, SessionError, Settings};
use super::{Providers, load};
use crate::model::{Address, Str};
use crate::plan::{Options, Planned, Unconfigured};
use crate::render::configuration_text::{Written, resource_text};
use crate::spec::Schemas;

const HEAD: &str = "# Written from imported objects. Review it, and move it to where it belongs.\n";

/// The blocks of the objects that a plan imported without configuration, by address.
pub fn blocks(planned: &Planned, providers: &Providers) -> BTreeMap<Address, String> {
    let one = |found: &Unconfigured| {
        let address = &found.address;
        let schema = Schemas::resource(providers, address.resource.mode, address.ty())?;
        let (name, alias) = &found.provider;
        let provider = alias.as_ref().map(|alias| format!("{name}.{alias}"));
        let written = Written { address, block: &schema.block, object: &found.object, provider, id: &found.id };
        Some((address.clone(), resource_text(&written)))
    };
    planned.unconfigured.iter().filter_map(one).collect()
}

/// The text of the file that holds the blocks.
pub fn file_text(blocks: &BTreeMap<Address, String>) -> String {
    let texts: Vec<&str> = blocks.values().map(String::as_str).collect();
    format!("{HEAD}\n{}", texts.join("\n"))
}

/// The session again with one more file, which is called `name` for its messages, and the options to plan with.
pub fn with_file(
    session: &Session,
    settings: Settings,
    name: &str,
    blocks: &BTreeMap<Address, String>,
    options: &Options,
) -> Result<(Session, Options), SessionError> {
    let mut sources = crate::spec::bundle(&session.loaded.spec);
    sources.push((name.to_string(), file_text(blocks).into()));
    let again = Session::with(settings, Access::Read, |_, providers| {
        load::load_bundle(sources, providers, &options.inputs, &options.workspace)
    })?;
    let generated = blocks.iter().map(|(address, text)| (address.clone(), Str::from(text.as_str()))).collect();
    Ok((again, Options { generating: false, generated, ..options.clone() }))
}
