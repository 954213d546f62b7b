//! Any text as a template, rendered.
#![no_main]

use terrane::lang::compile::template_text;
use terrane::lang::text_map::TextMap;
use terrane::model::{Diagnostics, SourceId};
use terrane_fuzz::Names;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut problems = Diagnostics::new();
    let map = TextMap::offset(SourceId(0), 0);
    let compiled = template_text(text, &map, &[], &mut Names, &mut problems);
    if !problems.has_errors() {
        let _value = compiled.eval(&Names);
    }
});
