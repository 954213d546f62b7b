//! `provider::local::direxists`: whether a folder is there.

use crate::model::Type;
use crate::provider::function::text;
use crate::provider::{FunctionParam, ProviderFunction};

pub fn functions() -> Vec<ProviderFunction> {
    vec![ProviderFunction {
        name: "direxists",
        doc: "Whether there is a folder at a path.",
        params: vec![FunctionParam::string("path", "The path; a relative one starts at the working folder.")],
        returns: Type::Bool,
        body: |args| match std::fs::metadata(text(args, 0)) {
            Ok(found) if found.is_dir() => Ok(true.into()),
            Ok(_) => Err(format!("\"{}\" is not a folder", text(args, 0))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false.into()),
            Err(error) => Err(format!("\"{}\" cannot be read: {error}", text(args, 0))),
        },
    }]
}
