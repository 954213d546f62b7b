//! Which files of a folder are configuration, in which language, and in which order they are read.

/// The language of a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Hcl,
    Json,
    Yaml,
}

/// One configuration file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    pub name: String,
    pub language: Language,
    /// Its blocks change those of the other files instead of adding to them.
    pub overrides: bool,
}

const ENDINGS: [(&str, Language); 6] = [
    (".tf.json", Language::Json),
    (".tofu.json", Language::Json),
    (".tf", Language::Hcl),
    (".tofu", Language::Hcl),
    (".stack.yaml", Language::Yaml),
    (".stack.yml", Language::Yaml),
];

/// The configuration files among the names: sorted by name, those that override last. A `.tofu` file stands for
/// the `.tf` file of the same name. Hidden files and editors' backups are no configuration.
pub fn configuration(names: &[String]) -> Vec<ConfigFile> {
    let mut files: Vec<ConfigFile> = names.iter().filter_map(|name| classify(name)).collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    files.retain(|file| {
        let twin = match file.name.strip_suffix(".tf") {
            Some(stem) => Some(format!("{stem}.tofu")),
            None => file.name.strip_suffix(".tf.json").map(|stem| format!("{stem}.tofu.json")),
        };
        !twin.is_some_and(|twin| has(&twin))
    });
    files.sort_by(|a, b| a.overrides.cmp(&b.overrides).then(a.name.cmp(&b.name)));
    files
}

fn classify(name: &str) -> Option<ConfigFile> {
    let backup = name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
    if backup {
        return None;
    }
    let (stem, language) = match name {
        "stack.yaml" | "stack.yml" => ("stack", Language::Yaml),
        _ => ENDINGS.iter().find_map(|(ending, language)| Some((name.strip_suffix(ending)?, *language)))?,
    };
    let overrides = stem == "override" || stem.ends_with("_override");
    Some(ConfigFile { name: name.to_string(), language, overrides })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_come_last_and_tofu_files_replace_their_twins() {
        let names =
            ["b.tf", "a_override.tf", "a.tf", "a.tofu", ".hidden.tf", "b.tf~", "stack.yaml", "x.tf.json", "y.yaml"];
        let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
        let read: Vec<String> = configuration(&names).into_iter().map(|f| f.name).collect();
        assert_eq!(read, ["a.tofu", "b.tf", "stack.yaml", "x.tf.json", "a_override.tf"]);
    }
}
