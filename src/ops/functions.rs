//! What the functions of the language are called, take and give: for `metadata functions`, for the schemas of
//! providers that have functions, and for the reference.

use serde_json::{Map, Value as Json, json};

use crate::lang::functions::{self, Kind, Param, Returns};
use crate::model::value_json::type_to_json;

/// One function as it is described.
pub struct Signature {
    pub name: &'static str,
    pub doc: &'static str,
    pub params: &'static [Param],
    pub variadic: Option<Param>,
    pub returns: Kind,
}

const fn form(
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    variadic: Option<Param>,
    returns: Kind,
) -> Signature {
    Signature { name, doc, params, variadic, returns }
}

const fn param(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param { name, doc, kind, nullable: false }
}

/// The forms that are written like functions, but see their arguments as expressions.
const FORMS: &[Signature] = &[
    form(
        "can",
        "Whether an expression has a value, rather than an error.",
        &[param("expression", Kind::Any, "The expression.")],
        None,
        Kind::Bool,
    ),
    form(
        "templatefile",
        "The text of a file, rendered as a template with variables.",
        &[
            param("path", Kind::String, "Where the file is."),
            param("vars", Kind::Any, "An object whose attributes the template sees as variables."),
        ],
        None,
        Kind::Any,
    ),
    form(
        "templatestring",
        "A string of the configuration, rendered as a template with variables.",
        &[
            param("template", Kind::String, "The template: a reference to a string, not a literal."),
            param("vars", Kind::Any, "An object whose attributes the template sees as variables."),
        ],
        None,
        Kind::Any,
    ),
    form(
        "try",
        "The value of the first expression that has no error.",
        &[],
        Some(param("expressions", Kind::Any, "The expressions, tried in order.")),
        Kind::Any,
    ),
];

/// All functions and forms, sorted by name.
pub fn signatures() -> Vec<Signature> {
    let of_table = functions::all().map(|f| {
        let returns = match f.returns {
            Returns::Always(kind) | Returns::Depends(kind, _) => kind,
        };
        Signature { name: f.name, doc: f.doc, params: f.params, variadic: f.variadic, returns }
    });
    let forms = FORMS.iter().map(|f| Signature { ..*f });
    let mut all: Vec<Signature> = of_table.chain(forms).collect();
    all.sort_by_key(|s| s.name);
    all
}

/// `metadata functions -json`, format 1.0. Functions of providers are part of their schemas.
pub fn signatures_json() -> Json {
    let mut all = Map::new();
    for signature in signatures().iter().filter(|s| !s.name.contains("::")) {
        let json = signature_json(signature);
        all.insert(format!("core::{}", signature.name), json.clone());
        all.insert(signature.name.to_string(), json);
    }
    json!({"format_version": "1.0", "function_signatures": all})
}

/// The functions of one provider, by their short names.
pub fn provider_signatures(provider: &str) -> Map<String, Json> {
    let prefix = format!("provider::{provider}::");
    let of = |s: &Signature| Some((s.name.strip_prefix(&prefix)?.to_string(), signature_json(s)));
    signatures().iter().filter_map(of).collect()
}

fn signature_json(signature: &Signature) -> Json {
    let mut json = json!({"description": signature.doc, "return_type": type_to_json(&signature.returns.ty())});
    if !signature.params.is_empty() {
        json["parameters"] = signature.params.iter().map(param_json).collect();
    }
    if let Some(variadic) = &signature.variadic {
        json["variadic_parameter"] = param_json(variadic);
    }
    json
}

fn param_json(param: &Param) -> Json {
    let mut json = json!({"name": param.name, "description": param.doc, "type": type_to_json(&param.kind.ty())});
    if param.nullable {
        json["is_nullable"] = true.into();
    }
    json
}
