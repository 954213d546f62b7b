//! Version constraints: `>= 1.5, < 2.0`, `~> 5.0`.

/// Whether a text is a version constraint; the error says what is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    text.split(',').try_for_each(|part| one(part.trim()))
}

fn one(part: &str) -> Result<(), String> {
    if part.is_empty() {
        return Err("a constraint is empty".into());
    }
    let operators = [">=", "<=", "!=", "~>", "=", ">", "<"];
    let version = operators.iter().find_map(|op| part.strip_prefix(op)).unwrap_or(part).trim();
    if is_version(version) {
        return Ok(());
    }
    Err(format!("\"{part}\" is no constraint; one is written like \">= 1.5\" or \"~> 5.0\""))
}

/// `1`, `1.5`, `1.5.7-rc.1+build`.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (numbers, pre) = text.split_once('-').map_or((text, None), |(n, p)| (n, Some(p)));
    let word = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let number = |s: &str| !s.is_empty() && s.len() < 20 && s.bytes().all(|b| b.is_ascii_digit());
    numbers.split('.').all(number) && pre.is_none_or(|p| p.split('.').all(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_told_from_other_text() {
        for good in ["1", ">= 1.5", "~>5.0", ">= 1.0, < 2.0.0-beta.1", "!= 1.2.3", "= v1.0"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "latest", ">> 1", "1.x", ">= 1.0,", "1..2", "^1.0"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
