//! Each dependency earns its place: it is used, and `docs/architecture.md` says what for.

use super::source::Source;

/// Crates whose library is not named as the package.
const LIBRARY_NAMES: &[(&str, &str)] = &[("layout-rs", "layout"), ("md-5", "md5")];

/// The packages of the `[dependencies]` tables, those of a target included; those for tests are not.
pub fn packages(manifest: &str) -> Vec<&str> {
    let mut wanted = false;
    let mut packages = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            wanted = line == "[dependencies]" || (line.starts_with("[target.") && line.ends_with(".dependencies]"));
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| wanted && !line.starts_with([' ', '#'])) {
            packages.push(name);
        }
    }
    packages
}

/// Packages that no source names.
pub fn unused<'m>(packages: &[&'m str], tree: &[Source]) -> Vec<&'m str> {
    let library = |package: &str| match LIBRARY_NAMES.iter().find(|(name, _)| *name == package) {
        Some((_, library)) => (*library).to_owned(),
        None => package.replace('-', "_"),
    };
    packages
        .iter()
        .copied()
        .filter(|package| !tree.iter().any(|source| names(&source.code, &library(package))))
        .collect()
}

/// Packages that the document does not mention in code quotes; `aws-sdk-*` stands for all that begin so.
pub fn unexplained<'m>(packages: &[&'m str], document: &str) -> Vec<&'m str> {
    let quoted: Vec<&str> = document.split('`').skip(1).step_by(2).collect();
    let explains = |word: &str, package: &str| match word.strip_suffix('*') {
        Some(prefix) => package.starts_with(prefix),
        None => word == package,
    };
    packages.iter().copied().filter(|package| !quoted.iter().any(|word| explains(word, package))).collect()
}

fn names(code: &str, library: &str) -> bool {
    let in_a_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(library).any(|(at, _)| {
        let after = &code[at + library.len()..];
        !code[..at].ends_with(in_a_word) && (after.starts_with("::") || after.starts_with([';', ' ']))
    })
}

#[test]
fn an_unused_or_unexplained_dependency_is_found() {
    let manifest = "[dependencies]\ntokio = \"1\"\naws-sdk-ec2 = { version = \"1\" }\nmd-5 = \"1\"\nodd = \"1\"\n\n\
                    [target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n[dev-dependencies]\ninsta = \"1\"\n";
    let packages = packages(manifest);
    assert_eq!(packages, ["tokio", "aws-sdk-ec2", "md-5", "odd", "rustix"]);
    let tree = [Source::new(
        "src/lib.rs",
        "use tokio::sync;\nuse md5::Md5;\nfn f() { aws_sdk_ec2::Client::new(rustix::a()); oddly::b() }",
    )];
    assert_eq!(unused(&packages, &tree), ["odd"]);
    assert_eq!(unexplained(&packages, "| `tokio`, `aws-sdk-*` | and `rustix` |"), ["md-5", "odd"]);
}
