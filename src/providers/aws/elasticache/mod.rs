//! Amazon ElastiCache: Redis, Valkey and Memcached.

mod replication_group;
mod replication_group_change;
mod replication_group_fields;
mod subnet_group;
mod tagging;

use super::Aws;
use crate::provider::ResourceType;

/// The resource types of ElastiCache, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![replication_group::replication_group(), subnet_group::subnet_group()]
}

/// All pages of a Describe operation.
macro_rules! pages {
    ($aws:expr, $action:literal, $request:expr, $items:ident) => {{
        let (request, mut all, mut next) = ($request, Vec::new(), None::<String>);
        loop {
            let page = request.clone().set_marker(next.take());
            let answer = $aws.call("elasticache", $action, || page.clone().send()).await?;
            all.extend(answer.$items.unwrap_or_default());
            match answer.marker.filter(|m| !m.is_empty()) {
                Some(marker) => next = Some(marker),
                None => break all,
            }
        }
    }};
}
use pages;
