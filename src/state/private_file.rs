//! Files that only their owner may read, written whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A path whose name ends with something more.
pub fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(OsStr::new(more));
    PathBuf::from(name)
}

/// Writes a file. What stood there before is replaced, with its permissions.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = draft(path)?;
    let written = fs::write(&draft, bytes).and_then(|()| name(&draft, path));
    if written.is_err() {
        // What is left of the attempt is worth nothing.
        let _removed = fs::remove_file(&draft);
    }
    written
}

/// An empty file of another name in the folder of a new one.
pub fn draft(path: &Path) -> std::io::Result<PathBuf> {
    let draft = beside(path, &format!(".new-{}", uuid::Uuid::new_v4().simple()));
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&draft).map(|_| draft)
}

/// Gives a complete draft its name, for good.
pub fn name(draft: &Path, path: &Path) -> std::io::Result<()> {
    File::open(draft)?.sync_all()?;
    fs::rename(draft, path)?;
    sync_folder(path);
    Ok(())
}

/// The name of a new file is durable once its folder is. Not every system can do this, and none needs it to go on.
pub fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
