//! Amazon S3: buckets and their settings.

mod bucket;
mod contents;
mod encryption;
mod hosted_zones;
mod public_access_block;
mod setting;
mod versioning;

use super::Aws;
use crate::provider::ResourceType;

/// The resource types of S3, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![
        bucket::bucket(),
        encryption::encryption(),
        public_access_block::public_access_block(),
        versioning::versioning(),
    ]
}
