//! The local provider: files of this machine.
//! <https://registry.terraform.io/providers/hashicorp/local/latest/docs>

mod content;
mod data;
mod file;
mod functions;

use std::sync::Arc;

pub use content::sha1;

use super::define_with;
use crate::provider::ProviderDef;

pub const SOURCE: &str = "hashicorp/local";

pub fn provider() -> Arc<dyn ProviderDef> {
    let resources = vec![file::local_file(), file::local_sensitive_file()];
    let data = vec![data::local_file(), data::local_sensitive_file()];
    define_with("local", SOURCE, resources, data, Vec::new(), functions::functions)
}
