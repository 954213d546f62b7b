//! Addresses: the names of modules, resources, their instances, and providers.

use std::fmt;
use std::sync::Arc;

use super::Str;

/// What tells the instances of one block apart. Integers sort before names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Index(u64),
    Name(Str),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleStep {
    pub name: Str,
    pub key: Option<Key>,
}

/// The way from the root module to a module instance. Cloning shares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(Option<Arc<[ModuleStep]>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Read only: `data.aws_region.here`.
    Data,
    /// Exists during one run only: `ephemeral.random_password.x`.
    Ephemeral,
    Managed,
}

/// A resource block in a module instance: all its instances together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceAddress {
    pub module: ModulePath,
    pub mode: Mode,
    pub ty: Str,
    pub name: Str,
}

/// One resource instance: `module.net["eu"].aws_subnet.public[0]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    pub resource: ResourceAddress,
    pub key: Option<Key>,
}

/// Which provider configuration serves a resource: the provider's source and the alias.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderAddress {
    /// Where the configuration block stands.
    pub module: ModulePath,
    /// The provider's short name, such as `aws`.
    pub name: Str,
    pub alias: Option<Str>,
    /// Tells the configurations of a `for_each` provider apart.
    pub key: Option<Key>,
}

impl ModulePath {
    pub fn root() -> ModulePath {
        ModulePath(None)
    }

    pub fn steps(&self) -> &[ModuleStep] {
        self.0.as_deref().unwrap_or(&[])
    }

    pub fn is_root(&self) -> bool {
        self.0.is_none()
    }

    pub fn child(&self, name: Str, key: Option<Key>) -> ModulePath {
        let mut steps = self.steps().to_vec();
        steps.push(ModuleStep { name, key });
        ModulePath(Some(steps.into()))
    }

    pub fn from_steps(steps: Vec<ModuleStep>) -> ModulePath {
        if steps.is_empty() { ModulePath(None) } else { ModulePath(Some(steps.into())) }
    }

    pub fn parent(&self) -> Option<ModulePath> {
        let (_, up) = self.steps().split_last()?;
        Some(ModulePath::from_steps(up.to_vec()))
    }

    /// The same way without instance keys: the module call as it stands in the configuration.
    pub fn without_keys(&self) -> ModulePath {
        ModulePath::from_steps(self.steps().iter().map(|s| ModuleStep { name: s.name.clone(), key: None }).collect())
    }

    /// Whether it is the other module or lies below it; a step without a key stands for all its instances.
    pub fn lies_in(&self, of: &ModulePath) -> bool {
        let (steps, wanted) = (self.steps(), of.steps());
        steps.len() >= wanted.len()
            && steps.iter().zip(wanted).all(|(step, w)| step.name == w.name && (w.key.is_none() || w.key == step.key))
    }

    pub fn starts_with(&self, prefix: &ModulePath) -> bool {
        self.steps().starts_with(prefix.steps())
    }

    /// Reads `module.a["x"].module.b`; the empty text is the root.
    pub fn parse(text: &str) -> Result<ModulePath, AddressError> {
        let mut parser = Parser { rest: text, whole: text };
        let steps = parser.modules()?;
        parser.end()?;
        Ok(ModulePath::from_steps(steps))
    }
}

impl ResourceAddress {
    pub fn managed(ty: impl Into<Str>, name: impl Into<Str>) -> Self {
        ResourceAddress { module: ModulePath::root(), mode: Mode::Managed, ty: ty.into(), name: name.into() }
    }

    pub fn instance(&self, key: Option<Key>) -> Address {
        Address { resource: self.clone(), key }
    }

    /// The block as the configuration names it, for all instances of its modules.
    pub fn without_keys(&self) -> ResourceAddress {
        ResourceAddress { module: self.module.without_keys(), ..self.clone() }
    }

    /// Reads an address that must not have an instance key of its own.
    pub fn parse(text: &str) -> Result<ResourceAddress, AddressError> {
        let address = Address::parse(text)?;
        match address.key {
            None => Ok(address.resource),
            Some(_) => Err(AddressError::new(text, "an instance key is not allowed here")),
        }
    }
}

impl Address {
    /// Reads `module.net["eu"].aws_subnet.public[0]` or `data.aws_region.here`.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let mut parser = Parser { rest: text, whole: text };
        let module = ModulePath::from_steps(parser.modules()?);
        let mut ty = parser.name()?;
        let mut mode = Mode::Managed;
        for (word, m) in [("data", Mode::Data), ("ephemeral", Mode::Ephemeral)] {
            if &*ty == word {
                parser.expect('.')?;
                ty = parser.name()?;
                mode = m;
                break;
            }
        }
        parser.expect('.')?;
        let name = parser.name()?;
        let key = parser.key()?;
        parser.end()?;
        Ok(Address { resource: ResourceAddress { module, mode, ty, name }, key })
    }

    pub fn ty(&self) -> &Str {
        &self.resource.ty
    }
}

/// An address that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an address: {problem}")]
pub struct AddressError {
    pub text: String,
    pub problem: String,
}

impl AddressError {
    fn new(text: &str, problem: &str) -> Self {
        AddressError { text: text.to_string(), problem: problem.to_string() }
    }
}

struct Parser<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl Parser<'_> {
    fn fail<T>(&self, problem: &str) -> Result<T, AddressError> {
        Err(AddressError::new(self.whole, problem))
    }

    fn modules(&mut self) -> Result<Vec<ModuleStep>, AddressError> {
        let mut steps = Vec::new();
        while let Some(rest) = self.rest.strip_prefix("module.") {
            self.rest = rest;
            let name = self.name()?;
            let key = self.key()?;
            steps.push(ModuleStep { name, key });
            if self.rest.is_empty() {
                break;
            }
            self.expect('.')?;
        }
        Ok(steps)
    }

    fn name(&mut self) -> Result<Str, AddressError> {
        let end = self.rest.find(['.', '[']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let starts_well = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !starts_well || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            return self.fail("a name was expected");
        }
        let name = name.into();
        self.rest = rest;
        Ok(name)
    }

    fn expect(&mut self, c: char) -> Result<(), AddressError> {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => self.fail("a resource address has a type and a name, such as aws_vpc.main"),
        }
    }

    fn key(&mut self) -> Result<Option<Key>, AddressError> {
        let Some(rest) = self.rest.strip_prefix('[') else { return Ok(None) };
        if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let Some(Ok(name)) = stream.next() else { return self.fail("the key's quotes do not end") };
            let after = &rest[stream.byte_offset()..];
            let Some(rest) = after.strip_prefix(']') else { return self.fail("\"]\" was expected") };
            self.rest = rest;
            return Ok(Some(Key::Name(name.into())));
        }
        let Some((digits, rest)) = rest.split_once(']') else { return self.fail("\"]\" was expected") };
        let Ok(index) = digits.parse() else { return self.fail("a key is a number or a quoted text") };
        self.rest = rest;
        Ok(Some(Key::Index(index)))
    }

    fn end(&self) -> Result<(), AddressError> {
        if self.rest.is_empty() { Ok(()) } else { self.fail("there is something behind its end") }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Index(n) => write!(f, "[{n}]"),
            Key::Name(name) => write!(f, "[{}]", quote_key(name)),
        }
    }
}

/// A key between quotes as the language writes it, template markers escaped.
fn quote_key(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    out.push('"');
    for c in name.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps().iter().enumerate() {
            write!(f, "{}module.{}", if i > 0 { "." } else { "" }, step.name)?;
            if let Some(key) = &step.key {
                write!(f, "{key}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        match self.mode {
            Mode::Managed => (),
            Mode::Data => f.write_str("data.")?,
            Mode::Ephemeral => f.write_str("ephemeral.")?,
        }
        write!(f, "{}.{}", self.ty, self.name)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.resource)?;
        if let Some(key) = &self.key {
            write!(f, "{key}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ProviderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        write!(f, "provider.{}", self.name)?;
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
    fn addresses_read_back_the_same() {
        for text in [
            "aws_vpc.main",
            "data.aws_region.here",
            "module.net[\"eu.a]\"].module.x[2].aws_subnet.public[0]",
            "a.b[\"x\\\"y\"]",
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "aws_vpc", "aws_vpc.", "a.b.c", "a.b[", "a.b[x]", "module.x", "data.a", "1a.b"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        assert_eq!(ModulePath::parse("module.a[1].module.b").unwrap().to_string(), "module.a[1].module.b");
    }
}
