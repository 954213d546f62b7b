//! Arguments in the spellings that people use: `-auto-approve` and `--auto-approve`, `TF_CLI_ARGS`, `-var a=b`.

use super::context::Environment;

/// The arguments with long options in the two-dash form, and those of the environment put in.
pub fn normal(arguments: Vec<String>, environment: &Environment) -> Vec<String> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_else(|| "terrane".to_string());
    let given: Vec<String> = arguments.collect();
    let at = given.iter().position(|a| !a.starts_with('-')).unwrap_or(given.len());
    let (before, rest) = given.split_at(at);
    let command = rest.first().cloned().unwrap_or_default();
    let extra = environment.cli_args(&command);
    let mut all = vec![program];
    all.extend(before.iter().map(|a| long(a)));
    all.extend(rest.first().cloned());
    all.extend(extra.iter().map(|a| long(a)));
    let mut verbatim = false;
    for argument in rest.iter().skip(1) {
        verbatim |= argument == "--";
        all.push(if verbatim { argument.clone() } else { long(argument) });
    }
    all
}

/// `-name` becomes `--name`; single letters and negative numbers stay.
fn long(argument: &str) -> String {
    let Some(name) = argument.strip_prefix('-') else { return argument.to_string() };
    let is_long = name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_long { format!("-{argument}") } else { argument.to_string() }
}

/// Splits text as a shell would, without expanding anything.
pub fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            ('\'' | '"', None) => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_mean_the_same() {
        let environment = Environment::default();
        let given = ["terrane", "-chdir=x", "plan", "-var", "a=-b", "-out=p", "--refresh=false", "-h", "--", "-x"];
        let wanted = ["terrane", "--chdir=x", "plan", "--var", "a=-b", "--out=p", "--refresh=false", "-h", "--", "-x"];
        assert_eq!(normal(given.map(String::from).to_vec(), &environment), wanted);
    }

    #[test]
    fn words_split_like_a_shell() {
        assert_eq!(split(r#"-var 'a=b c' -x="y \" z"  w"#), ["-var", "a=b c", "-x=y \" z", "w"]);
    }
}
