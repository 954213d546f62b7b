//! `filter { name = …, values = […] }` of data sources, as the API documents the filters of each operation; and what
//! data sources ask for by arguments of their own.

use aws_sdk_ec2::types::Filter as ApiFilter;

use super::object::filter;
use crate::provider::schema_words::{BlockWord, set_block, string, string_set};
use crate::provider::{Config, ErrorKind, ProviderError};

pub(super) fn block() -> BlockWord {
    set_block().attr("name", string().required(), "Name of the filter.").attr(
        "values",
        string_set().required(),
        "The values that pass.",
    )
}

/// The filters of the configuration's blocks.
pub(super) fn written(config: &Config) -> Vec<ApiFilter> {
    let blocks = config.blocks("filter");
    blocks.iter().filter_map(|f| Some(filter(f.str("name")?, f.strings("values")))).collect()
}

/// All filters: those of blocks, of tags, and of `arguments`, each with the name of its filter.
pub(super) fn asked(config: &Config, arguments: &[(&str, &str)]) -> Vec<ApiFilter> {
    let said = |name: &str| {
        let text = config.string(name).filter(|s| !s.is_empty());
        text.or_else(|| config.bool(name).map(|on| on.to_string()))
    };
    let own = arguments.iter().filter_map(|(argument, name)| Some(filter(name, [said(argument)?])));
    let tags = config.string_map("tags").into_iter().map(|(key, value)| filter(&format!("tag:{key}"), [value]));
    own.chain(tags).chain(written(config)).collect()
}

/// The one that was found; `what` is what was looked for, such as `VPC`.
pub(super) fn only<A>(found: Vec<A>, what: &str) -> Result<A, ProviderError> {
    let count = found.len();
    match <[A; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(_) if count == 0 => {
            Err(ProviderError::new(ErrorKind::NotFound, format!("there is no {what} that matches")))
        }
        Err(_) => Err(ProviderError::invalid(format!("{count} {what}s match"))
            .help("add arguments or filters that leave one of them")),
    }
}
