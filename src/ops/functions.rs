//! What the functions of the language are called, take and give: for `metadata functions`, for the schemas of
//! providers that have functions, and for the reference.

use serde_json::{Map, Value as Json, json};

use crate::lang::functions::{self, Kind, Param, Returns};
use crate::model::Type;
use crate::model::value_json::type_to_json;
use crate::provider::{FunctionParam, ProviderDef};

/// One function as it is described.
#[derive(Clone, Debug)]
pub struct Signature {
    pub name: String,
    pub doc: &'static str,
    pub params: Vec<Parameter>,
    pub variadic: Option<Parameter>,
    pub returns: Type,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub doc: &'static str,
    pub ty: Type,
    pub nullable: bool,
}

impl From<&Param> for Parameter {
    fn from(param: &Param) -> Self {
        Parameter { name: param.name, doc: param.doc, ty: param.kind.ty(), nullable: param.nullable }
    }
}

impl From<&FunctionParam> for Parameter {
    fn from(param: &FunctionParam) -> Self {
        Parameter { name: param.name, doc: param.doc, ty: param.ty.clone(), nullable: false }
    }
}

/// A form of the language, which takes expressions.
struct Form {
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    variadic: Option<Param>,
    returns: Kind,
}

const fn form(
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    variadic: Option<Param>,
    returns: Kind,
) -> Form {
    Form { name, doc, params, variadic, returns }
}

const fn param(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param { name, doc, kind, nullable: false }
}

/// The forms that are written like functions, but see their arguments as expressions.
const FORMS: &[Form] = &[
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

/// All functions and forms of the language, sorted by name.
pub fn signatures() -> Vec<Signature> {
    let of_table = functions::all().map(|f| {
        let returns = match f.returns {
            Returns::Always(kind) | Returns::Depends(kind, _) => kind,
        };
        signature(f.name, f.doc, f.params, f.variadic.as_ref(), returns)
    });
    let forms = FORMS.iter().map(|f| signature(f.name, f.doc, f.params, f.variadic.as_ref(), f.returns));
    let mut all: Vec<Signature> = of_table.chain(forms).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn signature(name: &str, doc: &'static str, params: &[Param], variadic: Option<&Param>, returns: Kind) -> Signature {
    let params = params.iter().map(Parameter::from).collect();
    Signature { name: name.into(), doc, params, variadic: variadic.map(Parameter::from), returns: returns.ty() }
}

/// The functions of one provider by its own name: `provider::aws::arn_parse`. Those of the language's own provider
/// are in the table of the language.
pub fn of_provider(provider: &dyn ProviderDef) -> Vec<Signature> {
    let prefix = format!("provider::{}::", provider.name());
    let mut all: Vec<Signature> = signatures().into_iter().filter(|s| s.name.starts_with(&prefix)).collect();
    all.extend(provider.functions().iter().map(|f| Signature {
        name: format!("{prefix}{}", f.name),
        doc: f.doc,
        params: f.params.iter().map(Parameter::from).collect(),
        variadic: None,
        returns: f.returns.clone(),
    }));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The name of a provider's function without the provider.
pub fn short_name(name: &str) -> &str {
    name.rsplit_once("::").map_or(name, |(_, short)| short)
}

/// `metadata functions -json`, format 1.0. Functions of providers are part of their schemas.
pub fn signatures_json() -> Json {
    let mut all = Map::new();
    for signature in signatures().iter().filter(|s| !s.name.contains("::")) {
        let json = signature_json(signature);
        all.insert(format!("core::{}", signature.name), json.clone());
        all.insert(signature.name.clone(), json);
    }
    json!({"format_version": "1.0", "function_signatures": all})
}

/// The functions of one provider, by their short names.
pub fn provider_signatures(provider: &dyn ProviderDef) -> Map<String, Json> {
    of_provider(provider).iter().map(|s| (short_name(&s.name).to_string(), signature_json(s))).collect()
}

fn signature_json(signature: &Signature) -> Json {
    let mut json = json!({"description": signature.doc, "return_type": type_to_json(&signature.returns)});
    if !signature.params.is_empty() {
        json["parameters"] = signature.params.iter().map(param_json).collect();
    }
    if let Some(variadic) = &signature.variadic {
        json["variadic_parameter"] = param_json(variadic);
    }
    json
}

fn param_json(param: &Parameter) -> Json {
    let mut json = json!({"name": param.name, "description": param.doc, "type": type_to_json(&param.ty)});
    if param.nullable {
        json["is_nullable"] = true.into();
    }
    json
}
