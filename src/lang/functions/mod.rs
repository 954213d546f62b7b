//! The functions of the language: one table, one file a family.
//!
//! A function is data (name, parameters, documentation) and a body that computes one value from arguments which
//! [`Function::call`] has already checked: their number, their types, nulls, unknowns and marks. To add one, write
//! it into its family's `FUNCTIONS` slice; a new family is a line in [`FAMILIES`].

mod call;
mod collections;
mod conversions;
mod csv;
mod dates;
mod encoding;
mod files;
mod foreign;
mod format;
mod format_number;
mod glob;
mod hashes;
mod json;
mod maps;
mod network;
mod numbers;
mod patterns;
mod sequences;
mod sets;
mod strings;
mod tfvars;
mod tfvars_decode;
mod yaml_decode;
mod yaml_encode;
mod yaml_scalar;

#[cfg(test)]
mod tests_functions;
#[cfg(test)]
mod tests_marks;

use std::io;
use std::sync::LazyLock;

use crate::model::{Type, Value};

pub use call::{Call, CallError};
pub use foreign::{Foreign, Found};

/// A function that expressions can call.
pub struct Function {
    pub name: &'static str,
    /// What it gives, in a sentence or two.
    pub doc: &'static str,
    pub params: &'static [Param],
    /// Takes all arguments behind `params`.
    pub variadic: Option<Param>,
    /// The result while an argument is not known yet.
    pub returns: Returns,
    pub marks: MarkPolicy,
    /// Whether unknowns inside the arguments make the result unknown too; otherwise only arguments that are
    /// unknown themselves do.
    pub needs: Needs,
    pub body: fn(&Call<'_>) -> Result<Value, CallError>,
}

/// One parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub doc: &'static str,
    pub kind: Kind,
    /// Whether null may be passed.
    pub nullable: bool,
}

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Any,
    Bool,
    Number,
    String,
    BoolList,
    NumberList,
    StringList,
    StringSet,
    AnyList,
    AnyListList,
    AnySet,
    AnyMap,
    StringListMap,
}

impl Kind {
    pub fn ty(self) -> Type {
        match self {
            Kind::Any => Type::Dynamic,
            Kind::Bool => Type::Bool,
            Kind::Number => Type::Number,
            Kind::String => Type::String,
            Kind::BoolList => Type::list(Type::Bool),
            Kind::NumberList => Type::list(Type::Number),
            Kind::StringList => Type::list(Type::String),
            Kind::StringSet => Type::set(Type::String),
            Kind::AnyList => Type::list(Type::Dynamic),
            Kind::AnyListList => Type::list(Type::list(Type::Dynamic)),
            Kind::AnySet => Type::set(Type::Dynamic),
            Kind::AnyMap => Type::map(Type::Dynamic),
            Kind::StringListMap => Type::map(Type::list(Type::String)),
        }
    }
}

/// What is known of a result that is not known yet.
#[derive(Clone, Copy)]
pub enum Returns {
    /// A value of this type, never null.
    Always(Kind),
    /// The unknown that fits the arguments, of which some are unknown, for results of this type.
    Depends(Kind, fn(&Call<'_>) -> Result<Value, CallError>),
}

/// What happens to the marks of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkPolicy {
    /// All marks, at any depth, move to the result.
    Deep,
    /// Marks of the arguments themselves move to the result; those inside stay at their elements.
    Outer,
    /// The body sees marked values and decides.
    Own,
}

/// How much of the arguments has to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The body copes with unknowns.
    Nothing,
    /// The arguments themselves, not their elements.
    Outer,
    /// Everything inside the arguments.
    All,
}

/// What functions need from outside. Paths are as written: relative ones start at the working directory.
pub trait Host {
    fn read_file(&self, path: &str) -> io::Result<Vec<u8>>;
    /// What stands at the path; symbolic links are followed.
    fn entry(&self, path: &str) -> io::Result<Entry>;
    /// Names and kinds of what lies in a directory, in any order.
    fn list_dir(&self, path: &str) -> io::Result<Vec<(String, Entry)>>;
    /// The absolute path of the working directory.
    fn working_dir(&self) -> String;
    fn home_dir(&self) -> Option<String>;
    /// The time of the plan in RFC 3339, where it is fixed.
    fn plan_timestamp(&self) -> Option<String>;
    /// Seconds since 1970 now; nothing while a plan is made, because the apply would see another time.
    fn now(&self) -> Option<i64>;
    /// Fresh random bytes; nothing while a plan is made.
    fn random(&self) -> Option<[u8; 16]>;
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Missing,
    File,
    Directory,
    /// A device, a socket, a pipe.
    Other,
}

/// A host with no files, no clock and no randomness: for expressions that must not depend on where they run.
pub struct Isolated;

impl Host for Isolated {
    fn read_file(&self, _: &str) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn entry(&self, _: &str) -> io::Result<Entry> {
        Ok(Entry::Missing)
    }

    fn list_dir(&self, _: &str) -> io::Result<Vec<(String, Entry)>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn working_dir(&self) -> String {
        "/".to_string()
    }

    fn home_dir(&self) -> Option<String> {
        None
    }

    fn plan_timestamp(&self) -> Option<String> {
        None
    }

    fn now(&self) -> Option<i64> {
        None
    }

    fn random(&self) -> Option<[u8; 16]> {
        None
    }
}

/// All families of functions.
static FAMILIES: &[&[Function]] = &[
    collections::FUNCTIONS,
    conversions::FUNCTIONS,
    csv::FUNCTIONS,
    dates::FUNCTIONS,
    encoding::FUNCTIONS,
    files::FUNCTIONS,
    format::FUNCTIONS,
    hashes::FUNCTIONS,
    json::FUNCTIONS,
    maps::FUNCTIONS,
    network::FUNCTIONS,
    numbers::FUNCTIONS,
    patterns::FUNCTIONS,
    sequences::FUNCTIONS,
    sets::FUNCTIONS,
    strings::FUNCTIONS,
    tfvars::FUNCTIONS,
    tfvars_decode::FUNCTIONS,
    yaml_decode::FUNCTIONS,
    yaml_encode::FUNCTIONS,
];

/// Sorted by name.
static TABLE: LazyLock<Vec<&'static Function>> = LazyLock::new(|| {
    let mut table: Vec<&'static Function> = FAMILIES.iter().copied().flatten().collect();
    table.sort_by_key(|f| f.name);
    table
});

/// The function of a name; `core::upper` is `upper`.
pub fn lookup(name: &str) -> Option<&'static Function> {
    let name = name.strip_prefix("core::").unwrap_or(name);
    TABLE.binary_search_by(|f| f.name.cmp(name)).ok().map(|i| TABLE[i])
}

/// All functions, sorted by name.
pub fn all() -> impl Iterator<Item = &'static Function> {
    TABLE.iter().copied()
}

/// A parameter that refuses null.
const fn param(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param { name, doc, kind, nullable: false }
}

/// A parameter that takes null.
const fn nullable(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param { name, doc, kind, nullable: true }
}

/// A function with a result of one type, known when all is known, as most are.
const fn plain(
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    kind: Kind,
    body: fn(&Call<'_>) -> Result<Value, CallError>,
) -> Function {
    let (returns, marks, needs) = (Returns::Always(kind), MarkPolicy::Deep, Needs::All);
    Function { name, doc, params, variadic: None, returns, marks, needs, body }
}

/// A function that passes elements through: it leaves marks and unknowns inside its arguments where they are.
const fn structural(
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    unknown: fn(&Call<'_>) -> Result<Value, CallError>,
    body: fn(&Call<'_>) -> Result<Value, CallError>,
) -> Function {
    let (returns, marks, needs) = (Returns::Depends(Kind::Any, unknown), MarkPolicy::Outer, Needs::Outer);
    Function { name, doc, params, variadic: None, returns, marks, needs, body }
}

impl Function {
    const fn with_variadic(mut self, param: Param) -> Function {
        self.variadic = Some(param);
        self
    }

    const fn returning(mut self, returns: Returns) -> Function {
        self.returns = returns;
        self
    }

    const fn with_needs(mut self, needs: Needs) -> Function {
        self.needs = needs;
        self
    }
}
