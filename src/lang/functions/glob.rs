//! Patterns of paths: `*` and `?` within a name, `**` across directories, `[a-z]`, `{a,b}`.

use super::files::clean;
use super::{Entry, Host};

/// The files below a directory that match a pattern, relative to the directory, in any order.
pub fn find(host: &dyn Host, directory: &str, pattern: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for alternative in expand_braces(pattern)? {
        let cleaned = clean(&alternative);
        let parts: Vec<&str> = cleaned.split('/').collect();
        for part in &parts {
            check(part)?;
        }
        let mut walk = Walk { host, directory, found: &mut found };
        walk.step(&parts, "")?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

struct Walk<'a> {
    host: &'a dyn Host,
    directory: &'a str,
    found: &'a mut Vec<String>,
}

impl Walk<'_> {
    /// Follows the rest of a pattern from a place relative to the directory.
    fn step(&mut self, parts: &[&str], at: &str) -> Result<(), String> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if *part == "**" {
            let rest = if rest.is_empty() { &["*"][..] } else { rest };
            self.step(rest, at)?;
            for (name, kind) in self.list(at) {
                if kind == Entry::Directory {
                    self.step(parts, &joined(at, &name))?;
                }
            }
            return Ok(());
        }
        if *part == ".." || *part == "." {
            return self.step(rest, &joined(at, part));
        }
        for (name, kind) in self.list(at) {
            if !matches(part, &name) {
                continue;
            }
            match (kind, rest.is_empty()) {
                (Entry::File, true) => self.found.push(joined(at, &name)),
                (Entry::Directory, false) => self.step(rest, &joined(at, &name))?,
                _ => (),
            }
        }
        Ok(())
    }

    /// A directory that is not there holds nothing.
    fn list(&self, at: &str) -> Vec<(String, Entry)> {
        let path = if at.is_empty() { self.directory.to_string() } else { format!("{}/{at}", self.directory) };
        self.host.list_dir(&path).unwrap_or_default()
    }
}

fn joined(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_string() } else { format!("{at}/{name}") }
}

/// The patterns without braces that a pattern stands for.
fn expand_braces(pattern: &str) -> Result<Vec<String>, String> {
    let Some(open) = unescaped(pattern, '{') else { return Ok(vec![pattern.to_string()]) };
    let mut depth = 0;
    let mut starts = vec![open + 1];
    let mut close = None;
    for (i, c) in pattern.char_indices().skip_while(|(i, _)| *i < open) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => {
                close = Some(i);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 1 => starts.push(i + 1),
            _ => (),
        }
    }
    let close = close.ok_or_else(|| format!("the brace in the pattern \"{pattern}\" is not closed"))?;
    let mut out = Vec::new();
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(close, |next| next - 1);
        out.extend(expand_braces(&format!("{}{}{}", &pattern[..open], &pattern[*start..end], &pattern[close + 1..]))?);
    }
    Ok(out)
}

fn unescaped(pattern: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    pattern.char_indices().find_map(|(i, c)| {
        let hit = !escaped && c == wanted;
        escaped = !escaped && c == '\\';
        hit.then_some(i)
    })
}

fn check(part: &str) -> Result<(), String> {
    let mut rest: Vec<char> = part.chars().collect();
    rest.reverse();
    while let Some(c) = rest.pop() {
        let bad = || format!("a bracket or escape in the pattern \"{part}\" is not finished");
        match c {
            '\\' => _ = rest.pop().ok_or_else(bad)?,
            '[' => {
                if rest.last() == Some(&'^') {
                    rest.pop();
                }
                let mut count = 0;
                loop {
                    match rest.pop().ok_or_else(bad)? {
                        ']' if count > 0 => break,
                        '\\' => _ = rest.pop().ok_or_else(bad)?,
                        _ => (),
                    }
                    count += 1;
                }
            }
            _ => (),
        }
    }
    Ok(())
}

/// Whether a name matches one part of a pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Where to go on when the last star has to take one character more.
    let mut retry: Option<(usize, usize)> = None;
    let (mut p, mut n) = (0, 0);
    loop {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n));
            p += 1;
            continue;
        }
        match (p == pattern.len(), name.get(n)) {
            (true, None) => return true,
            (false, Some(c)) => {
                if let Some(after) = match_one(&pattern, p, *c) {
                    (p, n) = (after, n + 1);
                    continue;
                }
            }
            _ => (),
        }
        match retry {
            Some((star, from)) if from < name.len() => {
                retry = Some((star, from + 1));
                (p, n) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

/// Matches one character; gives where the pattern goes on.
fn match_one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match pattern.get(p)? {
        '?' => Some(p + 1),
        '\\' => (pattern.get(p + 1) == Some(&c)).then_some(p + 2),
        '[' => match_class(pattern, p + 1, c),
        literal => (*literal == c).then_some(p + 1),
    }
}

fn match_class(pattern: &[char], mut p: usize, c: char) -> Option<usize> {
    let negated = pattern.get(p) == Some(&'^');
    if negated {
        p += 1;
    }
    let mut hit = false;
    let mut first = true;
    loop {
        let mut low = *pattern.get(p)?;
        if low == ']' && !first {
            return (hit != negated).then_some(p + 1);
        }
        if low == '\\' {
            p += 1;
            low = *pattern.get(p)?;
        }
        let mut high = low;
        if pattern.get(p + 1) == Some(&'-') && pattern.get(p + 2).is_some_and(|c| *c != ']') {
            high = *pattern.get(p + 2)?;
            p += 2;
        }
        hit |= (low..=high).contains(&c);
        p += 1;
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (pattern, name, expected) in [
            ("*.tf", "main.tf", true),
            ("*.tf", "main.tfvars", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?", "é", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("\\*", "*", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert_eq!(expand_braces("a{b,c{d,e}}f").unwrap(), ["abf", "acdf", "acef"]);
        assert!(check("[").is_err());
    }
}
