//! Ephemeral resources: opened when a run needs them, renewed while it lasts, closed when it ends. What they give
//! is in no plan and no state.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::resource::{DataBuilder, data_source};
use super::schema_words::{AttributeWord, BlockWord};
use super::{Config, Connection, Operation, ProviderError};
use crate::model::{Address, Object, Schema, Str};

/// What opening gave.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The complete object, configuration included.
    pub object: Object,
    pub hold: Hold,
}

/// What renewing and closing need.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    /// The driver's own memory.
    pub private: Option<serde_json::Value>,
    /// After how long it must be renewed; never where nothing is said.
    pub renew_after: Option<Duration>,
}

/// Drives one type of ephemeral resource over a connection `C`.
#[async_trait]
pub trait EphemeralDriver<C: Send + Sync>: Send + Sync {
    async fn open(&self, cloud: &C, config: &Config, op: &Operation) -> Result<Opened, ProviderError>;

    /// Keeps it open for longer. The default is for types that do not expire.
    async fn renew(&self, _cloud: &C, hold: Hold, _op: &Operation) -> Result<Hold, ProviderError> {
        Ok(Hold { renew_after: None, ..hold })
    }

    /// Gives it back. The default is for types that leave nothing behind.
    async fn close(&self, _cloud: &C, _hold: Hold, _op: &Operation) -> Result<(), ProviderError> {
        Ok(())
    }
}

/// One type of ephemeral resource of a provider whose connection is a `C`.
pub struct EphemeralType<C: Send + Sync> {
    pub name: &'static str,
    pub schema: Schema,
    pub driver: Arc<dyn EphemeralDriver<C>>,
}

/// Collects the schema; [`EphemeralBuilder::driver`] ends it.
pub struct EphemeralBuilder(DataBuilder);

pub fn ephemeral_resource(name: &'static str, doc: &'static str) -> EphemeralBuilder {
    EphemeralBuilder(data_source(name, doc))
}

impl EphemeralBuilder {
    pub fn attr(self, name: &'static str, word: AttributeWord, doc: &'static str) -> Self {
        EphemeralBuilder(self.0.attr(name, word, doc))
    }

    pub fn block(self, name: &'static str, word: BlockWord, doc: &'static str) -> Self {
        EphemeralBuilder(self.0.block(name, word, doc))
    }

    pub fn driver<C: Send + Sync>(self, driver: impl EphemeralDriver<C> + 'static) -> EphemeralType<C> {
        let (name, mut schema) = self.0.into_schema();
        // Nothing keeps it, so nothing needs to find it again.
        schema.block.attributes.retain(|a| &*a.name != "id");
        EphemeralType { name, schema, driver: Arc::new(driver) }
    }
}

/// An ephemeral resource that is open. It renews itself until it is closed.
pub struct Held {
    pub address: Address,
    ty: Str,
    connection: Arc<dyn Connection>,
    hold: Arc<Mutex<Hold>>,
    renewing: Option<JoinHandle<()>>,
    op: Operation,
}

impl Held {
    /// Holds what was opened. Must be called within a runtime.
    pub fn new(connection: Arc<dyn Connection>, hold: Hold, op: Operation) -> Held {
        let ty = op.address.ty().clone();
        let mut held =
            Held { address: op.address.clone(), ty, connection, hold: Arc::new(Mutex::new(hold)), renewing: None, op };
        if held.now().renew_after.is_some() {
            let (connection, hold, ty, op) =
                (held.connection.clone(), held.hold.clone(), held.ty.clone(), held.op.clone());
            held.renewing = Some(tokio::spawn(renew(connection, hold, ty, op)));
        }
        held
    }

    fn now(&self) -> Hold {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn close(self) -> Result<(), ProviderError> {
        if let Some(renewing) = &self.renewing {
            renewing.abort();
        }
        let hold = self.now();
        self.connection.close_ephemeral(&self.ty, hold, &self.op).await
    }
}

/// Renews in time, again and again. After a failure what is held runs out by itself, and its users will say so.
async fn renew(connection: Arc<dyn Connection>, hold: Arc<Mutex<Hold>>, ty: Str, op: Operation) {
    loop {
        let now = hold.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(after) = now.renew_after else { return };
        tokio::time::sleep(after).await;
        match connection.renew_ephemeral(&ty, now, &op).await {
            Ok(next) => *hold.lock().unwrap_or_else(PoisonError::into_inner) = next,
            Err(error) => {
                tracing::warn!(address = %op.address, %error, "an ephemeral resource could not be renewed");
                return;
            }
        }
    }
}
