//! What the planner asks of the world: live objects, data sources, and what drivers plan. It asks in batches
//! and goes on when all answers are there, so that whoever answers can work on everything at once.

use std::sync::Arc;

use crate::model::{Address, Diagnostic, Mode, ModulePath, Path, ProviderAddress, Schema, Str, Value};

/// A provider with its evaluated configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderInstance {
    pub address: ProviderAddress,
    /// The object of the provider block, as written; an empty object where there is no block.
    pub config: Value,
}

#[derive(Clone, Debug)]
pub enum Request {
    /// Reads objects of one type that the state knows.
    Refresh { provider: Arc<ProviderInstance>, ty: Str, objects: Vec<Known> },
    ReadData {
        provider: Arc<ProviderInstance>,
        address: Address,
        /// With marks.
        config: Value,
    },
    /// Opens an ephemeral resource for as long as planning lasts.
    Open { provider: Arc<ProviderInstance>, address: Address, config: Value },
    /// Reads an object that exists but is not in the state.
    Import { provider: Arc<ProviderInstance>, address: Address, named: Named },
}

/// An object as the state has it.
#[derive(Clone, Debug)]
pub struct Known {
    pub address: Address,
    pub id: Str,
    /// With marks.
    pub object: Value,
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// One for each object, in the order of the request.
    Refreshed(Vec<Refreshed>),
    Data(Result<Value, Diagnostic>),
    Imported(Result<Imported, Diagnostic>),
    /// Never written down as it is.
    Opened(Result<Value, Diagnostic>),
}

/// An object that was found for an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The provider's own id of it.
    pub remote_id: Str,
    pub object: Value,
}

/// How an import names the object.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// What the type's documentation calls the import id.
    Id(Str),
    /// An object of attributes that identify it.
    Identity(Value),
}

#[derive(Clone, Debug)]
pub enum Refreshed {
    Found { object: Value },
    Gone,
    Failed(Diagnostic),
}

/// What a driver makes of a change that the schema planned.
#[derive(Clone, Debug)]
pub struct Refined {
    pub planned: Value,
    pub replace: Vec<Path>,
    pub diagnostics: Vec<Diagnostic>,
}

/// The world as the planner sees it.
pub trait Outside {
    fn schema(&self, provider: &Str, mode: Mode, ty: &str) -> Option<Arc<Schema>>;

    fn provider_schema(&self, provider: &Str) -> Option<Arc<Schema>>;

    /// The registry source of a provider, such as `hashicorp/aws`.
    fn provider_source(&self, provider: &Str) -> Str;

    /// Lets the driver refine a change. `prior` is null on create. Pure.
    fn refine(
        &self,
        provider: &ProviderInstance,
        ty: &str,
        prior: &Value,
        config: &Value,
        planned: Value,
        replace: Vec<Path>,
    ) -> Refined;

    /// An object of one type as one of another, where the new type's driver knows how. Pure.
    fn move_object(&self, provider: &Str, from: &str, to: &str, object: &Value) -> Option<Value>;

    /// Answers in the order of the requests.
    fn answer(&mut self, requests: Vec<Request>) -> Vec<Answer>;
}

/// The configuration block of a provider, as plans and states name it.
pub fn provider_module(address: &ProviderAddress) -> ModulePath {
    address.module.without_keys()
}
