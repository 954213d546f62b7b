//! Amazon EKS: Kubernetes clusters and their machines.

mod cluster;
mod cluster_change;
mod cluster_fields;
mod node_group;
mod node_group_change;
mod node_group_fields;
mod tagging;
mod updates;

use super::Aws;
use crate::provider::ResourceType;

/// The resource types of EKS, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![cluster::cluster(), node_group::node_group()]
}

/// All pages of a List operation.
macro_rules! pages {
    ($aws:expr, $action:literal, $request:expr, $items:ident) => {{
        let (request, mut all, mut next) = ($request, Vec::new(), None::<String>);
        loop {
            let page = request.clone().set_next_token(next.take());
            let answer = $aws.call("eks", $action, || page.clone().send()).await?;
            all.extend(answer.$items.unwrap_or_default());
            match answer.next_token.filter(|t| !t.is_empty()) {
                Some(token) => next = Some(token),
                None => break all,
            }
        }
    }};
}
use pages;
