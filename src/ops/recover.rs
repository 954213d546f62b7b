//! What an interrupted run left open: calls that were announced in the journal and whose outcome nobody wrote down.

use std::sync::Arc;

use crate::apply::Cloud;
use crate::model::{Diagnostic, Diagnostics, Mode, Object, Str};
use crate::plan::Planned;
use crate::plan::prior::mark_schema;
use crate::plan::refresh::provider_of_state;
use crate::provider::{IdempotencyKey, Stored};
use crate::state::{Change, Intent, IntentOperation, StateError, Store, StoredInstance};

pub struct Settled {
    /// Whether rows were added.
    pub changed: bool,
    /// What was found, as warnings.
    pub notes: Diagnostics,
}

/// Settles all open intents. An object that an interrupted create made is taken into the state; updates and
/// deletes are settled by reading the object again, which the plan does anyway.
pub async fn settle(store: &dyn Store, cloud: &dyn Cloud, planned: &Planned) -> Result<Settled, StateError> {
    let mut settled = Settled { changed: false, notes: Diagnostics::new() };
    for intent in store.open_intents().await? {
        let end = Change::End(intent.key.clone());
        if intent.operation != IntentOperation::Create {
            store.commit(vec![end]).await?;
            continue;
        }
        match find(cloud, planned, &intent).await {
            Ok(Some(row)) => {
                settled.notes.push(
                    Diagnostic::warning(format!("{} was created by a run that was interrupted", intent.address))
                        .address(intent.address.clone())
                        .detail("it was found again and is in the state now"),
                );
                store.commit(vec![Change::Put(Arc::new(row)), end]).await?;
                settled.changed = true;
            }
            Ok(None) => store.commit(vec![end]).await?,
            // It stays open: the next run asks again.
            Err(problem) => settled.notes.push(problem),
        }
    }
    Ok(settled)
}

async fn find(cloud: &dyn Cloud, planned: &Planned, intent: &Intent) -> Result<Option<StoredInstance>, Diagnostic> {
    let provider = super::prior::provider_name(&intent.provider);
    let ty = intent.address.ty();
    let Some(schema) = cloud.schema(&provider.name, Mode::Managed, ty) else { return Ok(None) };
    let world = &planned.world;
    let found = provider_of_state(&world.spec, &world.graph.tree, &provider);
    let Some(cell) = world.provider_cell(0, &found) else { return Ok(None) };
    let connection = cloud.connect(&cell.instance).await?;
    let object_type = schema.block.ty();
    let desired = intent.desired.as_ref().and_then(|d| crate::state::body::decode(d, &object_type).ok());
    let desired = Object::new(&desired.unwrap_or(crate::model::Value::NULL));
    let key = IdempotencyKey(intent.key.clone());
    let stored: Option<Stored> = connection.find_by_key(ty, &key, &desired).await.map_err(|error| {
        Diagnostic::warning(format!("whether {} was created by an interrupted run is not known", intent.address))
            .address(intent.address.clone())
            .detail(error.to_string())
            .help("look for it at the provider, and import it if it is there")
    })?;
    let Some(stored) = stored else { return Ok(None) };
    let value = mark_schema(stored.object.value(), &schema.block);
    let mut row = StoredInstance::new(intent.address.clone(), intent.provider.clone(), &value, &object_type);
    row.remote_id = Some(Str::clone(&stored.id.0));
    row.schema_version = schema.version;
    Ok(Some(row.with_private(stored.private.as_ref())))
}
