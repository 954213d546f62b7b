//! When two values mean the same to a provider though they are spelt differently.

use serde_json::Value as Json;

use crate::model::{Equality, Value};

/// Whether a change from one value to the other is no change. Marks do not count; unknowns equal nothing.
pub fn same(a: &Value, b: &Value, equality: Equality) -> bool {
    let (a, b) = (a.bare(), b.bare());
    if equality == Equality::Exact {
        return equal(a, b);
    }
    let (Some(x), Some(y)) = (a.as_str(), b.as_str()) else { return equal(a, b) };
    if x == y {
        return true;
    }
    match equality {
        Equality::Exact => false,
        Equality::CaseInsensitive => x.to_lowercase() == y.to_lowercase(),
        Equality::DomainName => {
            let plain = |s: &str| s.trim_end_matches('.').to_lowercase();
            plain(x) == plain(y)
        }
        Equality::Json => same_json(x, y, |j| j),
        Equality::Policy => same_json(x, y, normal_policy),
    }
}

/// Deep equality that looks through marks and treats unknowns as different from everything.
pub fn equal(a: &Value, b: &Value) -> bool {
    if !a.has_marks() && !b.has_marks() {
        return a == b && a.is_wholly_known();
    }
    let (a, b) = (a.unmark_deep().0, b.unmark_deep().0);
    a == b && a.is_wholly_known()
}

fn same_json(a: &str, b: &str, normal: impl Fn(Json) -> Json) -> bool {
    match (serde_json::from_str::<Json>(a), serde_json::from_str::<Json>(b)) {
        (Ok(a), Ok(b)) => normal(a) == normal(b),
        _ => false,
    }
}

/// A policy document in one spelling: single elements as lists, lists sorted where their order has no meaning.
fn normal_policy(json: Json) -> Json {
    match json {
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let value = normal_policy(value);
                    // The version alone is never a list; everything else may stand with or without brackets.
                    let single = matches!(name.as_str(), "Version" | "Id" | "Sid" | "Effect");
                    let bare = value.is_string() || name == "Statement" && value.is_object();
                    let value = if bare && !single { Json::Array(vec![value]) } else { value };
                    (name, value)
                })
                .collect(),
        ),
        Json::Array(items) => {
            let mut items: Vec<Json> = items.into_iter().map(normal_policy).collect();
            if items.iter().all(Json::is_string) {
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                items.dedup();
            }
            Json::Array(items)
        }
        leaf => leaf,
    }
}
