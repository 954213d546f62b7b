//! Policy documents as values: reading them, laying one over another, and writing them in the form in which other
//! tools write them (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(deserialize_with = "one_or_many")]
    pub statement: Vec<Statement>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Statement {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub action: Words,
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub not_action: Words,
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub resource: Words,
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub not_resource: Words,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_principal: Option<Principal>,
    /// Operator, then key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, BTreeMap<String, Words>>,
}

/// One text or several: a single one is written without brackets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Json", into = "Json")]
pub struct Words(pub Vec<String>);

/// Everyone, who is written as a star, or lists of identifiers by their kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Principal {
    Everyone(String),
    Kinds(BTreeMap<String, Words>),
}

impl Words {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Json> for Words {
    fn from(json: Json) -> Words {
        let text = |item: Json| item.as_str().map(str::to_string).unwrap_or_else(|| item.to_string());
        match json {
            Json::Array(items) => Words(items.into_iter().map(text).collect()),
            Json::Null => Words::default(),
            single => Words(vec![text(single)]),
        }
    }
}

impl From<Words> for Json {
    fn from(words: Words) -> Json {
        match <[String; 1]>::try_from(words.0) {
            Ok([single]) => Json::String(single),
            Err(several) => several.into_iter().map(Json::String).collect(),
        }
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Statement>, D::Error> {
    let all = match Json::deserialize(deserializer)? {
        Json::Array(all) => all,
        Json::Null => Vec::new(),
        single => vec![single],
    };
    let statement = |json: Json| match json.is_object() {
        true => serde_json::from_value(json).map_err(serde::de::Error::custom),
        false => Err(serde::de::Error::custom("a statement is no object")),
    };
    all.into_iter().map(statement).collect()
}

impl Document {
    /// The error says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Document, String> {
        let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
        match json.is_object() {
            true => serde_json::from_value(json).map_err(|e| e.to_string()),
            false => Err("it is no object".to_string()),
        }
    }

    /// Lays another document over this one: its statements take the place of those with the same Sid, others follow.
    pub fn merge(&mut self, over: Document) {
        self.version = over.version.or(self.version.take());
        self.id = over.id.or(self.id.take());
        for statement in over.statement {
            let same = |s: &&mut Statement| !statement.sid.is_empty() && s.sid == statement.sid;
            match self.statement.iter_mut().find(same) {
                Some(place) => *place = statement,
                None => self.statement.push(statement),
            }
        }
    }

    /// A Sid that stands twice.
    pub fn duplicate_sid(&self) -> Option<&str> {
        let mut seen = std::collections::BTreeSet::new();
        let mut sids = self.statement.iter().map(|s| s.sid.as_str()).filter(|sid| !sid.is_empty());
        sids.find(|sid| !seen.insert(*sid))
    }

    /// Indented by two spaces.
    pub fn pretty(&self) -> String {
        escaped(serde_json::to_string_pretty(self))
    }

    /// On one line.
    pub fn minified(&self) -> String {
        escaped(serde_json::to_string(self))
    }
}

/// Other tools write these characters as escapes, which mean the same; they can stand in strings only.
fn escaped(json: Result<String, serde_json::Error>) -> String {
    // Texts and lists of texts are always JSON.
    let json = json.unwrap_or_default();
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(statements: &[(&str, &str)]) -> Document {
        let statement = |(sid, action): &(&str, &str)| Statement {
            sid: sid.to_string(),
            effect: "Allow".into(),
            action: Words(vec![action.to_string()]),
            ..Statement::default()
        };
        Document { statement: statements.iter().map(statement).collect(), ..Document::default() }
    }

    #[test]
    fn statements_of_the_same_sid_are_overridden_in_their_place() {
        let mut base = document(&[("one", "a:A"), ("", "a:B"), ("two", "a:C")]);
        base.merge(document(&[("two", "b:C"), ("", "b:B"), ("three", "b:D"), ("one", "b:A")]));
        assert_eq!(base, document(&[("one", "b:A"), ("", "a:B"), ("two", "b:C"), ("", "b:B"), ("three", "b:D")]));
        assert_eq!(base.duplicate_sid(), None);
        assert_eq!(document(&[("x", "a:A"), ("", "a:B"), ("", "a:B"), ("x", "a:C")]).duplicate_sid(), Some("x"));
    }

    #[test]
    fn documents_are_read_in_every_spelling_and_written_in_one() {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":["s3:*"],
            "Resource":["b","a"],"Condition":{"Bool":{"aws:SecureTransport":false}}}}"#;
        let read = Document::parse(text).unwrap();
        let one_line = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":["b","a"],"Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;
        assert_eq!(read.minified(), one_line);
        assert_eq!(Document::parse(&read.pretty()), Ok(read));
        assert!(Document::parse("[]").is_err() && Document::parse(r#"{"Statement":["x"]}"#).is_err());
        assert_eq!(
            document(&[("", "<&>")]).minified(),
            r#"{"Statement":[{"Effect":"Allow","Action":"\u003c\u0026\u003e"}]}"#
        );
    }
}
