//! Any text as a file `main.tf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| terrane_fuzz::load("main.tf", text));
