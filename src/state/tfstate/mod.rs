//! Terraform's state format, version 4: read to adopt a state, written for `state pull` and for tools.

mod export;
mod identity;
mod import;
mod json_text;

pub use export::export;
pub(super) use identity::without_identity;
pub use import::{TfstateError, import};

/// The member under which a `private` that is not JSON is kept: Terraform's providers may store any bytes.
const OPAQUE: &str = "terraform_private_base64";
