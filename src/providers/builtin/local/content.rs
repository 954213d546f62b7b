//! What a file holds: reading and writing it, and the check sums that are shown of it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use rand::Rng;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::model::ObjectBuilder;
use crate::provider::{ErrorKind, ProviderError};

/// The names and meanings of the check sums that [`set_sums`] fills in.
pub const SUMS: [(&str, &str); 6] = [
    ("content_base64sha256", "SHA-256 of the content, in base64."),
    ("content_base64sha512", "SHA-512 of the content, in base64."),
    ("content_md5", "MD5 of the content, in hexadecimal digits."),
    ("content_sha1", "SHA-1 of the content, in hexadecimal digits."),
    ("content_sha256", "SHA-256 of the content, in hexadecimal digits."),
    ("content_sha512", "SHA-512 of the content, in hexadecimal digits."),
];

pub fn set_sums(object: ObjectBuilder, content: &[u8]) -> ObjectBuilder {
    let (sha256, sha512) = (Sha256::digest(content), Sha512::digest(content));
    object
        .set("content_base64sha256", STANDARD.encode(sha256))
        .set("content_base64sha512", STANDARD.encode(sha512))
        .set("content_md5", hex::encode(Md5::digest(content)))
        .set("content_sha1", sha1(content))
        .set("content_sha256", hex::encode(sha256))
        .set("content_sha512", hex::encode(sha512))
}

/// The id of a file is the SHA-1 of its content.
pub fn sha1(content: &[u8]) -> String {
    hex::encode(Sha1::digest(content))
}

/// The error of a file operation, with the path and the next step.
pub fn file_error(what: &str, path: &Path, error: &io::Error) -> ProviderError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Other,
    };
    ProviderError::new(kind, format!("\"{}\" cannot be {what}: {error}", path.display()))
}

/// Writes the file so that a reader sees the old content or the new one, never a part, and makes the
/// folders that are missing on the way.
pub fn write(path: &Path, content: &[u8], file_mode: u32, folder_mode: u32) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    make_folders(&folder, folder_mode)?;
    let beside = folder.join(format!(".{:032x}.tmp", rand::rng().random::<u128>()));
    let written = write_new(&beside, content, file_mode).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // The error that is returned tells more than one of the clearing up.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(unix)]
fn make_folders(folder: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(folder)
}

#[cfg(not(unix))]
fn make_folders(folder: &Path, _mode: u32) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    // Nobody else may read it before it has the mode that it shall have.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    set_mode(&file, mode)?;
    file.sync_all()
}

#[cfg(unix)]
fn set_mode(file: &std::fs::File, mode: u32) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &std::fs::File, _mode: u32) -> io::Result<()> {
    Ok(())
}
