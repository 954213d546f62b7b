//! Functions called directly, with the answers of the reference implementation.

use super::{Isolated, all, lookup};
use crate::lang::functions::json::encode;
use crate::model::{Marks, Type, Value};

fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    lookup(name).unwrap_or_else(|| panic!("no function {name}")).call(args, &Isolated).map_err(|e| e.message)
}

fn json(name: &str, args: &[Value]) -> String {
    call(name, args).map_or_else(|e| format!("error: {e}"), |v| encode(&v))
}

fn tuple(items: impl IntoIterator<Item = impl Into<Value>>) -> Value {
    Value::tuple(items.into_iter().map(Into::into).collect())
}

#[test]
fn the_table_is_complete_and_documented() {
    let names: Vec<&str> = all().map(|f| f.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "a function is registered twice");
    for f in all() {
        assert!(!f.doc.is_empty() && f.params.iter().all(|p| !p.doc.is_empty()), "{}", f.name);
    }
    assert!(lookup("core::upper").is_some() && lookup("nope").is_none());
}

#[test]
fn arguments_are_counted_and_converted() {
    assert_eq!(json("upper", &[1.into()]), "\"1\"");
    assert_eq!(call("upper", &[]).unwrap_err(), "upper takes 1 argument, \"str\" is missing");
    assert!(call("upper", &[Value::NULL]).unwrap_err().contains("must not be null"));
    assert_eq!(json("max", &["2".into(), 10.into()]), "10");
}

#[test]
fn marks_go_to_the_result_or_stay_at_their_element() {
    let secret = Value::from("x").mark(Marks::SENSITIVE);
    assert_eq!(call("upper", std::slice::from_ref(&secret)).unwrap().unmark().1, Marks::SENSITIVE);
    let list = call("concat", &[tuple([secret]), tuple(["y"])]).unwrap();
    assert!(list.unmark().1.is_empty());
    assert_eq!(call("element", &[list.clone(), 0.into()]).unwrap().unmark().1, Marks::SENSITIVE);
    assert_eq!(call("element", &[list.clone(), 1.into()]).unwrap(), "y".into());
    assert_eq!(json("length", &[list]), "2");
}

#[test]
fn unknown_arguments_give_unknown_results_of_the_right_type() {
    let unknown = Value::unknown(Type::list(Type::String));
    assert_eq!(call("concat", &[unknown.clone(), unknown.clone()]).unwrap().ty(), Type::list(Type::String));
    assert_eq!(call("length", &[unknown]).unwrap().ty(), Type::Number);
    let pair = Value::unknown(Type::tuple(vec![Type::String, Type::Bool]));
    assert_eq!(call("length", &[pair]).unwrap(), Value::int(2));
    let prefixed = call("format", &["arn:%s".into(), Value::unknown(Type::String)]).unwrap();
    assert_eq!(call("startswith", &[prefixed.clone(), "arn".into()]).unwrap(), true.into());
    assert_eq!(call("startswith", &[prefixed, "x".into()]).unwrap(), false.into());
    assert!(call("timestamp", &[]).unwrap().is_unknown());
}

#[test]
fn texts_that_nest_deep_are_read_up_to_a_limit() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let inner = |levels: usize| format!("{{\"a\":{}}}", nested(levels));
    assert!(call("jsondecode", &[nested(390).into()]).unwrap().is_deeper_than(389));
    assert_eq!(json("jsondecode", &[inner(200).into()]), inner(200));
    assert!(call("jsondecode", &[nested(100_000).into()]).unwrap_err().contains("levels deep"));
    assert!(call("jsondecode", &[inner(300).replace('1', "x").into()]).unwrap_err().contains("this is no JSON"));
    let block = |levels: usize| Value::from(format!("{}1", "- ".repeat(levels)));
    assert!(call("yamldecode", &[block(390)]).unwrap().is_deeper_than(389));
    assert!(call("yamldecode", &[block(100_000)]).unwrap_err().contains("levels deep"));
}

#[test]
fn hashes_and_encodings() {
    assert_eq!(json("md5", &["a".into()]), "\"0cc175b9c0f1b6a831c399e269772661\"");
    assert_eq!(json("base64gzip", &["hello".into()]), "\"H4sIAAAAAAAA/8pIzcnJBwAAAP//AQAA//+GphA2BQAAAA==\"");
    let packed = call("base64gzip", &["a".repeat(100_000).into()]).unwrap();
    assert_eq!(call("base64gunzip", &[packed]).unwrap(), "a".repeat(100_000).into());
    assert_eq!(json("urlencode", &["a b&c/é~".into()]), "\"a+b%26c%2F%C3%A9~\"");
    assert_eq!(json("urldecode", &["a+b%26c%2F%C3%A9~".into()]), "\"a b\\u0026c/é~\"");
    assert_eq!(json("uuidv5", &["dns".into(), "www.terraform.io".into()]), "\"a5008fae-b28c-5ba5-96cd-82b4c53552d6\"");
    assert_eq!(json("textencodebase64", &["Hello".into(), "UTF-16LE".into()]), "\"SABlAGwAbABvAA==\"");
    assert_eq!(json("cidrcontains", &["10.0.0.0/8".into(), "10.1.0.0/16".into()]), "true");
    assert_eq!(json("cidrcontains", &["10.0.0.0/8".into(), "11.1.0.1".into()]), "false");
}

#[test]
fn texts_are_read_and_written_in_character_sets() {
    for (text, charset, expected) in [
        ("SABlAGwAbABvAA==", "UTF-16LE", "\"Hello\""),
        ("AEg=", "UTF-16BE", "\"H\""),
        ("/v8ASA==", "UTF-16", "\"H\""),
        ("//5IAA==", "UTF-16", "\"H\""),
        ("AEg=", "UTF-16", "\"H\""),
        ("6Q==", "ISO-8859-1", "\"é\""),
        ("gA==", "windows-1252", "\"€\""),
        ("gqA=", "Shift_JIS", "\"あ\""),
        ("xOO6ww==", "GBK", "\"你好\""),
        ("aGk=", "US-ASCII", "\"hi\""),
        ("gA==", "ibm866", "\"А\""),
        ("wQ==", "KOI8-R", "\"а\""),
        ("wQ==", "ISO-8859-5", "\"С\""),
    ] {
        assert_eq!(json("textdecodebase64", &[text.into(), charset.into()]), expected, "{charset}");
    }
    for (text, charset) in [("gA==", "nope"), ("6Q==", "US-ASCII"), ("6Q==", "UTF-8"), ("-", "UTF-8")] {
        assert!(call("textdecodebase64", &[text.into(), charset.into()]).is_err(), "{charset}");
    }
    for (text, charset, expected) in [
        ("é", "ISO-8859-1", "6Q=="),
        ("日", "Shift_JIS", "k/o="),
        ("日", "EUC-JP", "xvw="),
        ("日", "EUC-KR", "7O0="),
        ("日", "Big5", "pOk="),
        ("日", "GB18030", "yNU="),
        ("日", "ISO-2022-JP", "GyRCRnwbKEI="),
        ("Hi", "UTF-16", "/v8ASABp"),
        ("Hi", "UTF-8", "SGk="),
        ("", "UTF-8", ""),
        ("€", "windows-1252", "gA=="),
        ("€", "ISO-8859-15", "pA=="),
    ] {
        assert_eq!(call("textencodebase64", &[text.into(), charset.into()]), Ok(expected.into()), "{charset}");
    }
    for (text, charset) in [("é", "US-ASCII"), ("日", "ISO-8859-1")] {
        assert!(call("textencodebase64", &[text.into(), charset.into()]).is_err(), "{charset}");
    }
}

/// The functions of Terraform 1.11, in the order of `terraform metadata functions -json`, without those that see their
/// arguments as expressions; and those that OpenTofu 1.10 adds.
const NAMES: &str = "\
    abs abspath alltrue anytrue base64decode base64encode base64gunzip base64gzip base64sha256 base64sha512 basename \
    bcrypt ceil chomp chunklist cidrcontains cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist \
    compact concat contains csvdecode dirname distinct element endswith ephemeralasnull file filebase64 \
    filebase64sha256 filebase64sha512 fileexists filemd5 fileset filesha1 filesha256 filesha512 flatten floor format \
    formatdate formatlist indent index issensitive join jsondecode jsonencode keys length log lookup lower matchkeys \
    max md5 merge min nonsensitive one parseint pathexpand plantimestamp pow range regex regexall replace reverse \
    rsadecrypt sensitive setintersection setproduct setsubtract setunion sha1 sha256 sha512 signum slice sort split \
    startswith strcontains strrev substr sum textdecodebase64 textencodebase64 timeadd timecmp timestamp title \
    tobool tolist tomap tonumber toset tostring transpose trim trimprefix trimspace trimsuffix upper urldecode \
    urlencode uuid uuidv5 values yamldecode yamlencode zipmap";

#[test]
fn every_function_of_the_language_is_there_and_no_other() {
    let own = |name: &&str| !name.contains("::");
    let names: Vec<&str> = all().map(|f| f.name).filter(own).collect();
    assert_eq!(names, NAMES.split_whitespace().collect::<Vec<_>>());
    let of_provider = ["decode_tfvars", "encode_expr", "encode_tfvars"].map(|n| format!("provider::terraform::{n}"));
    assert!(of_provider.iter().all(|name| lookup(name).is_some()));
}
