//! The time provider: moments and pauses that are kept in the state.
//! <https://registry.terraform.io/providers/hashicorp/time/latest/docs>

mod functions;
mod moment;
mod offset;
mod point;
mod rotating;
mod sleep;

use std::sync::Arc;

use super::define_with;
use crate::provider::ProviderDef;

pub const SOURCE: &str = "hashicorp/time";

pub fn provider() -> Arc<dyn ProviderDef> {
    let resources = vec![offset::time_offset(), point::time_static(), rotating::time_rotating(), sleep::time_sleep()];
    define_with("time", SOURCE, resources, Vec::new(), Vec::new(), functions::functions)
}
