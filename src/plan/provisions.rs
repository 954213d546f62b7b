//! Provisioners as applying asks for them: which ones run for an object, with their configurations evaluated.

use super::cells::own_repetition;
use super::change::Change;
use super::frame::Frame;
use super::walk::Planner;
use super::work::WorkId;
use super::world::{ModuleIndex, World, current_repetition};
use crate::graph::{StaticModuleId, body_references, static_module};
use crate::lang::body::Body;
use crate::lang::body_eval;
use crate::lang::functions::Host;
use crate::lang::scope::{Reference, Scope, Slot};
use crate::model::{Address, Diagnostic, Diagnostics, Key, Marks, ModulePath, Span, Str, Value, Veil};
use crate::spec::module::Target;
use crate::spec::{Module, Provisioner, Removed, Resource, provisioner};

/// When a provisioner runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Creation,
    Destruction,
}

/// A provisioner that is ready to run.
#[derive(Clone, Debug)]
pub struct Provision {
    pub ty: Str,
    /// Without marks, everything known.
    pub config: Value,
    pub connection: Option<Value>,
    /// Whether anything in the configuration is sensitive or ephemeral.
    pub secret: bool,
    /// Hides what is secret in the two.
    pub veil: Veil,
    /// A failure is told, and the object is taken as made or destroyed all the same.
    pub continue_on_failure: bool,
    pub span: Span,
}

/// The provisioners of one object, and the connection that they share.
struct Blocks<'w> {
    provisioners: &'w [Provisioner],
    connection: Option<&'w Body>,
    /// The folder of the module that they stand in.
    dir: &'w Str,
}

impl World {
    /// Whether any provisioner runs for the object of a change at that moment.
    pub fn has_provisions(&self, change: &Change, moment: Moment) -> bool {
        self.provisioner(change, moment, 0).is_some()
    }

    /// The provisioner of this number among those of a moment, evaluated with what is known now. `this` is the
    /// object that `self` means.
    pub fn provision(
        &self,
        change: &Change,
        moment: Moment,
        number: usize,
        this: &Value,
    ) -> Option<Result<Provision, Diagnostics>> {
        let (blocks, provisioner) = self.provisioner(change, moment, number)?;
        Some(match moment {
            Moment::Destruction => {
                let scope = Leaving { world: self, address: &change.address, dir: blocks.dir, this };
                evaluate(provisioner, blocks.connection, &change.address, &scope)
            }
            Moment::Creation => {
                self.with_frame(change, this, |frame| evaluate(provisioner, blocks.connection, &change.address, frame))
            }
        })
    }

    fn provisioner(&self, change: &Change, moment: Moment, number: usize) -> Option<(Blocks<'_>, &Provisioner)> {
        let blocks = self.blocks(&change.address)?;
        let wanted = moment == Moment::Destruction;
        let provisioner = blocks.provisioners.iter().filter(|p| p.on_destroy == wanted).nth(number)?;
        Some((blocks, provisioner))
    }

    /// What the configuration says about the address: its block, or the `removed` block that stands for it.
    fn blocks(&self, address: &Address) -> Option<Blocks<'_>> {
        let declared = static_module(&self.spec, &self.graph.tree, &address.resource.module).and_then(|module| {
            let m = self.graph.tree.definition(&self.spec, module);
            let block = m.resources.get(m.names.resource(&address.resource)? as usize)?;
            let (provisioners, connection) = (block.provisioners.as_slice(), block.connection.as_ref());
            Some(Blocks { provisioners, connection, dir: &m.dir })
        });
        declared.or_else(|| {
            let (m, removed) = self.removed_block(address)?;
            let (provisioners, connection) = (removed.provisioners.as_slice(), removed.connection.as_ref());
            Some(Blocks { provisioners, connection, dir: &m.dir })
        })
    }

    /// The `removed` block that speaks of an address, and the module that it stands in.
    pub fn removed_block(&self, address: &Address) -> Option<(&Module, &Removed)> {
        let steps = address.resource.module.steps();
        (0..=steps.len()).find_map(|depth| {
            let base = ModulePath::from_steps(steps[..depth].to_vec());
            let module: StaticModuleId = static_module(&self.spec, &self.graph.tree, &base)?;
            let below = ModulePath::from_steps(steps[depth..].to_vec()).without_keys();
            let matches = |target: &Target| match target {
                Target::Module(path) => below.starts_with(&path.without_keys()),
                Target::Resource(a) => {
                    let r = &address.resource;
                    a.resource.module.without_keys() == below
                        && a.resource.mode == r.mode
                        && a.resource.ty == r.ty
                        && a.resource.name == r.name
                        && (a.key.is_none() || a.key == address.key)
                }
            };
            let m = self.graph.tree.definition(&self.spec, module);
            m.removed.iter().find(|r| matches(&r.from)).map(|r| (m, r))
        })
    }

    fn with_frame<T>(
        &self,
        change: &Change,
        this: &Value,
        evaluate: impl FnOnce(&Frame) -> Result<T, Diagnostics>,
    ) -> Result<T, Diagnostics> {
        let spot = self.spot(change)?;
        let (module, block, repetition) = self.surroundings(spot);
        let repetition = current_repetition(self, module, repetition, &block.repeat);
        let mut frame = Frame::new(self, module).with_self(this);
        if let Some(own) = own_repetition(&repetition) {
            frame = frame.repeated(own);
        }
        evaluate(&frame)
    }
}

impl Planner<'_> {
    /// The work that the provisioners of a new object need done: what they and their connections refer to.
    pub fn provisioners_work(&mut self, module: ModuleIndex, block: &Resource) -> Vec<WorkId> {
        let mut references: Vec<Reference> = Vec::new();
        for provisioner in block.provisioners.iter().filter(|p| !p.on_destroy) {
            let bodies = [Some(&provisioner.body), provisioner.connection.as_ref(), block.connection.as_ref()];
            bodies.into_iter().flatten().for_each(|body| body_references(body, &mut |r| references.push(r)));
        }
        let (outputs, others): (Vec<_>, Vec<_>) = references.into_iter().partition(|r| r.output.is_some());
        let mut work = self.depends_on_work(module, &others);
        for reference in outputs {
            let (Slot::Module(call), Some(name)) = (&reference.slot, &reference.output) else { continue };
            let expansion = self.world.instance(module).calls.get(*call as usize).cloned().flatten();
            for child in expansion.map(|e| e.instances).unwrap_or_default() {
                let index = self.world.definition(child).names.outputs.get(name);
                let cell = index.and_then(|i| self.world.instance(child).outputs.get(*i as usize));
                work.extend(cell.into_iter().flat_map(|c| c.producers.iter().copied()));
            }
        }
        work
    }
}

fn evaluate(
    provisioner: &Provisioner,
    shared: Option<&Body>,
    address: &Address,
    scope: &dyn Scope,
) -> Result<Provision, Diagnostics> {
    let schema = provisioner::schema(&provisioner.ty)
        .ok_or_else(|| Diagnostic::error(format!("unknown provisioner \"{}\"", provisioner.ty)).at(provisioner.span))?;
    let (config, mut problems) = body_eval::evaluate(&provisioner.body, schema, scope);
    let connection = joined(shared, provisioner.connection.as_ref()).map(|body| {
        let (value, more) = body_eval::evaluate(&body, provisioner::connection(), scope);
        problems.extend(more);
        value
    });
    let known = config.is_wholly_known() && connection.as_ref().is_none_or(Value::is_wholly_known);
    if !known && !problems.has_errors() {
        problems.push(
            Diagnostic::error(format!("the provisioner \"{}\" refers to something that is not known", provisioner.ty))
                .at(provisioner.span)
                .help("add what it refers to to depends_on"),
        );
    }
    if problems.has_errors() {
        let owned = problems.into_iter().map(|p| Diagnostic { address: Some(address.clone()), ..p });
        return Err(owned.collect());
    }
    // A password of the connection is not told by what a command prints.
    let marks = config.all_marks();
    let connected = connection.iter().map(|c| Veil::of_object(c, provisioner::connection()));
    let veil = connected.fold(Veil::of_object(&config, schema), Veil::and);
    Ok(Provision {
        veil,
        ty: provisioner.ty.clone(),
        config: config.unmark_deep().0,
        connection: connection.map(|c| c.unmark_deep().0),
        secret: marks.is_secret() || marks.contains(Marks::EPHEMERAL),
        continue_on_failure: provisioner.continue_on_failure,
        span: provisioner.span,
    })
}

/// The connection of the resource, with what the provisioner's own says in its place.
fn joined(shared: Option<&Body>, own: Option<&Body>) -> Option<Body> {
    let (Some(shared), Some(own)) = (shared, own) else { return own.or(shared).cloned() };
    let mut body = own.clone();
    let inherited = shared.attributes.iter().filter(|a| own.attribute(&a.name).is_none());
    body.attributes.extend(inherited.cloned());
    Some(body)
}

/// What an object that goes away can refer to: itself, its key, paths and the workspace. Its module instance need
/// not exist any more.
struct Leaving<'w> {
    world: &'w World,
    address: &'w Address,
    dir: &'w Str,
    this: &'w Value,
}

impl Scope for Leaving<'_> {
    fn value(&self, slot: &Slot, span: Span) -> Result<Value, Diagnostic> {
        Ok(match (slot, &self.address.key) {
            (Slot::SelfObject, _) => self.this.clone(),
            (Slot::EachKey, Some(Key::Name(name))) => Value::String(name.clone()),
            (Slot::CountIndex, Some(Key::Index(n))) => Value::Number(crate::model::Number::from_u64(*n)),
            (Slot::PathModule, _) => Value::String(self.dir.clone()),
            (Slot::PathRoot, _) => Value::String(self.world.definition(0).dir.clone()),
            (Slot::PathCwd, _) => Value::String(self.world.cwd.clone()),
            (Slot::Workspace, _) => Value::String(self.world.workspace.clone()),
            (Slot::Applying, _) => Value::Bool(self.world.applying),
            _ => return Err(out_of_reach(span)),
        })
    }

    fn instance(&self, _: u32, _: &Key, span: Span) -> Result<Value, Diagnostic> {
        Err(out_of_reach(span))
    }

    fn output(&self, _: u32, _: Option<&Key>, _: &Str, span: Span) -> Result<Value, Diagnostic> {
        Err(out_of_reach(span))
    }

    fn host(&self) -> &dyn Host {
        &*self.world.host
    }
}

fn out_of_reach(span: Span) -> Diagnostic {
    Diagnostic::error("this cannot be used when an object is destroyed")
        .at(span)
        .label("only \"self\", \"each.key\", \"count.index\" and paths are left to use")
        .help("keep what the provisioner needs in the object itself, such as in input or triggers")
}
