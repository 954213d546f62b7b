//! The reference: pages of the documentation that are made from the program itself, so that they can't be wrong.

mod commands;
mod functions;
mod providers;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Stands at the end of every page that is made, so that pages which are not made any more can be found.
const MADE: &str = "\n<!-- made by `make docs`: change what it is made from -->\n";

/// The table of contents. What stands behind this heading is made; before it is written by hand.
const SUMMARY: &str = "SUMMARY.md";
const REFERENCE: &str = "# Reference\n";

/// A page's path below the documentation's folder, and its text.
type Pages = BTreeMap<PathBuf, String>;

/// Writes all pages below a folder, and takes away those that are not made any more.
pub fn write(folder: &Path) -> io::Result<usize> {
    let pages = pages(folder)?;
    for old in made_before(folder)? {
        if !pages.contains_key(&old) {
            std::fs::remove_file(folder.join(old))?;
        }
    }
    for (path, text) in &pages {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        // A page that did not change keeps its time.
        if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
            std::fs::write(path, text)?;
        }
    }
    Ok(pages.len())
}

fn pages(folder: &Path) -> io::Result<Pages> {
    let mut contents = String::new();
    let mut pages = Pages::new();
    let groups =
        [("Commands", commands::pages()), ("Functions", functions::pages()), ("Providers", providers::pages())];
    for (title, group) in groups {
        contents.push_str(&group.contents(title));
        let made = group.pages.into_iter().map(|page| (page.path, page.text + MADE));
        pages.extend(made);
    }
    let summary = std::fs::read_to_string(folder.join(SUMMARY)).unwrap_or_else(|_| "# Summary\n\n".to_string());
    let by_hand = summary.split(REFERENCE).next().unwrap_or_default();
    pages.insert(SUMMARY.into(), format!("{by_hand}{REFERENCE}\n{contents}"));
    Ok(pages)
}

/// Pages below the folder that bear the mark.
fn made_before(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = match std::fs::read_dir(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md")
                && std::fs::read_to_string(&path)?.ends_with(MADE)
                && let Ok(below) = path.strip_prefix(folder)
            {
                found.push(below.to_path_buf());
            }
        }
    }
    Ok(found)
}

/// Pages of one kind. The first is the way in.
pub struct Group {
    pub pages: Vec<Page>,
}

pub struct Page {
    pub path: PathBuf,
    pub title: String,
    /// How deep it stands in the table of contents: 0 for a page beside the others of its kind.
    pub depth: usize,
    pub text: String,
}

impl Group {
    fn contents(&self, title: &str) -> String {
        let line = |page: &Page| format!("{}- [{}]({})\n", "  ".repeat(page.depth), page.title, page.path.display());
        match self.pages.first() {
            Some(first) => {
                let rest: String = self.pages.iter().skip(1).map(line).collect();
                format!("- [{title}]({})\n{rest}", first.path.display())
            }
            None => String::new(),
        }
    }
}
