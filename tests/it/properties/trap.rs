//! A cloud in which one chosen call goes wrong: it fails, or the process dies before or after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use terrane::apply::{self, Cloud, Input, Outcome as Ending};
use terrane::model::{Diagnostic, Mode, Object, Schema, Str, Value};
use terrane::ops::Session;
use terrane::plan::Planned;
use terrane::plan::outside::{ProviderInstance, Refined};
use terrane::provider::resource::Timeouts;
use terrane::provider::{
    Config, Connection, Create, Delete, ErrorKind, Filter, IdempotencyKey, Listed, Operation, Outcome, ProviderError,
    Read, ReadOutcome, Stored, Update,
};
use tokio::sync::Notify;

use super::lab::{cloud, input};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing happened, and the caller is told so.
    Fail,
    /// It happened, and the answer did not arrive.
    Lose,
    /// It happened in part.
    Half,
    CrashBefore,
    CrashAfter,
}

pub const HARMS: [Harm; 5] = [Harm::Fail, Harm::Lose, Harm::Half, Harm::CrashBefore, Harm::CrashAfter];

struct Trap {
    harm: Harm,
    at: usize,
    calls: AtomicUsize,
    dead: Notify,
}

impl Trap {
    /// Whether this call is the chosen one. After a crash nothing goes on.
    async fn strikes(&self) -> bool {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        if number > self.at && matches!(self.harm, Harm::CrashBefore | Harm::CrashAfter) {
            self.die().await;
        }
        number == self.at
    }

    async fn die(&self) {
        self.dead.notify_one();
        std::future::pending::<()>().await;
    }

    async fn before(&self) -> Result<bool, ProviderError> {
        let strikes = self.strikes().await;
        match self.harm {
            Harm::Fail if strikes => Err(ProviderError::new(ErrorKind::Service, "the service is out of order")),
            Harm::CrashBefore if strikes => {
                self.die().await;
                Ok(true)
            }
            _ => Ok(strikes),
        }
    }

    async fn after(&self, struck: bool) -> Result<(), ProviderError> {
        match self.harm {
            Harm::Lose if struck => Err(ProviderError::new(ErrorKind::Network, "the answer did not arrive")),
            Harm::CrashAfter if struck => {
                self.die().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn outcome(&self, struck: bool, outcome: Outcome, told: Result<(), ProviderError>) -> Outcome {
        match (told, outcome) {
            (Err(error), _) => Outcome::Failed(error),
            (Ok(()), Outcome::Done(stored)) if struck && self.harm == Harm::Half => {
                Outcome::Partial(stored, ProviderError::new(ErrorKind::Timeout, "it is not ready yet"))
            }
            (Ok(()), outcome) => outcome,
        }
    }
}

/// Applies with harm at the call of this number, counted from 0. Nothing where the process died.
pub fn apply(session: &Session, planned: Planned, harm: Harm, at: usize, parallelism: usize) -> Option<Ending> {
    let trap = Arc::new(Trap { harm, at, calls: AtomicUsize::new(0), dead: Notify::new() });
    let trapped = Arc::new(TrappedCloud { cloud: cloud(session), trap: trap.clone() });
    let input: Input = input(session, planned, trapped, parallelism);
    session.runtime().block_on(async {
        tokio::select! {
            outcome = apply::run(input) => Some(outcome),
            () = trap.dead.notified() => None,
        }
    })
}

struct TrappedCloud {
    cloud: Arc<dyn Cloud>,
    trap: Arc<Trap>,
}

#[async_trait]
impl Cloud for TrappedCloud {
    fn schema(&self, provider: &Str, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        self.cloud.schema(provider, mode, ty)
    }

    fn provider_schema(&self, provider: &Str) -> Option<Arc<Schema>> {
        self.cloud.provider_schema(provider)
    }

    fn timeouts(&self, provider: &Str, ty: &str) -> Timeouts {
        self.cloud.timeouts(provider, ty)
    }

    fn refine(&self, provider: &ProviderInstance, ty: &str, prior: &Value, config: &Value, planned: Value) -> Refined {
        self.cloud.refine(provider, ty, prior, config, planned)
    }

    async fn connect(&self, provider: &ProviderInstance) -> Result<Arc<dyn Connection>, Diagnostic> {
        let connection = self.cloud.connect(provider).await?;
        Ok(Arc::new(Trapped { connection, trap: self.trap.clone() }))
    }
}

struct Trapped {
    connection: Arc<dyn Connection>,
    trap: Arc<Trap>,
}

#[async_trait]
impl Connection for Trapped {
    async fn read_many(&self, ty: &str, reads: &[Read]) -> Vec<ReadOutcome> {
        self.connection.read_many(ty, reads).await
    }

    async fn create(&self, ty: &str, request: Create) -> Outcome {
        let struck = match self.trap.before().await {
            Ok(struck) => struck,
            Err(error) => return Outcome::Failed(error),
        };
        let outcome = self.connection.create(ty, request).await;
        let told = self.trap.after(struck).await;
        self.trap.outcome(struck, outcome, told)
    }

    async fn update(&self, ty: &str, request: Update) -> Outcome {
        let struck = match self.trap.before().await {
            Ok(struck) => struck,
            Err(error) => return Outcome::Failed(error),
        };
        let outcome = self.connection.update(ty, request).await;
        let told = self.trap.after(struck).await;
        self.trap.outcome(struck, outcome, told)
    }

    async fn delete(&self, ty: &str, request: Delete) -> Result<(), ProviderError> {
        let struck = self.trap.before().await?;
        self.connection.delete(ty, request).await?;
        self.trap.after(struck).await
    }

    async fn list(&self, ty: &str, filter: &Filter) -> Result<Vec<Listed>, ProviderError> {
        self.connection.list(ty, filter).await
    }

    async fn find_by_key(
        &self,
        ty: &str,
        key: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        self.connection.find_by_key(ty, key, desired).await
    }

    async fn resume(&self, ty: &str, found: Stored, request: Create) -> Outcome {
        self.connection.resume(ty, found, request).await
    }

    async fn read_data(&self, ty: &str, config: &Config, op: &Operation) -> Result<Object, ProviderError> {
        self.connection.read_data(ty, config, op).await
    }
}
