//! The pages of the documentation that are made from the program are what the program makes now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::support::cli::Stack;

/// After a change of a schema, a function or an option: `make docs`.
#[test]
fn the_checked_in_pages_are_what_is_made() {
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let stack = Stack::copy_of("docs");
    stack.terrane(["reference", "."]).run().success();
    let (before, now) = (pages(&checked_in), pages(&stack.dir()));
    let all: std::collections::BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
    let odd: Vec<&&PathBuf> = all.iter().filter(|path| before.get(**path) != now.get(**path)).collect();
    assert!(odd.is_empty(), "run `make docs`: these pages are not what is made now: {odd:#?}");
}

/// A link that leads nowhere, and a page that the table of contents does not have, are mistakes.
#[test]
fn links_lead_somewhere_and_contents_are_complete() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages = pages(&docs);
    let mut problems = Vec::new();
    for (path, text) in &pages {
        let folder = docs.join(path.parent().unwrap_or(Path::new("")));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|l| !l.contains("://") && !l.starts_with('#')) {
            let file = link.split('#').next().unwrap_or(link);
            if !folder.join(file).exists() {
                problems.push(format!("{}: there is no {link}", path.display()));
            }
        }
    }
    let contents = &pages[Path::new("SUMMARY.md")];
    let listed = |path: &PathBuf| contents.contains(&format!("({})", path.display()));
    problems.extend(
        pages
            .keys()
            .filter(|p| **p != Path::new("SUMMARY.md") && !listed(p))
            .map(|p| format!("SUMMARY.md: {} is missing", p.display())),
    );
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The Markdown below a folder, by path.
fn pages(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is readable") {
            let path = entry.expect("the folder is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                let text = std::fs::read_to_string(&path).expect("pages are text");
                found.insert(path.strip_prefix(root).expect("below").to_path_buf(), text);
            }
        }
    }
    found
}
