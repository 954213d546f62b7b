//! Any bytes as a saved plan; and any text as what is packed in one.
#![no_main]

use std::io::Write;

use terrane::ops::plan_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("terrane-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder is writable");
    let _read = plan_file::read(&path);
    let mut packed = flate2::write::GzEncoder::new(b"terrane plan 1\n".to_vec(), flate2::Compression::fast());
    packed.write_all(bytes).expect("memory takes it");
    std::fs::write(&path, packed.finish().expect("memory takes it")).expect("the temporary folder is writable");
    let _read = plan_file::read(&path);
});
