//! Where source files come from: the disk, or a bundle of sources that a saved plan carries.

use std::collections::BTreeMap;
use std::io;

use crate::model::Str;

/// Lists and reads files. Paths are relative to the working folder, with `/` between their parts.
pub trait Files {
    /// The names of the files (not folders) that stand directly in a folder, in any order.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Whole files only; `limit` is the size in bytes above which reading is refused.
    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Follows links: a linked file counts as a file.
            let is_folder = std::fs::metadata(entry.path()).map(|m| m.is_dir()).unwrap_or(false);
            if !is_folder {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        use std::io::Read;
        let file = std::fs::File::open(path)?;
        let mut bytes = Vec::new();
        // Reads one byte more than allowed, so that a file that grows or has no size (a pipe) is refused too.
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large"));
        }
        Ok(bytes)
    }
}

/// Sources by path, as [`super::bundle`] gives them.
#[derive(Clone, Debug, Default)]
pub struct Bundle(BTreeMap<String, Str>);

impl Bundle {
    pub fn new(files: impl IntoIterator<Item = (String, Str)>) -> Bundle {
        Bundle(files.into_iter().collect())
    }
}

impl Files for Bundle {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let prefix = if folder == "." { String::new() } else { format!("{}/", folder.trim_end_matches('/')) };
        let under = self.0.keys().filter_map(|path| path.strip_prefix(&prefix));
        let names: Vec<String> = under.filter(|rest| !rest.contains('/')).map(str::to_string).collect();
        match names.is_empty() && folder != "." {
            true => Err(io::Error::new(io::ErrorKind::NotFound, "the folder is not in the bundle")),
            false => Ok(names),
        }
    }

    fn read(&self, path: &str, _limit: u64) -> io::Result<Vec<u8>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the file is not in the bundle");
        self.0.get(path).map(|text| text.as_bytes().to_vec()).ok_or_else(missing)
    }
}
