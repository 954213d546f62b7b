//! Any text as a file `stack.yaml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| terrane_fuzz::load("stack.yaml", text));
