//! Arguments in the spellings that people use: `-auto-approve` and `--auto-approve`, `TF_CLI_ARGS`, `-var a=b`.

use super::context::Environment;

/// The arguments with long options in the two-dash form, and those of the environment put in behind the command.
pub fn normal(arguments: Vec<String>, environment: &Environment, commands: &clap::Command) -> Vec<String> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_else(|| "terrane".to_string());
    let given: Vec<String> = arguments.collect();
    let (before, command, after) = divide(&given, commands);
    let mut all = vec![program];
    all.extend(before.iter().map(|a| long(a)));
    all.extend(command.iter().cloned());
    if !command.is_empty() {
        all.extend(environment.cli_args(&command.join("_")).iter().map(|a| long(a)));
    }
    let mut verbatim = false;
    for argument in after {
        verbatim |= argument == "--";
        all.push(if verbatim { argument.clone() } else { long(argument) });
    }
    all
}

/// The words of the command in a whole command line, as far as there are commands of these names.
pub fn command(arguments: &[String], commands: &clap::Command) -> Vec<String> {
    let (_, command, _) = divide(arguments.get(1..).unwrap_or_default(), commands);
    let known = command.first().is_some_and(|word| commands.find_subcommand(word).is_some());
    if known { command.to_vec() } else { Vec::new() }
}

/// The options of the program, the words of the command, such as `state list`, and what follows them.
fn divide<'a>(given: &'a [String], commands: &clap::Command) -> (&'a [String], &'a [String], &'a [String]) {
    let mut start = 0;
    while let Some(option) = given.get(start).filter(|a| a.starts_with('-')) {
        // The folder of `-chdir` may stand behind it as a word of its own.
        start += if option.trim_start_matches('-') == "chdir" { 2 } else { 1 };
    }
    let start = start.min(given.len());
    let (before, rest) = given.split_at(start);
    let mut known = commands;
    let mut words = 0;
    while let Some(sub) = rest.get(words).and_then(|word| known.find_subcommand(word)) {
        known = sub;
        words += 1;
    }
    // A word that is no command is told as such by the parser.
    let words = if words == 0 { rest.len().min(1) } else { words };
    let (command, after) = rest.split_at(words);
    (before, command, after)
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
        let commands = super::super::definition();
        let given = ["terrane", "-chdir=x", "plan", "-var", "a=-b", "-out=p", "--refresh=false", "-h", "--", "-x"];
        let wanted = ["terrane", "--chdir=x", "plan", "--var", "a=-b", "--out=p", "--refresh=false", "-h", "--", "-x"];
        assert_eq!(normal(given.map(String::from).to_vec(), &environment, &commands), wanted);
    }

    #[test]
    fn arguments_of_the_environment_stand_behind_the_command() {
        let environment = Environment::of([
            ("TF_CLI_ARGS", "-no-color"),
            ("TF_CLI_ARGS_plan", "-lock=false"),
            ("TF_CLI_ARGS_state_list", "-sandbox"),
        ]);
        let commands = super::super::definition();
        let run = |given: &[&str]| {
            let given = ["terrane"].iter().chain(given).map(ToString::to_string).collect();
            normal(given, &environment, &commands).join(" ")
        };
        assert_eq!(run(&["-chdir", "x", "plan", "-out=p"]), "terrane --chdir x plan --no-color --lock=false --out=p");
        assert_eq!(run(&["state", "list", "a.b"]), "terrane state list --no-color --sandbox a.b");
        assert_eq!(run(&["-version"]), "terrane --version");
    }

    #[test]
    fn words_split_like_a_shell() {
        assert_eq!(split(r#"-var 'a=b c' -x="y \" z"  w"#), ["-var", "a=b c", "-x=y \" z", "w"]);
    }
}
