//! Version constraints: `>= 1.5, < 2.0`, `~> 5.0`.

/// Whether a text is a version constraint; the error says what is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    text.split(',').try_for_each(|part| one(part.trim()))
}

/// The versions of the language that are read here, as Terraform and OpenTofu count them.
const LANGUAGE: [[u64; 3]; 3] = [[1, 10, 6], [1, 11, 4], [1, 12, 0]];

/// Whether a constraint allows a version of the language that is read here. Its form is right.
pub fn is_met(text: &str) -> bool {
    LANGUAGE.iter().any(|version| text.split(',').all(|part| allows(part.trim(), version)))
}

fn allows(part: &str, version: &[u64; 3]) -> bool {
    let operator = OPERATORS.iter().find(|op| part.starts_with(**op)).copied().unwrap_or("=");
    let written = part.strip_prefix(operator).unwrap_or(part).trim();
    let written = written.strip_prefix('v').unwrap_or(written);
    let numbers = written.split(['-', '+']).next().unwrap_or_default();
    let mut wanted = [0; 3];
    let parts: Vec<u64> = numbers.split('.').map_while(|n| n.parse().ok()).collect();
    for (slot, number) in wanted.iter_mut().zip(&parts) {
        *slot = *number;
    }
    match operator {
        ">=" => *version >= wanted,
        "<=" => *version <= wanted,
        ">" => *version > wanted,
        "<" => *version < wanted,
        "!=" => *version != wanted,
        // The last number that is written may rise.
        "~>" => {
            let fixed = parts.len().saturating_sub(1).clamp(1, 3);
            *version >= wanted && version.iter().take(fixed).eq(wanted.iter().take(fixed))
        }
        _ => *version == wanted,
    }
}

const OPERATORS: [&str; 7] = [">=", "<=", "!=", "~>", "=", ">", "<"];

fn one(part: &str) -> Result<(), String> {
    if part.is_empty() {
        return Err("a constraint is empty".into());
    }
    let version = OPERATORS.iter().find_map(|op| part.strip_prefix(op)).unwrap_or(part).trim();
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
    fn constraints_are_met_by_the_language_that_is_read() {
        for good in [
            ">= 1.5",
            "~> 1.0",
            "~> 1.10.0",
            ">= 1.10, < 1.11",
            "~> 1.11",
            "~> 1.11.0",
            "1.11.4",
            ">= 1.12, < 2",
            "!= 1.11.4",
            "> 0.12.26",
        ] {
            assert!(is_met(good), "{good}");
        }
        for bad in [">= 2", "< 1.5", "~> 1.9.0", "~> 0.13", "= 1.9.0"] {
            assert!(!is_met(bad), "{bad}");
        }
    }

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
