//! Any text as an expression, evaluated.
#![no_main]

use terrane::lang::compile::expression_text;
use terrane::lang::text_map::TextMap;
use terrane::model::{Diagnostics, SourceId};
use terrane::render::value_text::value_text;
use terrane_fuzz::Names;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // What takes long by design: rounds of bcrypt, large repetitions.
    if ["bcrypt", "range", "rsadecrypt"].iter().any(|name| text.contains(name)) {
        return;
    }
    let mut problems = Diagnostics::new();
    let map = TextMap::offset(SourceId(0), 0);
    let compiled = expression_text(text, &map, &[], &mut Names, &mut problems);
    if let (false, Ok(value)) = (problems.has_errors(), compiled.eval(&Names)) {
        let _shown = value_text(&value);
    }
});
