//! Steps: what apply does, each after those that it waits for.

/// Index of a step in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub u32);

/// One step. `after` lists the steps that must have ended well before this one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: StepKind,
    pub after: Vec<StepId>,
}

/// Numbers of changes are indexes into [`super::Plan::changes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    Create {
        change: u32,
    },
    Update {
        change: u32,
    },
    /// Deletes the object that the change has before it; of a create-first replacement the deposed one.
    Delete {
        change: u32,
    },
    /// Reads a data source.
    Read {
        change: u32,
    },
    Forget {
        change: u32,
    },
    /// Writes the object that exists into the state.
    Import {
        change: u32,
    },
    /// Opens an ephemeral resource: module instance, block and position in it.
    Open {
        module: u32,
        resource: u32,
        position: u32,
    },
    /// Brings a value that was unknown into being, for steps that use it.
    Evaluate {
        cell: CellId,
    },
    /// Judges conditions that were not known while planning: whoever uses what they are of waits for it.
    Judge {
        module: u32,
        of: Ruled,
    },
    /// Does nothing: many steps wait for many others through it, without an edge for each pair.
    Join,
}

/// What has conditions, in a module instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruled {
    Variable(u32),
    Output(u32),
    /// An object that no step of its own judges: it stays as it is, or was read while planning.
    Instance {
        resource: u32,
        position: u32,
    },
}

/// A value of a module instance that steps compute and use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellId {
    pub module: u32,
    pub kind: CellKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellKind {
    Variable(u32),
    Local(u32),
    Output(u32),
    Provider(u32),
    Check(u32),
}

impl StepKind {
    /// The change that the step carries out, where it is of one.
    pub fn change(&self) -> Option<u32> {
        match self {
            StepKind::Create { change }
            | StepKind::Update { change }
            | StepKind::Delete { change }
            | StepKind::Read { change }
            | StepKind::Forget { change }
            | StepKind::Import { change } => Some(*change),
            StepKind::Open { .. } | StepKind::Evaluate { .. } | StepKind::Judge { .. } | StepKind::Join => None,
        }
    }

    /// The word for it in the plan file.
    pub fn word(&self) -> &'static str {
        match self {
            StepKind::Create { .. } => "create",
            StepKind::Update { .. } => "update",
            StepKind::Delete { .. } => "delete",
            StepKind::Read { .. } => "read",
            StepKind::Forget { .. } => "forget",
            StepKind::Import { .. } => "import",
            StepKind::Open { .. } => "open",
            StepKind::Evaluate { .. } => "evaluate",
            StepKind::Judge { .. } => "judge",
            StepKind::Join => "join",
        }
    }
}
