//! The tree of module calls: one entry for every way from the root to a call, without instance keys.

use crate::model::{Diagnostic, Diagnostics, ModulePath};
use crate::spec::{Module, ModuleCall, ModuleId, Spec};

/// Index of a module call in the [`Tree`]. The root is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StaticModuleId(pub u32);

impl StaticModuleId {
    pub const ROOT: StaticModuleId = StaticModuleId(0);

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug)]
pub struct StaticModule {
    pub definition: ModuleId,
    /// The calling module and the number of the call in it.
    pub parent: Option<(StaticModuleId, u32)>,
    /// The called modules, one a call of the definition.
    pub children: Vec<StaticModuleId>,
    /// Without keys.
    pub path: ModulePath,
}

#[derive(Debug, Default)]
pub struct Tree {
    pub modules: Vec<StaticModule>,
}

/// Deeper nesting of modules than this is taken for an endless recursion.
const MAX_DEPTH: usize = 100;

impl Tree {
    /// Walks all calls. A module that calls itself is reported once and not followed.
    pub fn build(spec: &Spec) -> (Tree, Diagnostics) {
        let mut tree = Tree::default();
        let mut diagnostics = Diagnostics::new();
        if spec.modules.is_empty() {
            return (tree, diagnostics);
        }
        tree.modules.push(StaticModule {
            definition: ModuleId(0),
            parent: None,
            children: Vec::new(),
            path: ModulePath::root(),
        });
        let mut next = 0;
        while next < tree.modules.len() {
            let id = StaticModuleId(next as u32);
            let definition = tree.modules[next].definition;
            let calls = spec.module(definition).map_or(&[][..], |m| &m.calls);
            for (number, call) in calls.iter().enumerate() {
                if tree.is_recursive(id, call.module) {
                    diagnostics.push(recursion(call));
                    continue;
                }
                let child = StaticModuleId(tree.modules.len() as u32);
                let path = tree.modules[next].path.child(call.name.clone(), None);
                tree.modules.push(StaticModule {
                    definition: call.module,
                    parent: Some((id, number as u32)),
                    children: Vec::new(),
                    path,
                });
                tree.modules[next].children.push(child);
            }
            next += 1;
        }
        (tree, diagnostics)
    }

    fn is_recursive(&self, mut at: StaticModuleId, definition: ModuleId) -> bool {
        let mut depth = 0;
        loop {
            let module = &self.modules[at.index()];
            if module.definition == definition || depth > MAX_DEPTH {
                return true;
            }
            match module.parent {
                Some((parent, _)) => at = parent,
                None => return false,
            }
            depth += 1;
        }
    }

    pub fn get(&self, id: StaticModuleId) -> &StaticModule {
        // Ids are made by this tree alone and never outlive it.
        &self.modules[id.index()]
    }

    pub fn definition<'s>(&self, spec: &'s Spec, id: StaticModuleId) -> &'s Module {
        &spec.modules[self.get(id).definition.0 as usize]
    }

    /// The call that made this module; nothing for the root.
    pub fn call<'s>(&self, spec: &'s Spec, id: StaticModuleId) -> Option<(StaticModuleId, &'s ModuleCall)> {
        let (parent, call) = self.get(id).parent?;
        Some((parent, &self.definition(spec, parent).calls[call as usize]))
    }
}

/// The static module of a path without regard to instance keys.
pub fn static_module(spec: &Spec, tree: &Tree, path: &ModulePath) -> Option<StaticModuleId> {
    let mut at = StaticModuleId::ROOT;
    for step in path.steps() {
        let call = *tree.definition(spec, at).names.calls.get(&step.name)?;
        at = *tree.get(at).children.get(call as usize)?;
    }
    Some(at)
}

fn recursion(call: &ModuleCall) -> Diagnostic {
    Diagnostic::error(format!("module \"{}\" contains itself", call.name))
        .at(call.span)
        .label(format!("the source \"{}\" leads back to a module that this one is part of", call.source))
        .help("call the module from one place only, or split what both need into a third module")
}
