//! Files that only their owner may read, written whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A path whose name ends with something more.
pub fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(OsStr::new(more));
    PathBuf::from(name)
}

/// Writes a file. What stood there before is replaced, with its permissions; a link still leads to it then.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        // A pipe, or /dev/null: nothing may take its place.
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let draft = draft(path)?;
    let written = fs::write(&draft, bytes).and_then(|()| name(&draft, path));
    if written.is_err() {
        // What is left of the attempt is worth nothing.
        let _removed = fs::remove_file(&draft);
    }
    written
}

/// Writes a file that is not there yet, for others to read as they may read any; what stands there already stays.
pub fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = beside(path, &format!(".new-{}", uuid::Uuid::new_v4().simple()));
    if let Err(error) = fs::write(&draft, bytes) {
        // What is left of the attempt is worth nothing.
        let _removed = fs::remove_file(&draft);
        return Err(error);
    }
    match name_new(&draft, path)? {
        true => Ok(()),
        false => Err(std::io::ErrorKind::AlreadyExists.into()),
    }
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

/// Gives a complete draft a name that nothing has. Where something has it by now, that stays, and this gives false.
pub fn name_new(draft: &Path, path: &Path) -> std::io::Result<bool> {
    let synced = File::open(draft).and_then(|file| file.sync_all());
    let named = synced.and_then(|()| match fs::hard_link(draft, path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        // A file system without links.
        Err(_) => fs::rename(draft, path).map(|()| true),
    });
    // Gone already after a rename; what cannot be removed harms nobody.
    let _removed = fs::remove_file(draft);
    if matches!(named, Ok(true)) {
        sync_folder(path);
    }
    named
}

/// The name of a new file is durable once its folder is. Not every system can do this, and none needs it to go on.
pub fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
