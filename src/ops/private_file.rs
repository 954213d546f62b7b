//! Files that only their owner may read, written whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes a file. What stood there before is replaced, with its permissions.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_os_string();
    draft.push(format!(".new-{}", uuid::Uuid::new_v4().simple()));
    let draft = PathBuf::from(draft);
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    });
    if written.is_err() {
        // What is left of the attempt is worth nothing.
        let _removed = std::fs::remove_file(&draft);
    }
    written
}
