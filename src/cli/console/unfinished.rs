//! Whether a text goes on: a bracket, a string's template or a heredoc is still open.

/// Whether more lines are needed before the text can be an expression.
pub fn is_unfinished(text: &str) -> bool {
    let mut scan = Scan { rest: text, open: Vec::new() };
    scan.run()
}

/// What is open at a place in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Bracket,
    /// A string: brackets in it count for nothing, `${` opens a template.
    Quote,
    Template,
}

struct Scan<'t> {
    rest: &'t str,
    open: Vec<Open>,
}

impl Scan<'_> {
    /// Gives whether something is open at the end.
    fn run(&mut self) -> bool {
        while let Some(c) = self.rest.chars().next() {
            match self.open.last() {
                Some(Open::Quote) => self.within_quote(c),
                _ => {
                    if self.heredoc_goes_on() {
                        return true;
                    }
                    self.outside(c);
                }
            }
        }
        // A quote that is not closed on its line is an error, and no more lines help.
        self.open.iter().any(|open| *open != Open::Quote)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn within_quote(&mut self, c: char) {
        match c {
            '\\' => {
                self.skip(1);
                let escaped = self.rest.chars().next().map_or(0, char::len_utf8);
                self.skip(escaped);
            }
            '"' => {
                self.open.pop();
                self.skip(1);
            }
            '$' | '%' if self.rest[1..].starts_with('{') => {
                self.open.push(Open::Template);
                self.skip(2);
            }
            c => self.skip(c.len_utf8()),
        }
    }

    fn outside(&mut self, c: char) {
        match c {
            '"' => self.open.push(Open::Quote),
            '(' | '[' | '{' => self.open.push(Open::Bracket),
            ')' | ']' | '}' => {
                self.open.pop();
            }
            '#' => return self.skip(self.rest.find('\n').unwrap_or(self.rest.len())),
            '/' if self.rest.starts_with("//") => return self.skip(self.rest.find('\n').unwrap_or(self.rest.len())),
            _ => (),
        }
        self.skip(c.len_utf8());
    }

    /// Steps over a heredoc that begins here; gives whether its end is missing.
    fn heredoc_goes_on(&mut self) -> bool {
        let Some(after) = self.rest.strip_prefix("<<") else { return false };
        let after = after.strip_prefix('-').unwrap_or(after);
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            return false;
        }
        let body = self.rest.len() - after.len() + name.len();
        let mut at = body;
        for line in self.rest[body..].split_inclusive('\n') {
            at += line.len();
            if line.trim() == name && at > body + line.len() {
                self.skip(at);
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::is_unfinished;

    #[test]
    fn open_brackets_templates_and_heredocs_ask_for_more() {
        for text in ["{", "[1,\n", "f(\"a)\"", "\"${f(", "<<EOT\n", "<<-EOT\nx\n", "[\n <<EOT\nx\nEOT\n", "( # )\n"] {
            assert!(is_unfinished(text), "{text:?}");
        }
        for text in
            ["", "1", "{}", "\"{\"", "\"${a}\"", "<<EOT\nx\nEOT\n", "\"open", ")", "a // (", "1 << 2", "\"\\\"(\""]
        {
            assert!(!is_unfinished(text), "{text:?}");
        }
    }
}
