//! Paths as text, with `/` between their parts: joined and shortened without asking the file system.

/// Joins a relative path to a folder and shortens the result.
pub fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') { normal(path) } else { normal(&format!("{folder}/{path}")) }
}

/// Without `.` and `..` where they can be left out; `.` for the folder itself.
pub fn normal(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => (),
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => (),
            part => parts.push(part),
        }
    }
    match (absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_string(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened() {
        for (path, short) in [
            (".", "."),
            ("", "."),
            ("./a/../b/", "b"),
            ("a/..", "."),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/a/../../b", "/b"),
            ("/", "/"),
            ("a//b", "a/b"),
        ] {
            assert_eq!(normal(path), short, "{path}");
        }
        assert_eq!(join(".", "../x"), "../x");
        assert_eq!(join("/srv/a", "./b"), "/srv/a/b");
    }
}
