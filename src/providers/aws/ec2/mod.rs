//! Amazon EC2: networks, addresses and firewalls.

use super::Aws;
use crate::provider::{DataType, ResourceType};

/// The resource types of EC2, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![]
}

/// The data sources of EC2, one line each.
pub fn data_sources() -> Vec<DataType<Aws>> {
    vec![]
}
