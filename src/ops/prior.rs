//! From the rows of a state to the objects that the planner starts from.

use std::collections::HashMap;
use std::sync::Arc;

use super::providers::Providers;
use crate::model::{Diagnostic, Diagnostics, Mode, Schema, Str, Type};
use crate::plan::prior::mark_schema;
use crate::plan::{Prior, PriorObject, ProviderName};
use crate::state::{Snapshot, Status, StoredInstance, StoredProvider};

/// Rows that one thread decodes at least: fewer are done before another has begun.
const SHARE: usize = 2_000;

/// Decodes all rows. Rows that can't be decoded are errors: planning without them would create them again.
pub fn decode(snapshot: &Snapshot, providers: &Providers) -> (Prior, Diagnostics) {
    let rows = snapshot.rows();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(rows.len().div_ceil(SHARE)).max(1);
    let mut shares = rows.chunks(rows.len().div_ceil(threads).max(1));
    let first = shares.next().unwrap_or_default();
    let (objects, problems) = std::thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| scope.spawn(|| decode_rows(snapshot, share, providers))).collect();
        let (mut objects, mut problems) = decode_rows(snapshot, first, providers);
        objects.reserve(rows.len() - first.len());
        for other in others {
            let (more, wrong) = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            objects.extend(more);
            problems.extend(wrong);
        }
        (objects, problems)
    });
    let outputs = snapshot.outputs.iter().map(|(name, output)| (name.clone(), output.marked()));
    let prior =
        Prior { lineage: snapshot.lineage.clone(), serial: snapshot.serial, objects, outputs: outputs.collect() };
    (prior, problems)
}

fn decode_rows(
    snapshot: &Snapshot,
    rows: &[Arc<StoredInstance>],
    providers: &Providers,
) -> (Vec<PriorObject>, Diagnostics) {
    let mut decoder = Decoder { providers, types: HashMap::new(), names: HashMap::new() };
    let mut problems = Diagnostics::new();
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        match decoder.object(row) {
            Ok(object) => objects.push(PriorObject { is_ending: snapshot.is_ending(row), ..object }),
            // It is read again anyway.
            Err(_) if row.address.resource.mode == Mode::Data => (),
            Err(problem) => problems.push(problem),
        }
    }
    (objects, problems)
}

struct Decoder<'p> {
    providers: &'p Providers,
    types: HashMap<(Mode, Str), Option<(Arc<Schema>, Type)>>,
    names: HashMap<*const StoredProvider, ProviderName>,
}

impl Decoder<'_> {
    fn object(&mut self, row: &Arc<StoredInstance>) -> Result<PriorObject, Diagnostic> {
        let address = &row.address;
        let name = row.provider.short_name();
        let key = (address.resource.mode, address.resource.ty.clone());
        let found = self.types.entry(key).or_insert_with(|| {
            let schema = self.providers.shared_schema(name, address.resource.mode, address.ty())?;
            let ty = schema.block.ty();
            Some((schema, ty))
        });
        let Some((schema, ty)) = found else {
            return Err(Diagnostic::error(format!("{address} is of a type that no provider here has"))
                .address(address.clone())
                .detail(format!("the state has it from the provider \"{}\"", row.provider.source))
                .help(format!("take it out of the state with: terrane state rm '{address}'")));
        };
        let value = row.decode_marked(ty).map_err(|error| {
            Diagnostic::error(format!("the state's row of {address} does not fit its schema"))
                .address(address.clone())
                .detail(error.to_string())
        })?;
        let provider = self.names.entry(Arc::as_ptr(&row.provider)).or_insert_with(|| provider_name(&row.provider));
        Ok(PriorObject {
            address: address.clone(),
            deposed: row.deposed.clone(),
            provider: provider.clone(),
            id: row.remote_id.clone().unwrap_or_default(),
            value: mark_schema(value, &schema.block),
            tainted: row.status == Status::Tainted,
            is_ending: false,
            dependencies: row.dependencies.clone(),
            create_before_destroy: row.create_before_destroy,
            written: row.updated,
        })
    }
}

/// The provider of a row as plans name it.
pub fn provider_name(stored: &StoredProvider) -> ProviderName {
    let source = stored.source.strip_prefix("registry.terraform.io/").unwrap_or(&stored.source);
    ProviderName {
        name: stored.short_name().into(),
        source: source.into(),
        alias: stored.alias.clone(),
        module: stored.module.without_keys(),
        key: stored.key.clone(),
    }
}
