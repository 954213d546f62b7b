//! AWS Identity and Access Management: who may do what.

mod instance_profile;
mod openid_connect_provider;
mod policy;
mod policy_document;
mod policy_statement;
mod read_policy;
mod read_role;
mod role;
mod role_own_policies;
mod role_policy;
mod role_policy_attachment;

use super::{Aws, policy_text};
use crate::model::Object;
use crate::provider::{DataType, ResourceType};

/// The resource types of IAM, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![
        instance_profile::instance_profile(),
        openid_connect_provider::openid_connect_provider(),
        policy::policy(),
        role::role(),
        role_policy::role_policy(),
        role_policy_attachment::role_policy_attachment(),
    ]
}

/// The data sources of IAM, one line each.
pub fn data_sources() -> Vec<DataType<Aws>> {
    vec![policy_document::policy_document(), read_policy::policy(), read_role::role()]
}

/// All pages of a List operation.
macro_rules! pages {
    ($aws:expr, $action:literal, $request:expr, |$answer:ident| $items:expr) => {{
        let (request, mut all, mut next) = ($request, Vec::new(), None::<String>);
        loop {
            let page = request.clone().set_marker(next.take());
            let $answer = $aws.call("iam", $action, || page.clone().send()).await?;
            let more = $answer.marker.clone().filter(|_| $answer.is_truncated);
            all.extend($items);
            match more {
                Some(marker) => next = Some(marker),
                None => break all,
            }
        }
    }};
}
use pages;

/// A policy document as it was written, where the service keeps one of the same meaning. IAM answers with
/// documents that are percent-encoded
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>).
fn document(encoded: &str, like: Option<&Object>, name: &str) -> String {
    policy_text::as_said(decoded(encoded), like, name)
}

fn decoded(encoded: &str) -> String {
    percent_encoding::percent_decode_str(encoded).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded() {
        let encoded = "%7B%22Version%22%3A%20%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        assert_eq!(document(encoded, None, "policy"), r#"{"Version": "2012-10-17","Statement":[]}"#);
    }
}
