//! The TLS stack of the backends: rustls with ring.

use std::sync::Once;

/// Makes ring the cryptography of HTTP clients of this process that do not choose one themselves.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error says that one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
