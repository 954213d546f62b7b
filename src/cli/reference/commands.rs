//! The pages of the commands, from their definition.

use clap::{Arg, ArgAction, Command};

use super::{Group, Page};

/// One page a command, behind one that lists them.
pub fn pages() -> Group {
    let mut root = super::super::definition();
    root.build();
    let shown: Vec<&Command> = root.get_subcommands().filter(|c| !c.is_hide_set()).collect();
    let mut index = String::from("# Commands\n\n");
    for command in &shown {
        let (name, about) = (command.get_name(), about(command));
        index.push_str(&format!("- [`{name}`]({name}.md): {}\n", full_stop(&about)));
    }
    index.push_str(
        "\nOptions are written with one dash or two. All commands take these, before their name or behind it:\n\n",
    );
    root.get_arguments().filter(|a| !a.is_hide_set()).for_each(|a| index.push_str(&option(a)));
    let mut pages = vec![page("README.md", "Commands", 0, index)];
    for command in shown {
        let name = command.get_name();
        let mut text = format!("# terrane {name}\n\n");
        let shared = shared(command);
        body(command, &format!("terrane {name}"), "##", &shared, &mut text);
        if !shared.is_empty() {
            text.push_str("## Options of all\n\n");
            shared.iter().for_each(|a| text.push_str(&option(a)));
        }
        pages.push(page(&format!("{name}.md"), name, 1, text));
    }
    Group { pages }
}

fn page(file: &str, title: &str, depth: usize, text: String) -> Page {
    Page {
        path: format!("commands/{file}").into(),
        title: title.to_string(),
        depth,
        text: text.trim_end().to_string() + "\n",
    }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// The options that all commands below one have, so that its page tells them once.
fn shared(command: &Command) -> Vec<&Arg> {
    let mut below = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help");
    let Some(first) = below.next() else { return Vec::new() };
    let others: Vec<&Command> = below.collect();
    let has =
        |c: &&Command, a: &Arg| c.get_arguments().any(|b| b.get_id() == a.get_id() && b.get_help() == a.get_help());
    let everywhere = |a: &&Arg| !others.is_empty() && others.iter().all(|c| has(c, a));
    first.get_arguments().filter(|a| is_option(a)).filter(everywhere).collect()
}

fn is_option(argument: &Arg) -> bool {
    !argument.is_positional() && !argument.is_hide_set() && !is_standing(argument)
}

/// What a command does, an example, what it takes, and the commands below it.
fn body(command: &Command, path: &str, heading: &str, shared: &[&Arg], text: &mut String) {
    let long = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    for paragraph in long.split("\n\n") {
        match paragraph.trim().strip_prefix("Example: ") {
            Some(example) => text.push_str(&format!("```sh\n{example}\n```\n\n")),
            None => text.push_str(&format!("{}\n\n", full_stop(paragraph.trim()))),
        }
    }
    let takes: Vec<&Arg> = command.get_arguments().filter(|a| !a.is_hide_set() && !is_standing(a)).collect();
    let (words, mut options): (Vec<&Arg>, Vec<&Arg>) = takes.into_iter().partition(|a| a.is_positional());
    let has_options = !options.is_empty();
    options.retain(|a| shared.iter().all(|s| s.get_id() != a.get_id()));
    let subcommands: Vec<&Command> =
        command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help").collect();
    if subcommands.is_empty() || !words.is_empty() {
        let words: String = words.iter().map(|a| format!(" {}", word(a))).collect();
        let options = if has_options { " [options]" } else { "" };
        text.push_str(&format!("```text\n{path}{options}{words}\n```\n\n"));
    }
    for argument in words.into_iter().filter(|a| !help(a).is_empty()) {
        text.push_str(&format!("- `{}`: {}\n", value(argument), help(argument)));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    groups(&options, heading, text);
    for sub in subcommands {
        let path = format!("{path} {}", sub.get_name());
        text.push_str(&format!("{heading} {path}\n\n"));
        body(sub, &path, &format!("{heading}#"), shared, text);
    }
}

/// Every command has these; they are told once, on the page of all commands.
fn is_standing(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version" | "chdir" | "no_color")
}

/// The options under their headings, those without one first.
fn groups(options: &[&Arg], heading: &str, text: &mut String) {
    let mut titles: Vec<Option<&str>> = options.iter().map(|a| a.get_help_heading()).collect();
    titles.sort();
    titles.dedup();
    for title in titles {
        text.push_str(&format!("{heading} {}\n\n", title.unwrap_or("Options")));
        for argument in options.iter().filter(|a| a.get_help_heading() == title) {
            text.push_str(&option(argument));
        }
        text.push('\n');
    }
}

fn option(argument: &Arg) -> String {
    let name = argument.get_long().map_or_else(|| argument.get_id().to_string(), str::to_string);
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let value = if takes_value { format!("={}", value(argument)) } else { String::new() };
    let default: Vec<String> =
        argument.get_default_values().iter().map(|v| format!("`{}`", v.to_string_lossy())).collect();
    let default =
        if default.is_empty() || !takes_value { String::new() } else { format!(" Default: {}.", default.join(", ")) };
    format!("- `-{name}{value}`: {}{default}\n", help(argument))
}

fn value(argument: &Arg) -> String {
    let names: Vec<String> = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    if names.is_empty() { argument.get_id().as_str().to_uppercase() } else { names.join(" ") }
}

/// A positional argument in the line of usage.
fn word(argument: &Arg) -> String {
    let many = if matches!(argument.get_action(), ArgAction::Append) { "..." } else { "" };
    let name = value(argument);
    if argument.is_required_set() { format!("{name}{many}") } else { format!("[{name}{many}]") }
}

fn help(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    full_stop(&help.replace("\n\n", " ").replace('\n', " "))
}

/// Help texts lose their full stop on the way from their doc comments.
fn full_stop(text: &str) -> String {
    if text.is_empty() || text.ends_with(['.', ':', '?']) { text.to_string() } else { format!("{text}.") }
}
