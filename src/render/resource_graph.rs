//! A graph to be shown: resource blocks in their modules, and what each waits for.

use crate::model::ModulePath;
use crate::plan::Action;

#[derive(Clone, Debug, Default)]
pub struct ResourceGraph {
    /// By module, then by name.
    pub nodes: Vec<ResourceNode>,
    /// From what waits to what it waits for, by index of the nodes; sorted.
    pub edges: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
pub struct ResourceNode {
    /// Without instance keys.
    pub module: ModulePath,
    /// `aws_vpc.main`, without the module.
    pub name: String,
    /// What a plan does to the block's objects, where one was made.
    pub deed: Option<Deed>,
}

/// What happens to the objects of a block, from the least to the gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    Nothing,
    Read,
    Update,
    Create,
    Replace,
    Forget,
    Delete,
}

impl Deed {
    pub fn of(action: &Action) -> Deed {
        match action {
            Action::NoOp => Deed::Nothing,
            Action::Read => Deed::Read,
            Action::Update { .. } => Deed::Update,
            Action::Create => Deed::Create,
            Action::Replace { .. } => Deed::Replace,
            Action::Forget => Deed::Forget,
            Action::Delete => Deed::Delete,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Deed::Nothing => "no change",
            Deed::Read => "read",
            Deed::Update => "update",
            Deed::Create => "create",
            Deed::Replace => "replace",
            Deed::Forget => "forget",
            Deed::Delete => "delete",
        }
    }
}

impl ResourceNode {
    /// The address of the block.
    pub fn address(&self) -> String {
        match self.module.is_root() {
            true => self.name.clone(),
            false => format!("{}.{}", self.module, self.name),
        }
    }
}
