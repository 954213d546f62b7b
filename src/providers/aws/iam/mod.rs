//! AWS Identity and Access Management: who may do what.

mod role;
mod role_policy_attachment;

use super::Aws;
use crate::model::Object;
use crate::provider::ResourceType;

/// The resource types of IAM, one line each.
pub fn resources() -> Vec<ResourceType<Aws>> {
    vec![role::role(), role_policy_attachment::role_policy_attachment()]
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
    let actual = percent_encoding::percent_decode_str(encoded).decode_utf8_lossy().into_owned();
    let meaning = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let said = like.and_then(|o| o.string(name));
    said.filter(|s| meaning(s).is_some_and(|m| Some(m) == meaning(&actual))).unwrap_or(actual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectBuilder;

    #[test]
    fn documents_are_decoded_and_kept_as_written() {
        let encoded = "%7B%22Version%22%3A%20%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        let decoded = r#"{"Version": "2012-10-17","Statement":[]}"#;
        assert_eq!(document(encoded, None, "policy"), decoded);
        let written = |text: &str| ObjectBuilder::new().set("policy", text).build();
        let same = r#"{ "Statement": [], "Version": "2012-10-17" }"#;
        assert_eq!(document(encoded, Some(&written(same)), "policy"), same);
        let other = r#"{"Statement":[{}],"Version":"2012-10-17"}"#;
        assert_eq!(document(encoded, Some(&written(other)), "policy"), decoded);
    }
}
