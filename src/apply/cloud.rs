//! The providers as the apply needs them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{Diagnostic, Mode, Schema, Str, Value};
use crate::plan::outside::{ProviderInstance, Refined};
use crate::provider::Connection;
use crate::provider::resource::Timeouts;

/// Schemas, what drivers plan, and connections that are opened once for each configuration.
#[async_trait]
pub trait Cloud: Send + Sync {
    fn schema(&self, provider: &Str, mode: Mode, ty: &str) -> Option<Arc<Schema>>;

    fn provider_schema(&self, provider: &Str) -> Option<Arc<Schema>>;

    fn timeouts(&self, provider: &Str, ty: &str) -> Timeouts;

    /// As [`crate::plan::outside::Outside::refine`], now that everything is known.
    fn refine(&self, provider: &ProviderInstance, ty: &str, prior: &Value, config: &Value, planned: Value) -> Refined;

    async fn connect(&self, provider: &ProviderInstance) -> Result<Arc<dyn Connection>, Diagnostic>;
}
