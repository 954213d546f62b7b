//! Encryption of a state that is there: whether it is sealed with another key than it is to be, and sealing it anew.
//!
//! The row of a state names the key that its values are sealed with, in wrapped form: runs that share the key for
//! writing share this one, too, so that readers unwrap one key and not one for each run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_postgres::Client;

use super::Database;
use super::rows;
use crate::state::{Lease, StateError};

/// Whether values are sealed otherwise than they would be now.
pub async fn is_due(database: &Database, client: &Client, workspace: &str) -> Result<bool, StateError> {
    let sql = database.statement("SELECT sealed_with FROM SCHEMA.terrane_states WHERE workspace = $1");
    let row = client.query_opt(&sql, &[&workspace]).await.map_err(|e| database.told(&e))?;
    let Some(row) = row else { return Ok(false) };
    let wrapped = match row.get::<_, &str>(0) {
        "" => None,
        text => Some(STANDARD.decode(text).map_err(|_| StateError::Refused {
            place: database.place.clone(),
            detail: "its key is not what was written".to_string(),
        })?),
    };
    database.envelopes.differs(wrapped.as_deref()).map_err(|e| StateError::sealed(&database.place, &e))
}

/// Seals everything as it is to be sealed now, or writes it in clear, under a lock of the whole state.
pub async fn all(
    database: &Database,
    client: &mut Client,
    workspace: &str,
    held: Option<&Lease>,
) -> Result<(), StateError> {
    let told = |e: tokio_postgres::Error| database.told(&e);
    let tx = client.transaction().await.map_err(told)?;
    rows::take(database, tx.client(), workspace).await?;
    if let Some(held) = held {
        rows::check(database, tx.client(), workspace, held).await?;
    }
    rows::write_anew(database, tx.client(), workspace).await?;
    let wrapped = database.envelopes.wrapped().map_err(|e| StateError::sealed(&database.place, &e))?;
    let with = wrapped.map(|wrapped| STANDARD.encode(wrapped)).unwrap_or_default();
    let sql = database.statement("UPDATE SCHEMA.terrane_states SET sealed_with = $2 WHERE workspace = $1");
    tx.execute(&sql, &[&workspace, &with]).await.map_err(told)?;
    tx.commit().await.map_err(told)
}
