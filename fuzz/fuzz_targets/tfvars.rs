//! Any text as a file of variables.
#![no_main]

use terrane::lang::functions::{Isolated, lookup};
use terrane::model::Value;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let decode = lookup("provider::terraform::decode_tfvars").expect("the function is there");
    if let Ok(value) = decode.call(&[Value::from(text)], &Isolated) {
        let encode = lookup("provider::terraform::encode_tfvars").expect("the function is there");
        let written = encode.call(std::slice::from_ref(&value), &Isolated).expect("variables can be written");
        let again = decode.call(&[written], &Isolated).expect("what was written can be read");
        assert_eq!(value, again);
    }
});
