//! A canary secret goes through every command, and through what fails: it shows in no output, log, stream or plan, and
//! with encryption in no file that is ours.
//!
//! What shows it on purpose is named one by one in [`commands`].

mod commands;
mod failures;
mod files;
mod sources;

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::cli::{Run, Stack, Terrane};

/// A secret that can be told from everything else.
const CANARY: &str = "canary-7f3c-Zq";

/// The same, ephemeral: not even a state has it.
const BRIEF: &str = "brief-canary-51aa";

/// Variables with the two in them.
const VARIABLES: &str = "variable \"secret\" {\n  type = string\n  sensitive = true\n}\n\
                         variable \"brief\" {\n  type = string\n  ephemeral = true\n}\n";

const ENCRYPTION: &str = r#"
terraform {
  encryption {
    key_provider "environment" "main" {
      variable = "CANARY_KEY"
    }
    method "aes_gcm" "main" {
      keys = key_provider.environment.main
    }
    state {
      method = method.aes_gcm.main
    }
    plan {
      method = method.aes_gcm.main
    }
  }
}
"#;

/// A command that is given both canaries, and logs everything.
fn with_canaries(stack: &Stack, arguments: &[&str]) -> Terrane {
    stack
        .terrane(arguments.iter().copied())
        .env("TF_VAR_secret", CANARY)
        .env("TF_VAR_brief", BRIEF)
        .env("CANARY_KEY", "5a".repeat(32))
        .env("TERRANE_SANDBOX", "1")
        .env("TERRANE_LOG", "trace")
        .env("TF_LOG", "trace")
}

/// The forms in which a text is as good as in clear.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_string(), hex::encode(text), hex::encode_upper(text), text.replace('-', "\\u002d")];
    // In base64 a text reads in one of three ways, as what stands before it is long.
    for before in 0..3 {
        let encoded = STANDARD.encode([&vec![0; before][..], text.as_bytes()].concat());
        let whole = (before + text.len()) / 3 * 4;
        forms.push(encoded[[0, 2, 3][before]..whole].to_string());
    }
    forms
}

fn holds(bytes: &[u8], text: &str) -> bool {
    // Searching in a text is much faster than comparing windows; all forms are ASCII, which stays as it is.
    let searched = String::from_utf8_lossy(bytes);
    forms(text).iter().any(|form| searched.contains(form))
}

/// Whether bytes hold a text, also where they are packed.
fn holds_packed(bytes: &[u8], text: &str) -> bool {
    let mut begins = bytes.iter().enumerate().filter(|(at, byte)| **byte == 0x1f && bytes[*at..].starts_with(GZIP));
    holds(bytes, text) || begins.any(|(at, _)| holds(&unpacked(&bytes[at..]), text))
}

/// How something packed begins.
const GZIP: &[u8] = b"\x1f\x8b\x08";

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    // What is no archive, or a broken one, gives what could be read of it.
    let _partly = flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain);
    plain
}

/// Files below a folder that hold the text.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_with(&path, text)),
            false if holds_packed(&std::fs::read(&path).unwrap(), text) => found.push(path),
            false => (),
        }
    }
    found
}

#[track_caller]
fn assert_hidden(run: &Run, secrets: &[&str]) {
    for secret in secrets {
        assert!(!holds(run.stdout.as_bytes(), secret) && !holds(run.stderr.as_bytes(), secret), "{secret} in {run}");
    }
}

#[test]
fn the_canary_is_found_in_every_form() {
    let json = serde_json::json!({ "a": CANARY }).to_string();
    for bytes in [CANARY.to_string(), json, hex::encode(CANARY), STANDARD.encode(CANARY)] {
        assert!(holds_packed(bytes.as_bytes(), CANARY), "{bytes}");
    }
    for before in ["", "x", "xy", "xyz"] {
        assert!(holds(STANDARD.encode(format!("{before}{CANARY}yz")).as_bytes(), CANARY), "{before}");
    }
    let mut packer = flate2::write::GzEncoder::new(b"before ".to_vec(), flate2::Compression::default());
    std::io::Write::write_all(&mut packer, CANARY.as_bytes()).unwrap();
    assert!(holds_packed(&packer.finish().unwrap(), CANARY));
    assert!(!holds_packed(b"canary-7f3c", CANARY));
}
