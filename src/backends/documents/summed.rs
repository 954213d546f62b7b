//! Texts of one line with their checksum on the next.

use sha2::{Digest, Sha256};

/// A text with its checksum.
pub fn with_sum(mut text: Vec<u8>) -> Vec<u8> {
    let sum = format!("\n{}\n", hex::encode(Sha256::digest(&text)));
    text.extend(sum.as_bytes());
    text
}

/// The text, where it is what was written; the error says what is wrong. One without a checksum is taken as it is.
pub fn checked(bytes: &[u8]) -> Result<&[u8], String> {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (text, sum) = (parts.next().unwrap_or_default(), parts.next());
    match sum.is_some_and(|sum| sum.trim_ascii() != hex::encode(Sha256::digest(text)).as_bytes()) {
        true => Err("its checksum is wrong".to_string()),
        false => Ok(text),
    }
}
