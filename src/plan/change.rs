//! What will happen to each object, and why.

use crate::model::{Address, Key, Path, ProviderAddress, Str, Value};

/// The planned change of one resource instance or of one deposed object of it.
#[derive(Clone, Debug)]
pub struct Change {
    pub address: Address,
    /// Where the state had it, when it moved.
    pub previous_address: Option<Address>,
    /// Set for an object that a replacement left behind.
    pub deposed: Option<Str>,
    pub provider: ProviderName,
    pub action: Action,
    pub reason: Option<Reason>,
    /// The object as it is, with marks where it is sensitive; null where there is none.
    pub before: Value,
    /// The object as it will be, with unknowns and marks; null where there will be none.
    pub after: Value,
    pub importing: Option<Importing>,
}

/// The object that a change takes into the state first.
#[derive(Clone, Debug, PartialEq)]
pub struct Importing {
    /// As it was written; of an identity what it came to.
    pub id: Str,
    /// The provider's own id.
    pub remote_id: Str,
    pub identity: Option<Value>,
    /// The configuration that was written for the object, where it had none.
    pub generated: Option<Str>,
}

/// A part of the configuration that is left for a later plan.
#[derive(Clone, Debug)]
pub struct Deferred {
    /// With `[*]` where the instances are not known yet.
    pub address: Str,
    pub reason: DeferReason,
    /// As far as it is known.
    pub change: Change,
}

/// Why a part is left for later. The names are those of the plan's JSON form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeferReason {
    /// `count`, `for_each` or `enabled` is not known.
    InstanceCountUnknown,
    /// Something else that must be known to plan is not, such as an import's id.
    ResourceConfigUnknown,
    /// It follows something that is left for later.
    DeferredPrereq,
}

impl DeferReason {
    pub const ALL: [DeferReason; 3] =
        [DeferReason::InstanceCountUnknown, DeferReason::ResourceConfigUnknown, DeferReason::DeferredPrereq];

    /// As `reason` in the plan's JSON.
    pub fn code(self) -> &'static str {
        match self {
            DeferReason::InstanceCountUnknown => "instance_count_unknown",
            DeferReason::ResourceConfigUnknown => "resource_config_unknown",
            DeferReason::DeferredPrereq => "deferred_prereq",
        }
    }
}

/// Which provider serves a resource, as plans and states name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName {
    /// `aws`.
    pub name: Str,
    /// `hashicorp/aws`.
    pub source: Str,
    /// The configuration's alias, where it has one.
    pub alias: Option<Str>,
    /// The module whose block configures it, without instance keys.
    pub module: crate::model::ModulePath,
    /// Which instance of a `for_each` provider.
    pub key: Option<Key>,
}

/// `provider.aws.west`, as an address.
impl std::fmt::Display for ProviderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (module, name, alias, key) = (self.module.clone(), self.name.clone(), self.alias.clone(), self.key.clone());
        ProviderAddress { module, name, alias, key }.fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    NoOp,
    Create,
    /// A data source that can only be read while applying.
    Read,
    /// The top-level attributes and blocks that change; empty where only marks change.
    Update {
        changed: Vec<Str>,
    },
    /// Empty `forced_by` where the user, a taint or a trigger asked for it.
    Replace {
        order: ReplaceOrder,
        forced_by: Vec<Path>,
    },
    Delete,
    /// Taken out of the state; the object lives on.
    Forget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceOrder {
    DeleteFirst,
    CreateFirst,
}

/// Why the action was chosen. The names are those of the plan's JSON form, `action_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    ReplaceBecauseCannotUpdate,
    ReplaceBecauseTainted,
    ReplaceByRequest,
    ReplaceByTriggers,
    DeleteBecauseNoResourceConfig,
    DeleteBecauseNoModule,
    DeleteBecauseWrongRepetition,
    DeleteBecauseCountIndex,
    DeleteBecauseEachKey,
    DeleteBecauseNoMoveTarget,
    ReadBecauseConfigUnknown,
    ReadBecauseDependencyPending,
    /// A check block is judged by it once all is done.
    ReadBecauseCheckNested,
}

impl Reason {
    pub const ALL: [Reason; 13] = [
        Reason::ReplaceBecauseCannotUpdate,
        Reason::ReplaceBecauseTainted,
        Reason::ReplaceByRequest,
        Reason::ReplaceByTriggers,
        Reason::DeleteBecauseNoResourceConfig,
        Reason::DeleteBecauseNoModule,
        Reason::DeleteBecauseWrongRepetition,
        Reason::DeleteBecauseCountIndex,
        Reason::DeleteBecauseEachKey,
        Reason::DeleteBecauseNoMoveTarget,
        Reason::ReadBecauseConfigUnknown,
        Reason::ReadBecauseDependencyPending,
        Reason::ReadBecauseCheckNested,
    ];

    /// As `action_reason` in the plan's JSON.
    pub fn code(self) -> &'static str {
        match self {
            Reason::ReplaceBecauseCannotUpdate => "replace_because_cannot_update",
            Reason::ReplaceBecauseTainted => "replace_because_tainted",
            Reason::ReplaceByRequest => "replace_by_request",
            Reason::ReplaceByTriggers => "replace_by_triggers",
            Reason::DeleteBecauseNoResourceConfig => "delete_because_no_resource_config",
            Reason::DeleteBecauseNoModule => "delete_because_no_module",
            Reason::DeleteBecauseWrongRepetition => "delete_because_wrong_repetition",
            Reason::DeleteBecauseCountIndex => "delete_because_count_index",
            Reason::DeleteBecauseEachKey => "delete_because_each_key",
            Reason::DeleteBecauseNoMoveTarget => "delete_because_no_move_target",
            Reason::ReadBecauseConfigUnknown => "read_because_config_unknown",
            Reason::ReadBecauseDependencyPending => "read_because_dependency_pending",
            Reason::ReadBecauseCheckNested => "read_because_check_nested",
        }
    }
}

impl Action {
    /// As `actions` in the plan's JSON.
    pub fn codes(&self) -> &'static [&'static str] {
        match self {
            Action::NoOp => &["no-op"],
            Action::Create => &["create"],
            Action::Read => &["read"],
            Action::Update { .. } => &["update"],
            Action::Replace { order: ReplaceOrder::DeleteFirst, .. } => &["delete", "create"],
            Action::Replace { order: ReplaceOrder::CreateFirst, .. } => &["create", "delete"],
            Action::Delete => &["delete"],
            Action::Forget => &["forget"],
        }
    }

    pub fn is_noop(&self) -> bool {
        matches!(self, Action::NoOp)
    }

    pub fn is_replace(&self) -> bool {
        matches!(self, Action::Replace { .. })
    }
}

/// What happened to an object behind the configuration's back, as refreshing found it.
#[derive(Clone, Debug)]
pub struct Drift {
    pub address: Address,
    pub previous_address: Option<Address>,
    pub deposed: Option<Str>,
    pub provider: ProviderName,
    /// As the state had it.
    pub before: Value,
    /// As it is now; null where it is gone.
    pub after: Value,
    /// Whether what depends on the object was written after it: its steps may have brought this, as a rule brings
    /// itself into the rules of its group.
    pub may_be_own: bool,
}

/// The planned change of a root output value.
#[derive(Clone, Debug)]
pub struct OutputChange {
    pub name: Str,
    /// `NoOp`, `Create`, `Update` or `Delete`.
    pub action: Action,
    pub before: Value,
    pub after: Value,
    pub sensitive: bool,
}
