//! The vocabulary that every room speaks: values and their types, schemas, addresses, source spans and
//! diagnostics. Pure data and pure functions; imports nothing of ours.

pub mod address;
pub mod diagnostic;
pub mod duration;
pub mod equality;
pub mod extent;
pub mod kill_point;
pub mod marks;
pub mod number;
pub mod object;
pub mod path;
pub mod schema;
pub mod set;
pub mod span;
pub mod types;
pub mod value;
pub mod value_json;
pub mod veil;

pub use address::{Address, Key, Mode, ModulePath, ModuleStep, ProviderAddress, ResourceAddress};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use kill_point::KillPoint;
pub use marks::Marks;
pub use number::Number;
pub use object::{Object, ObjectBuilder};
pub use path::{Path, PathStep};
pub use schema::{Attribute, Block, Equality, NestedBlock, Nesting, Schema};
pub use span::{SourceFile, SourceId, SourceMap, Span};
pub use types::{ObjectType, Type};
pub use value::{Fields, Value};
pub use veil::Veil;

use std::sync::Arc;

/// A shared, immutable piece of text: names, keys and string values.
pub type Str = Arc<str>;
