//! The tls provider: keys and certificates.
//! <https://registry.terraform.io/providers/hashicorp/tls/latest/docs>

mod certificate;
mod key;
mod private_key;
mod self_signed_cert;

use std::sync::Arc;

use super::define;
use crate::provider::ProviderDef;

pub const SOURCE: &str = "hashicorp/tls";

pub fn provider() -> Arc<dyn ProviderDef> {
    define("tls", SOURCE, vec![private_key::tls_private_key(), self_signed_cert::tls_self_signed_cert()], Vec::new())
}
