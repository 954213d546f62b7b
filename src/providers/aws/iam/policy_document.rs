//! `data.aws_iam_policy_document`: a policy put together from statements and other documents. No calls.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::policy_statement::{Document, Principal, Statement, Words};
use crate::model::{Object, ObjectBuilder, Path};
use crate::provider::schema_words::{BlockWord, list_block, set_block, string, string_list, string_set};
use crate::provider::{Config, DataType, Operation, ProviderError, data_source, resource::DataDriver};
use crate::providers::aws::Aws;

const LATEST_VERSION: &str = "2012-10-17";

pub fn policy_document() -> DataType<Aws> {
    data_source("aws_iam_policy_document", "A policy put together from statements and other documents.")
        .attr("policy_id", string().optional(), "Id of the document.")
        .attr(
            "version",
            string().default(LATEST_VERSION).one_of(&["2008-10-17", LATEST_VERSION]),
            "Version of the policy language.",
        )
        .attr("source_policy_documents", string_list().optional(), "JSON policies to begin with; no Sid may repeat.")
        .attr("override_policy_documents", string_list().optional(), "JSON policies to lay over the statements.")
        .attr("source_json", deprecated("use source_policy_documents"), "A JSON policy to begin with.")
        .attr("override_json", deprecated("use override_policy_documents"), "A JSON policy to lay over.")
        .block("statement", statement_block(), "What is allowed or denied.")
        .attr("json", string().computed(), "The policy as JSON.")
        .attr("minified_json", string().computed(), "The policy as JSON on one line.")
        .service("iam")
        .driver(PolicyDocument)
}

fn deprecated(instead: &'static str) -> crate::provider::schema_words::AttributeWord {
    string().optional().deprecated(instead)
}

fn statement_block() -> BlockWord {
    let principals = || {
        set_block().attr("type", string().required(), "AWS, Service, Federated, CanonicalUser or *.").attr(
            "identifiers",
            string_set().required(),
            "Who: ARNs, names of services.",
        )
    };
    let condition = set_block()
        .attr("test", string().required(), "The operator, such as StringEquals.")
        .attr("variable", string().required(), "The key that is tested.")
        .attr("values", string_list().required(), "The values that pass.");
    list_block()
        .attr("sid", string().optional(), "Id of the statement.")
        .attr("effect", string().default("Allow").one_of(&["Allow", "Deny"]), "Allow or Deny.")
        .attr("actions", string_set().optional(), "What may be done.")
        .attr("not_actions", string_set().optional(), "Everything but these may be done.")
        .attr("resources", string_set().optional(), "On what it may be done.")
        .attr("not_resources", string_set().optional(), "On everything but these it may be done.")
        .block("principals", principals(), "Who may do it.")
        .block("not_principals", principals(), "Everyone but these may do it.")
        .block("condition", condition, "When it may be done.")
}

struct PolicyDocument;

#[async_trait]
impl DataDriver<Aws> for PolicyDocument {
    async fn read(&self, _aws: &Aws, config: &Config, _op: &Operation) -> Result<Object, ProviderError> {
        let document = document(config)?;
        let json = document.pretty();
        let mut checksum = flate2::Crc::new();
        checksum.update(json.as_bytes());
        let object = ObjectBuilder::from(config)
            .set("id", checksum.sum().to_string())
            .maybe("version", document.version.as_deref())
            .set("minified_json", document.minified())
            .set("json", json);
        Ok(object.build())
    }
}

/// What is written over the sources, and the overrides over that.
fn document(config: &Config) -> Result<Document, ProviderError> {
    let mut whole = Document::default();
    for source in documents(config, "source_json", "source_policy_documents")? {
        let (mut both, version) = (whole, source.version.clone());
        both.statement.extend(source.statement);
        both.version = version.or(both.version);
        both.id = source.id.or(both.id);
        whole = both;
        unique(&whole, "source_policy_documents")?;
    }
    let written = Document {
        version: Some(config.string("version").unwrap_or_else(|| LATEST_VERSION.to_string())),
        id: config.string("policy_id"),
        statement: config.blocks("statement").iter().map(statement).collect::<Result<_, _>>()?,
    };
    unique(&written, "statement")?;
    whole.merge(written);
    for over in documents(config, "override_json", "override_policy_documents")? {
        whole.merge(over);
    }
    Ok(whole)
}

/// The documents of an attribute for one and an attribute for many; an empty text is none.
fn documents(config: &Config, one: &str, many: &str) -> Result<Vec<Document>, ProviderError> {
    let one = config.string(one).into_iter().map(|text| (one, text));
    let all = one.chain(config.strings(many).into_iter().map(|text| (many, text)));
    let parse = |(name, text): (&str, String)| {
        let wrong = |why| {
            ProviderError::invalid(format!("a document of \"{name}\" is no JSON policy: {why}")).path(Path::attr(name))
        };
        Document::parse(&text).map_err(wrong)
    };
    all.filter(|(_, text)| !text.trim().is_empty()).map(parse).collect()
}

fn unique(document: &Document, name: &str) -> Result<(), ProviderError> {
    match document.duplicate_sid() {
        None => Ok(()),
        Some(sid) => Err(ProviderError::invalid(format!("the Sid \"{sid}\" stands twice"))
            .path(Path::attr(name))
            .help("give each statement a Sid of its own, or override one with \"override_policy_documents\"")),
    }
}

fn statement(block: &Object) -> Result<Statement, ProviderError> {
    Ok(Statement {
        sid: block.string("sid").unwrap_or_default(),
        effect: block.string("effect").unwrap_or_else(|| "Allow".to_string()),
        action: descending(block.strings("actions")),
        not_action: descending(block.strings("not_actions")),
        resource: descending(with_variables(block.strings("resources"))),
        not_resource: descending(with_variables(block.strings("not_resources"))),
        principal: principal(&block.blocks("principals")),
        not_principal: principal(&block.blocks("not_principals")),
        condition: conditions(&block.blocks("condition")),
    })
}

/// Sets stand in this order in the documents of other tools.
fn descending(mut words: Vec<String>) -> Words {
    words.sort_unstable_by(|a, b| b.cmp(a));
    words.dedup();
    Words(words)
}

/// `&{aws:username}` is a variable of the policy's: `${…}` would be one of the configuration's.
fn with_variables(words: Vec<String>) -> Vec<String> {
    words.into_iter().map(|word| word.replace("&{", "${")).collect()
}

fn principal(blocks: &[Object]) -> Option<Principal> {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for block in blocks {
        let ids = with_variables(block.strings("identifiers"));
        kinds.entry(block.string("type").unwrap_or_default()).or_default().extend(ids);
    }
    if kinds.is_empty() {
        return None;
    }
    if kinds.get("*").is_some_and(|ids| ids.len() == 1 && ids.iter().all(|id| id == "*")) && kinds.len() == 1 {
        return Some(Principal::Everyone("*".to_string()));
    }
    Some(Principal::Kinds(kinds.into_iter().map(|(kind, ids)| (kind, descending(ids))).collect()))
}

fn conditions(blocks: &[Object]) -> BTreeMap<String, BTreeMap<String, Words>> {
    let mut all: BTreeMap<String, BTreeMap<String, Words>> = BTreeMap::new();
    for block in blocks {
        let test = all.entry(block.string("test").unwrap_or_default()).or_default();
        let variable = block.str("variable").unwrap_or_default().replace("&{", "${");
        test.entry(variable).or_default().0.extend(with_variables(block.strings("values")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> ObjectBuilder {
        ObjectBuilder::new()
    }

    fn statement_of(sid: &str, action: &str) -> Object {
        new().set("sid", sid).string_set("actions", [action]).string_set("resources", ["*"]).build()
    }

    #[test]
    fn the_json_is_that_of_other_tools() {
        let condition = |variable: &str, values: &[&str]| {
            new().set("test", "StringLike").set("variable", variable).strings("values", values).build()
        };
        let principals = |kind: &str, ids: &[&str]| new().set("type", kind).string_set("identifiers", ids).build();
        let first = new()
            .set("sid", "1")
            .string_set("actions", ["s3:GetObject", "s3:ListBucket"])
            .string_set("resources", ["arn:aws:s3:::b/home/&{aws:username}/*"])
            .blocks(
                "principals",
                [principals("AWS", &["arn:1", "arn:2"]), principals("Service", &["ec2.amazonaws.com"])],
            )
            .blocks("condition", [condition("s3:prefix", &["", "home/"]), condition("x", &["y"])])
            .build();
        let second = new()
            .set("effect", "Deny")
            .string_set("not_actions", ["iam:*"])
            .string_set("not_resources", ["*"])
            .blocks("not_principals", [principals("*", &["*"])])
            .build();
        let config = new().set("policy_id", "p").blocks("statement", [first, second]).build();
        insta::assert_snapshot!(document(&config).unwrap().pretty(), @r#"
        {
          "Version": "2012-10-17",
          "Id": "p",
          "Statement": [
            {
              "Sid": "1",
              "Effect": "Allow",
              "Action": [
                "s3:ListBucket",
                "s3:GetObject"
              ],
              "Resource": "arn:aws:s3:::b/home/${aws:username}/*",
              "Principal": {
                "AWS": [
                  "arn:2",
                  "arn:1"
                ],
                "Service": "ec2.amazonaws.com"
              },
              "Condition": {
                "StringLike": {
                  "s3:prefix": [
                    "",
                    "home/"
                  ],
                  "x": "y"
                }
              }
            },
            {
              "Effect": "Deny",
              "NotAction": "iam:*",
              "NotResource": "*",
              "NotPrincipal": "*"
            }
          ]
        }
        "#);
    }

    #[test]
    fn sources_come_first_and_overrides_last() {
        let json = |statements: Vec<Object>| document(&new().blocks("statement", statements).build()).unwrap().pretty();
        let source = json(vec![statement_of("a", "ec2:*"), statement_of("b", "s3:*")]);
        let over = json(vec![statement_of("c", "iam:*"), statement_of("a", "logs:*")]);
        let config = new()
            .strings("source_policy_documents", [source.as_str(), ""])
            .strings("override_policy_documents", [&over])
            .blocks("statement", [statement_of("c", "sts:*"), statement_of("b", "sqs:*")]);
        let whole = document(&config.build()).unwrap();
        let lines: Vec<String> =
            whole.statement.iter().map(|s| format!("{} {}", s.sid, s.action.0.join(","))).collect();
        assert_eq!(lines, ["a logs:*", "b sqs:*", "c iam:*"]);

        let twice = new().strings("source_policy_documents", [&source, &source]).build();
        let error = document(&twice).unwrap_err();
        assert_eq!(error.message, "the Sid \"a\" stands twice");
        let broken = new().strings("override_policy_documents", ["{"]).build();
        assert!(document(&broken).unwrap_err().message.contains("\"override_policy_documents\" is no JSON policy"));
    }
}
