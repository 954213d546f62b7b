//! `terrane providers`: which providers each module asks for, as a tree.

/// A module with what it requires.
pub struct ProviderTree {
    /// `.` for the root, `module.network` for another.
    pub name: String,
    /// Sources with their hosts, and the versions that are asked for.
    pub providers: Vec<(String, Option<String>)>,
    pub modules: Vec<ProviderTree>,
}

/// The tree of the configuration, and the providers that the state has objects of.
pub fn provider_tree_text(root: &ProviderTree, state: &[String]) -> String {
    let mut text = format!("\nProviders required by configuration:\n{}\n", root.name);
    branches(root, "", &mut text);
    if !state.is_empty() {
        text.push_str("\nProviders required by state:\n\n");
        state.iter().for_each(|source| text.push_str(&format!("    provider[{source}]\n")));
    }
    text
}

fn branches(tree: &ProviderTree, indent: &str, text: &mut String) {
    let mut left = tree.providers.len() + tree.modules.len();
    let mut line = |label: &str, text: &mut String| {
        left -= 1;
        let (fork, below) = if left == 0 { ("└── ", "    ") } else { ("├── ", "│   ") };
        text.push_str(&format!("{indent}{fork}{label}\n"));
        format!("{indent}{below}")
    };
    for (source, version) in &tree.providers {
        let version = version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
        line(&format!("provider[{source}]{version}"), text);
    }
    for module in &tree.modules {
        let below = line(&module.name, text);
        branches(module, &below, text);
    }
}
