//! The tables of a spec: modules and the blocks that stand in them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::lang::body::Body;
use crate::lang::expr::Expr;
use crate::lang::functions::Foreign;
use crate::lang::scope::Reference;
use crate::lang::type_expr::TypeConstraint;
use crate::model::{Mode, ResourceAddress, Schema, SourceMap, Span, Str};

/// Index of a module definition in [`Spec::modules`]. The root is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u32);

/// A whole configuration. Each source folder is compiled once, however often it is called.
#[derive(Debug, Default)]
pub struct Spec {
    pub modules: Vec<Module>,
    pub sources: SourceMap,
    /// Whether the root folder holds no configuration file: then nothing is declared, which only some commands take.
    pub is_bare: bool,
}

/// Where the front ends and checks find the schemas of the blocks that they meet.
pub trait Schemas {
    /// The schema of a resource, data source or ephemeral type of the provider that serves it.
    fn resource(&self, mode: Mode, ty: &str) -> Option<&Schema>;
    fn provider_config(&self, name: &str) -> Option<&Schema>;
    /// All type names of a mode, for suggestions.
    fn type_names(&self, mode: Mode) -> Vec<Str>;
    fn provider_names(&self) -> Vec<Str>;
    /// A function that a provider brings along, by the provider's own name.
    fn function(&self, provider: &str, name: &str) -> Option<Arc<dyn Foreign>>;
}

/// One module definition. Tables keep the order of the sources (files by name, then position).
#[derive(Debug, Default)]
pub struct Module {
    /// The folder as `path.module` shows it: `.` for the root, relative to it otherwise.
    pub dir: Str,
    pub settings: Settings,
    pub variables: Vec<Variable>,
    pub locals: Vec<Local>,
    pub outputs: Vec<Output>,
    pub resources: Vec<Resource>,
    pub calls: Vec<ModuleCall>,
    pub providers: Vec<ProviderConfig>,
    pub moved: Vec<Moved>,
    pub removed: Vec<Removed>,
    pub imports: Vec<Import>,
    pub checks: Vec<Check>,
    pub names: Names,
}

/// Finds the blocks of a module by name.
#[derive(Debug, Default)]
pub struct Names {
    pub variables: HashMap<Str, u32>,
    pub locals: HashMap<Str, u32>,
    pub outputs: HashMap<Str, u32>,
    pub resources: HashMap<(Mode, Str, Str), u32>,
    pub calls: HashMap<Str, u32>,
}

impl Names {
    /// The number of the block that an address names; which module it says does not matter.
    pub fn resource(&self, address: &ResourceAddress) -> Option<u32> {
        self.resources.get(&(address.mode, address.ty.clone(), address.name.clone())).copied()
    }
}

/// The `terraform` block of a module.
#[derive(Debug, Default)]
pub struct Settings {
    pub required_version: Vec<(Str, Span)>,
    pub required_providers: Vec<RequiredProvider>,
    pub backend: Option<Backend>,
    /// OpenTofu's `encryption` block.
    pub encryption: Option<Encryption>,
}

/// The type and the name that an encryption's part has: `("pbkdf2", "main")`.
pub type PartName = (Str, Str);

#[derive(Debug, Default)]
pub struct Encryption {
    pub key_providers: Vec<EncryptionPart>,
    pub methods: Vec<EncryptionPart>,
    pub state: Option<EncryptionUse>,
    pub plan: Option<EncryptionUse>,
}

/// A key provider or a method.
#[derive(Debug)]
pub struct EncryptionPart {
    pub name: PartName,
    /// The key provider that a method names.
    pub keys: Option<PartName>,
    pub body: Body,
    pub span: Span,
}

/// Which method is used for something, and which was before it.
#[derive(Debug)]
pub struct EncryptionUse {
    pub method: Option<PartName>,
    pub enforced: Option<Expr>,
    pub fallback: Option<Box<EncryptionUse>>,
    pub span: Span,
}

#[derive(Debug)]
pub struct RequiredProvider {
    /// The local name, by which resources and provider blocks refer to it.
    pub name: Str,
    pub source: Option<Str>,
    pub version: Option<Str>,
    /// `configuration_aliases`, such as `aws.east`.
    pub aliases: Vec<Str>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Backend {
    pub ty: Str,
    pub body: Body,
    pub span: Span,
}

#[derive(Debug)]
pub struct Variable {
    pub name: Str,
    /// Any type where nothing is said.
    pub ty: TypeConstraint,
    pub default: Option<Expr>,
    pub description: Option<Str>,
    pub sensitive: bool,
    pub ephemeral: bool,
    pub nullable: bool,
    pub deprecated: Option<Str>,
    pub validations: Vec<CheckRule>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Local {
    pub name: Str,
    pub value: Expr,
    pub span: Span,
}

#[derive(Debug)]
pub struct Output {
    pub name: Str,
    pub value: Expr,
    pub description: Option<Str>,
    pub sensitive: bool,
    pub ephemeral: bool,
    pub deprecated: Option<Str>,
    pub preconditions: Vec<CheckRule>,
    pub depends_on: DependsOn,
    pub span: Span,
}

/// A condition and what to say when it does not hold.
#[derive(Debug)]
pub struct CheckRule {
    pub condition: Expr,
    pub error_message: Expr,
    pub span: Span,
}

/// References that order without passing values.
pub type DependsOn = Vec<Reference>;

#[derive(Debug)]
pub struct Resource {
    pub mode: Mode,
    pub ty: Str,
    pub name: Str,
    pub provider: ProviderRef,
    pub repeat: Repeat,
    /// Without the meta-arguments.
    pub body: Body,
    pub depends_on: DependsOn,
    pub lifecycle: Lifecycle,
    pub provisioners: Vec<Provisioner>,
    pub connection: Option<Body>,
    /// The block's header, for messages.
    pub span: Span,
}

/// Which provider configuration serves a block: `provider = aws.east` or `aws.by_region[each.key]`.
#[derive(Clone, Debug)]
pub struct ProviderRef {
    /// The local name; the type's prefix where nothing is said.
    pub name: Str,
    pub alias: Option<Str>,
    pub key: Option<Expr>,
    pub span: Option<Span>,
}

#[derive(Debug, Default)]
pub enum Repeat {
    #[default]
    Once,
    Count(Expr),
    ForEach(Expr),
    /// `enabled = …` in the lifecycle: one instance without key, or none.
    Enabled(Expr),
}

#[derive(Debug, Default)]
pub struct Lifecycle {
    pub create_before_destroy: Option<bool>,
    pub prevent_destroy: bool,
    pub ignore_all: bool,
    /// Traversals below the resource: `tags["Owner"]`, `ingress[0].from_port`.
    pub ignore_changes: Vec<(crate::model::Path, Span)>,
    pub replace_triggered_by: Vec<Expr>,
    pub preconditions: Vec<CheckRule>,
    pub postconditions: Vec<CheckRule>,
}

#[derive(Debug)]
pub struct Provisioner {
    pub ty: Str,
    pub body: Body,
    pub connection: Option<Body>,
    pub on_destroy: bool,
    pub continue_on_failure: bool,
    pub span: Span,
}

#[derive(Debug)]
pub struct ModuleCall {
    pub name: Str,
    pub source: Str,
    pub module: ModuleId,
    pub repeat: Repeat,
    /// The arguments that become variables of the child: name, index of the child's variable, value.
    pub arguments: Vec<(Str, u32, Expr)>,
    /// `providers = { aws = aws.east }`: the child's local name (and alias) to the caller's.
    pub providers: Vec<(ProviderRef, ProviderRef)>,
    pub depends_on: DependsOn,
    pub span: Span,
}

#[derive(Debug)]
pub struct ProviderConfig {
    pub name: Str,
    pub alias: Option<Str>,
    pub for_each: Option<Expr>,
    pub body: Body,
    pub span: Span,
}

/// An address as it is written in `moved`, `removed` and `import`, relative to the module that it stands in.
/// Keys may be absent, which then means all instances.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Module(crate::model::ModulePath),
    Resource(crate::model::Address),
}

impl Target {
    /// The module itself, or the one that the resource stands in.
    pub fn module(&self) -> &crate::model::ModulePath {
        match self {
            Target::Module(path) => path,
            Target::Resource(address) => &address.resource.module,
        }
    }

    /// Whether it means an instance, where it is seen from the root module.
    pub fn covers(&self, address: &crate::model::Address) -> bool {
        match self {
            Target::Module(path) => address.resource.module.lies_in(path),
            Target::Resource(wanted) => {
                let (r, w) = (&address.resource, &wanted.resource);
                (r.mode, &r.ty, &r.name) == (w.mode, &w.ty, &w.name)
                    && r.module.steps().len() == w.module.steps().len()
                    && r.module.lies_in(&w.module)
                    && (wanted.key.is_none() || wanted.key == address.key)
            }
        }
    }
}

#[derive(Debug)]
pub struct Moved {
    pub from: Target,
    pub to: Target,
    pub span: Span,
}

#[derive(Debug)]
pub struct Removed {
    pub from: Target,
    pub destroy: bool,
    pub provisioners: Vec<Provisioner>,
    /// The connection of provisioners that have none of their own.
    pub connection: Option<Body>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Import {
    /// The resource; its key may be an expression over `each`.
    pub to: crate::model::ResourceAddress,
    pub to_key: Option<Expr>,
    /// Keys of modules in it that are expressions, by the number of the step.
    pub module_keys: Vec<(usize, Expr)>,
    pub for_each: Option<Expr>,
    pub id: Option<Expr>,
    pub identity: Option<Expr>,
    pub provider: Option<ProviderRef>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Check {
    pub name: Str,
    /// Index of the scoped data source among the module's resources.
    pub data: Option<u32>,
    pub asserts: Vec<CheckRule>,
    pub span: Span,
}

impl Variable {
    /// Whether no message may show its value.
    pub fn is_hidden(&self) -> bool {
        self.sensitive || self.ephemeral
    }
}

impl Spec {
    pub fn root(&self) -> Option<&Module> {
        self.modules.first()
    }

    pub fn module(&self, id: ModuleId) -> Option<&Module> {
        self.modules.get(id.0 as usize)
    }
}

impl Resource {
    /// `aws_vpc.main` or `data.aws_region.here`, without the module.
    pub fn local_name(&self) -> String {
        match self.mode {
            Mode::Managed => format!("{}.{}", self.ty, self.name),
            Mode::Data => format!("data.{}.{}", self.ty, self.name),
            Mode::Ephemeral => format!("ephemeral.{}.{}", self.ty, self.name),
        }
    }
}

impl RequiredProvider {
    /// The provider's own name, whatever it is called here: the end of its source.
    pub fn real_name(&self) -> &str {
        self.source.as_deref().and_then(|s| s.rsplit('/').next()).unwrap_or(&self.name)
    }
}

/// Schemas are shared by all who compile and plan.
pub type SharedSchemas = Arc<dyn Schemas + Send + Sync>;
