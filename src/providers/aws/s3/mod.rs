//! Amazon S3: buckets and their settings.

mod bucket;
mod bucket_policy;
mod contents;
mod encryption;
mod hosted_zones;
mod lifecycle;
mod lifecycle_rule;
mod ownership_controls;
mod public_access_block;
mod setting;
mod versioning;

use super::Aws;
use crate::provider::ResourceType;

/// The resource types of S3, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![
        bucket::bucket(),
        bucket_policy::bucket_policy(),
        encryption::encryption(),
        lifecycle::lifecycle_configuration(),
        ownership_controls::ownership_controls(),
        public_access_block::public_access_block(),
        versioning::versioning(),
    ]
}
