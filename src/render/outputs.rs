//! Output values, as `terrane output` gives them: for people, as JSON, and one alone as raw text.

use serde_json::{Map, Value as Json, json};

use super::quote;
use super::value_text::value_text;
use crate::model::value_json::{to_json, type_to_json};
use crate::model::{Str, Value};

/// One root output as the state has it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputValue {
    pub name: Str,
    pub value: Value,
    pub sensitive: bool,
}

/// Why an output has no raw form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    #[error("output \"{name}\" is {kind}, and only a string, number or bool has a raw form")]
    Structure { name: Str, kind: String },
    #[error("output \"{name}\" is null and has no raw form")]
    Null { name: Str },
}

/// All outputs, one `name = value` each; sensitive ones are named only.
pub fn outputs_text(outputs: &[OutputValue]) -> String {
    let mut out = String::new();
    for output in outputs {
        let value = match output.sensitive {
            true => "<sensitive>".to_string(),
            // A secret deep in an output that is not itself sensitive stays hidden too.
            false => value_text(&output.value),
        };
        out.push_str(&format!("{} = {value}\n", quote::name(&output.name)));
    }
    out
}

/// One output that was asked for by name: shown also where it is sensitive, since that is what was asked.
pub fn output_text(output: &OutputValue) -> String {
    value_text(&output.value.unmark_deep().0) + "\n"
}

/// `terrane output -json`: an object of `{sensitive, type, value}` by name. Holds secrets: the reader asked for data.
pub fn outputs_json(outputs: &[OutputValue]) -> Json {
    let entry = |o: &OutputValue| {
        let fields = json!({"sensitive": o.sensitive, "type": type_to_json(&o.value.ty()), "value": to_json(&o.value)});
        (o.name.to_string(), fields)
    };
    Json::Object(outputs.iter().map(entry).collect::<Map<String, Json>>())
}

/// `terrane output -json NAME`: the value alone.
pub fn output_json(output: &OutputValue) -> Json {
    to_json(&output.value)
}

/// `terrane output -raw NAME`: the text without quotes or a line break behind it.
pub fn output_raw(output: &OutputValue) -> Result<String, RawError> {
    match output.value.bare() {
        Value::String(s) => Ok(s.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Null(_) => Err(RawError::Null { name: output.name.clone() }),
        other => Err(RawError::Structure { name: output.name.clone(), kind: other.ty().friendly() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Marks;

    fn output(name: &str, value: Value, sensitive: bool) -> OutputValue {
        OutputValue { name: name.into(), value, sensitive }
    }

    #[test]
    fn sensitive_outputs_are_named_only() {
        let all = [
            output("id", "vpc-1".into(), false),
            output("key", "hush".into(), true),
            output("map", Value::object([("k", Value::from("hush").mark(Marks::SENSITIVE))]), false),
        ];
        let text = outputs_text(&all);
        assert_eq!(text, "id = \"vpc-1\"\nkey = <sensitive>\nmap = {\n  \"k\" = (sensitive value)\n}\n");
        assert_eq!(outputs_json(&all)["key"], json!({"sensitive": true, "type": "string", "value": "hush"}));
    }

    #[test]
    fn raw_takes_primitives_only() {
        assert_eq!(output_raw(&output("a", "x\n".into(), false)).unwrap(), "x\n");
        assert_eq!(output_raw(&output("a", Value::int(5), false)).unwrap(), "5");
        let error = output_raw(&output("a", Value::tuple(vec![]), false)).unwrap_err();
        assert_eq!(error.to_string(), "output \"a\" is tuple, and only a string, number or bool has a raw form");
    }
}
