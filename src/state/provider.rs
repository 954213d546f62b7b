//! Which provider configuration a stored object belongs to, with the provider's full source.

use std::fmt;

use crate::model::{Key, ModulePath, ProviderAddress, Str};

/// `module.net.provider["registry.terraform.io/hashicorp/aws"].west`, as Terraform's state writes it; the key of a
/// `for_each` provider follows the alias.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoredProvider {
    /// Where the configuration block stands.
    pub module: ModulePath,
    /// `registry.terraform.io/hashicorp/aws`.
    pub source: Str,
    pub alias: Option<Str>,
    pub key: Option<Key>,
}

/// A provider address that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a provider address, such as provider[\"registry.terraform.io/hashicorp/aws\"]")]
pub struct ProviderTextError(pub String);

impl StoredProvider {
    /// The configuration without an alias in the root module.
    pub fn of_source(source: impl Into<Str>) -> StoredProvider {
        StoredProvider { module: ModulePath::root(), source: source.into(), alias: None, key: None }
    }

    /// The provider's short name: the last part of its source.
    pub fn short_name(&self) -> &str {
        self.source.rsplit('/').next().unwrap_or(&self.source)
    }

    /// The same configuration in the engine's terms, which know providers by their short name.
    pub fn address(&self) -> ProviderAddress {
        ProviderAddress {
            module: self.module.clone(),
            name: self.short_name().into(),
            alias: self.alias.clone(),
            key: self.key.clone(),
        }
    }

    /// Reads what [`fmt::Display`] writes, and the short form `provider.aws.west` that Terraform 0.12 wrote.
    pub fn parse(text: &str) -> Result<StoredProvider, ProviderTextError> {
        let wrong = || ProviderTextError(text.to_string());
        let (module, rest) = split_module(text).ok_or_else(wrong)?;
        let (source, rest) = match rest.strip_prefix('[') {
            Some(quoted) => {
                let (source, rest) = quoted_text(quoted).ok_or_else(wrong)?;
                (source, rest.strip_prefix(']').ok_or_else(wrong)?)
            }
            None => {
                let named = rest.strip_prefix('.').ok_or_else(wrong)?;
                let end = named.find('.').unwrap_or(named.len());
                (implied_source(&named[..end]), &named[end..])
            }
        };
        let (alias, rest) = match rest.strip_prefix('.') {
            None => (None, rest),
            Some(rest) => {
                let end = rest.find('[').unwrap_or(rest.len());
                (Some(Str::from(&rest[..end])), &rest[end..])
            }
        };
        let key = match rest.strip_prefix('[') {
            None if rest.is_empty() => None,
            None => return Err(wrong()),
            Some(rest) => Some(key_text(rest).ok_or_else(wrong)?),
        };
        if source.is_empty() || alias.as_deref().is_some_and(str::is_empty) {
            return Err(wrong());
        }
        Ok(StoredProvider { module, source: source.into(), alias, key })
    }
}

/// The module before the word `provider`, and what follows the word. A module may itself be called "provider".
fn split_module(text: &str) -> Option<(ModulePath, &str)> {
    const WORD: &str = "provider";
    text.match_indices(WORD).find_map(|(at, _)| {
        let (before, rest) = (&text[..at], &text[at + WORD.len()..]);
        let module = match before.strip_suffix('.') {
            Some(path) => ModulePath::parse(path).ok()?,
            None if before.is_empty() => ModulePath::root(),
            None => return None,
        };
        rest.starts_with(['[', '.']).then_some((module, rest))
    })
}

/// The text between quotes at the start, and what follows it.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let read = stream.next()?.ok()?;
    Some((read, text.get(stream.byte_offset()..)?))
}

fn key_text(text: &str) -> Option<Key> {
    let inner = text.strip_suffix(']')?;
    if let Ok(index) = inner.parse() {
        return Some(Key::Index(index));
    }
    let (name, rest) = quoted_text(inner)?;
    rest.is_empty().then(|| Key::Name(name.into()))
}

/// Terraform 0.12 knew providers by name only; all of them came from one place.
fn implied_source(name: &str) -> String {
    match name {
        "" => String::new(),
        "terraform" => "terraform.io/builtin/terraform".to_string(),
        name => format!("registry.terraform.io/hashicorp/{name}"),
    }
}

impl fmt::Display for StoredProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        write!(f, "provider[{}]", serde_json::Value::from(&*self.source))?;
        if let Some(alias) = &self.alias {
            write!(f, ".{alias}")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_addresses_read_back_the_same() {
        for text in [
            r#"provider["registry.terraform.io/hashicorp/aws"]"#,
            r#"provider["registry.terraform.io/hashicorp/aws"].west"#,
            r#"module.provider.provider["terraform.io/builtin/terraform"]"#,
            r#"module.a["x.provider[y"].provider["example.com/a/b"].by["eu"]"#,
            r#"provider["example.com/a/b"].by[3]"#,
        ] {
            assert_eq!(StoredProvider::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "aws", "provider", "provider[", "provider[\"a\"", "provider[\"\"]", "provider[\"a\"].", "x.y"]
        {
            assert!(StoredProvider::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_short_form_of_terraform_0_12_names_the_source() {
        let aws = StoredProvider::parse("provider.aws.west").unwrap();
        assert_eq!(aws.to_string(), r#"provider["registry.terraform.io/hashicorp/aws"].west"#);
        assert_eq!(aws.short_name(), "aws");
    }
}
