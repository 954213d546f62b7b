//! When two values mean the same to a provider though they are spelt differently.

use serde_json::Value as Json;

use super::{Equality, Value};

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

/// A policy document in one spelling: single elements as lists, lists sorted, values of conditions as text, accounts as
/// the ARN that stands for them; an empty Sid is none
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).
fn normal_policy(json: Json) -> Json {
    let Json::Object(document) = json else { return json };
    let normal = |(name, value): (String, Json)| match name.as_str() {
        "Statement" => {
            let mut statements: Vec<Json> = listed(value).into_iter().map(normal_statement).collect();
            statements.sort_by_cached_key(Json::to_string);
            (name, Json::Array(statements))
        }
        _ => (name, value),
    };
    Json::Object(document.into_iter().map(normal).collect())
}

fn normal_statement(json: Json) -> Json {
    let Json::Object(statement) = json else { return json };
    let fields = statement.into_iter().filter(|(name, value)| !(name == "Sid" && value == ""));
    let normal = |(name, value): (String, Json)| {
        let value = match name.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => texts(value),
            "Principal" | "NotPrincipal" => entries(value, |kind, ids| match kind {
                "AWS" => texts(Json::Array(listed(ids).into_iter().map(account_as_arn).collect())),
                _ => texts(ids),
            }),
            "Condition" => entries(value, |_, test| entries(test, |_, values| texts(values))),
            _ => value,
        };
        (name, value)
    };
    Json::Object(fields.map(normal).collect())
}

/// The fields of an object, each made normal; anything else stays as it is.
fn entries(json: Json, normal: impl Fn(&str, Json) -> Json) -> Json {
    let Json::Object(fields) = json else { return json };
    let normal = |(name, value): (String, Json)| {
        let value = normal(&name, value);
        (name, value)
    };
    Json::Object(fields.into_iter().map(normal).collect())
}

fn listed(json: Json) -> Vec<Json> {
    match json {
        Json::Array(items) => items,
        single => vec![single],
    }
}

/// A set of texts; numbers and booleans mean what they read.
fn texts(json: Json) -> Json {
    let text = |item: Json| if item.is_string() { item } else { Json::String(item.to_string()) };
    let mut items: Vec<Json> = listed(json).into_iter().map(text).collect();
    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    items.dedup();
    Json::Array(items)
}

/// An account as principal stands for its root; the services answer with the ARN.
fn account_as_arn(json: Json) -> Json {
    match json.as_str() {
        Some(id) if id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()) => {
            Json::String(format!("arn:aws:iam::{id}:root"))
        }
        _ => json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_policy(a: &str, b: &str) -> bool {
        same(&Value::string(a), &Value::string(b), Equality::Policy)
    }

    #[test]
    fn policies_are_compared_by_meaning() {
        let written = r#"{
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow", "Action": "sts:AssumeRole", "Sid": "",
                "Principal": {"AWS": "123456789012", "Service": ["ec2.amazonaws.com"]},
                "Condition": {"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"x": ["7"]}}
            }
        }"#;
        let answered = r#"{"Statement":[{"Action":["sts:AssumeRole"],"Effect":"Allow",
            "Condition":{"NumericLessThan":{"x":7},"Bool":{"aws:SecureTransport":"true"}},
            "Principal":{"Service":"ec2.amazonaws.com","AWS":["arn:aws:iam::123456789012:root"]}}],
            "Version":"2012-10-17"}"#;
        assert!(same_policy(written, answered));
        let (one, two) = (r#"{"Effect":"Allow","Action":"a:B"}"#, r#"{"Effect":"Deny","Action":["c:E","c:D"]}"#);
        let both = |x: &str, y: &str| format!(r#"{{"Statement":[{x},{y}]}}"#);
        assert!(same_policy(&both(one, two), &both(two, one)), "statements have no order");
        assert!(!same_policy(&both(one, two), &both(one, one)));
        assert!(!same_policy(r#"{"Statement":[{"Principal":"*"}]}"#, r#"{"Statement":[{"Principal":{"AWS":"*"}}]}"#));
        assert!(!same_policy(written, &answered.replace("Allow", "Deny")));
    }

    #[test]
    fn what_is_no_policy_is_compared_as_text() {
        assert!(same_policy("not json", "not json"));
        assert!(!same_policy("{", "{ "));
    }
}
