//! Workspaces: several states of one configuration, and where their files lie.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use sha2::{Digest, Sha256};

use super::private_file;

/// A workspace's name, which is safe as the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workspace(String);

/// A name that no workspace can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot be the name of a workspace: use letters, digits and \"-\", \"_\", \".\", \"~\", \"+\", \"=\", \"@\", at most 90 bytes"
)]
pub struct WorkspaceNameError(pub String);

/// The file that says which workspace was chosen, and cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("which workspace was chosen cannot be read from \"{path}\": {detail}")]
pub struct ChoiceError {
    pub path: PathBuf,
    detail: String,
}

/// The file that says which workspace was chosen: its name, and a checksum of that on the next line.
const CHOICE: &str = "environment";

fn sum(name: &str) -> String {
    let digest = hex::encode(Sha256::digest(name));
    digest.get(..16).unwrap_or_default().to_string()
}

const DEFAULT: &str = "default";

impl Workspace {
    pub fn parse(name: &str) -> Result<Workspace, WorkspaceNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~+=@".contains(c);
        let good = !name.is_empty() && name.len() <= 90 && name.chars().all(allowed) && name != "." && name != "..";
        if good { Ok(Workspace(name.to_string())) } else { Err(WorkspaceNameError(name.to_string())) }
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    pub fn is_default(&self) -> bool {
        self.0 == DEFAULT
    }

    /// Lets later commands in this folder work on it.
    pub fn choose(&self, data_dir: &Path) -> std::io::Result<()> {
        private_file::write(&data_dir.join(CHOICE), format!("{self}\n{}\n", sum(&self.0)).as_bytes())
    }

    /// The one that was chosen; nothing where none was. The name may stand alone.
    pub fn chosen(data_dir: &Path) -> Result<Option<Workspace>, ChoiceError> {
        let path = data_dir.join(CHOICE);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ChoiceError { path, detail: error.to_string() }),
            Ok(bytes) => bytes,
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let (name, written) = (lines.next().unwrap_or_default().trim(), lines.next());
        match Workspace::parse(name) {
            Ok(workspace) if written.is_none_or(|written| written == sum(name)) => Ok(Some(workspace)),
            _ => Err(ChoiceError { path, detail: "it does not hold what was written".to_string() }),
        }
    }

    /// The folder of the workspace's own files: `.terrane` for the default, `.terrane/workspaces/NAME` for others.
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        match self.is_default() {
            true => data_dir.to_path_buf(),
            false => data_dir.join("workspaces").join(&self.0),
        }
    }

    /// The state's file.
    pub fn state_path(&self, data_dir: &Path) -> PathBuf {
        self.folder(data_dir).join("state.db")
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace(DEFAULT.to_string())
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_data_folder() {
        for name in ["", ".", "..", "a/b", "a\\b", "a b", "ä", "a\0"] {
            assert!(Workspace::parse(name).is_err(), "{name:?}");
        }
        let data = Path::new(".terrane");
        assert_eq!(Workspace::default().state_path(data), Path::new(".terrane/state.db"));
        let blue = Workspace::parse("prod-1.eu").unwrap();
        assert_eq!(blue.state_path(data), Path::new(".terrane/workspaces/prod-1.eu/state.db"));
    }

    #[test]
    fn a_choice_that_is_not_what_was_written_is_no_choice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CHOICE);
        let chosen = || Workspace::chosen(folder.path());
        assert_eq!(chosen().unwrap(), None);
        Workspace::parse("prod").unwrap().choose(folder.path()).unwrap();
        let good = fs::read(&path).unwrap();
        assert_eq!(chosen().unwrap().unwrap().name(), "prod");
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let found = chosen().map(|found| found.unwrap().name().to_string());
            assert!(found.as_deref().unwrap_or("prod") == "prod", "{at}: {found:?}");
            assert!(found.is_err() || at + 1 == good.len(), "{at}");
        }
        for bad in [&b""[..], b"\xff\xfe", &good[..8]] {
            fs::write(&path, bad).unwrap();
            assert!(chosen().unwrap_err().to_string().contains("environment"));
        }
        fs::write(&path, "blue").unwrap();
        assert_eq!(chosen().unwrap().unwrap().name(), "blue");
    }
}
