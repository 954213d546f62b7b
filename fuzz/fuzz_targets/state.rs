//! Any text as a `terraform.tfstate`.
#![no_main]

use terrane::state::tfstate::{export, import};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(snapshot) = import(text) {
        let written = export(&snapshot);
        import(&written).expect("what was written can be read");
    }
});
