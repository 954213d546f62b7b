//! Identities of objects, which Terraform's providers give and Terrane's do not use. They are kept within the `private` of
//! a row until the row's object is made anew, so that Terraform finds them again.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

const IDENTITY: &str = "terraform_identity";

/// What a `private` holds: an identity with the version of its schema, and what the provider put there.
pub(super) struct Parts<'p> {
    pub identity: Option<(u64, Json)>,
    pub private: Option<Cow<'p, str>>,
}

/// The `private` of a row that has an identity; without one it is as the provider put it there.
pub(super) fn joined(private: Option<String>, identity: Option<&RawValue>, version: u64) -> Option<String> {
    let identity: Option<Json> = identity.and_then(|raw| serde_json::from_str(raw.get()).ok());
    match identity.filter(|identity| !identity.is_null()) {
        None => private,
        Some(identity) => Some(json!({ IDENTITY: [version, identity], "private": private }).to_string()),
    }
}

pub(super) fn split(private: &str) -> Parts<'_> {
    let json: Option<Json> = serde_json::from_str(private).ok().filter(|_| private.contains(IDENTITY));
    let Some(Json::Object(mut fields)) = json else {
        return Parts { identity: None, private: Some(private.into()) };
    };
    match fields.remove(IDENTITY) {
        Some(Json::Array(mut pair)) if pair.len() == 2 => {
            let (identity, version) = (pair.pop(), pair.pop().and_then(|version| version.as_u64()));
            let private = fields.get("private").and_then(Json::as_str).map(|text| Cow::Owned(text.to_string()));
            Parts { identity: version.zip(identity), private }
        }
        _ => Parts { identity: None, private: Some(private.into()) },
    }
}

/// What the provider put into a `private`.
pub fn without_identity(private: &str) -> Option<Cow<'_, str>> {
    split(private).private
}
