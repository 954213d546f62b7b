//! `moved`, `removed` and `import` blocks: what shall happen to addresses.

use super::Decoder;
use super::reference::{WrittenTarget, show, target, traversal};
use crate::lang::expr::Expr;
use crate::model::{Diagnostic, Key, Mode, Span, Value};
use crate::spec::module::{Import, Module, Moved, Removed, Target};
use crate::spec::resolve::{Place, Reach, Repeats};
use crate::spec::syntax::{Block, Content, Shape, Written};

/// The resource, its key, and the keys of modules that are expressions.
type ImportTarget = (crate::model::ResourceAddress, Option<Expr>, Vec<(usize, Expr)>);

impl Decoder<'_> {
    pub(super) fn moved(&mut self, block: &Block<'_>) -> Option<Moved> {
        let mut content = self.content(block, Shape::default());
        let from = self.target_argument(&mut content, "from", block);
        let to = self.target_argument(&mut content, "to", block);
        content.finish("a moved block", &["from", "to"], &[], self.diagnostics);
        let (from, to) = (from?, to?);
        let error = Diagnostic::error(format!("\"{}\" cannot move to \"{}\"", show(&from), show(&to))).at(block.header);
        match (&from, &to) {
            _ if from == to => self.error(error.label("they are the same")),
            (Target::Module(_), Target::Resource(_)) | (Target::Resource(_), Target::Module(_)) => {
                self.error(error.label("a module moves to a module, a resource to a resource"));
                return None;
            }
            (Target::Resource(a), Target::Resource(b)) => {
                if a.resource.mode != Mode::Managed || b.resource.mode != Mode::Managed {
                    self.error(error.label("only managed resources are in the state to be moved"));
                    return None;
                }
            }
            (Target::Module(_), Target::Module(_)) => (),
        }
        Some(Moved { from, to, span: block.header })
    }

    pub(super) fn removed(&mut self, block: &Block<'_>) -> Option<Removed> {
        let mut content = self.content(block, Shape::of(&[("lifecycle", 0), ("provisioner", 1), ("connection", 0)]));
        let from = self.target_argument(&mut content, "from", block);
        let mut destroy = true;
        if let Some(block) = content.take_block("lifecycle", self.diagnostics) {
            let mut lifecycle = self.content(&block, Shape::default());
            destroy = self.take_bool(&mut lifecycle, "destroy").unwrap_or(true);
            lifecycle.finish("a lifecycle block of removed", &["destroy"], &[], self.diagnostics);
        }
        let place = Place { each: true, count: true, ..Place::MODULE };
        let provisioners = content.take_blocks("provisioner");
        let provisioners: Vec<_> = provisioners.iter().map(|b| self.provisioner(b, place)).collect();
        for provisioner in provisioners.iter().filter(|p| !p.on_destroy) {
            let error = Diagnostic::error("a provisioner of a removed block runs on destroy").at(provisioner.span);
            self.error(error.label("\"when = destroy\" is missing"));
        }
        let own = Place { reach: Reach::OwnObject, ..place.with_self() };
        let connection = content.take_block("connection", self.diagnostics);
        let connection = connection.map(|block| self.connection(&block, own));
        content.finish("a removed block", &["from"], &["lifecycle", "provisioner", "connection"], self.diagnostics);
        let from = from?;
        self.check_removed(&from, block)?;
        Some(Removed { from, destroy, provisioners, connection, span: block.header })
    }

    fn check_removed(&mut self, from: &Target, block: &Block<'_>) -> Option<()> {
        let error = |why: &str| {
            Diagnostic::error(format!("\"{}\" cannot be removed", show(from))).at(block.header).label(why.to_string())
        };
        match from {
            Target::Resource(address) if address.resource.mode != Mode::Managed => {
                self.error(error("only managed resources are in the state"));
                None
            }
            Target::Resource(address) if address.key.is_some() => {
                self.error(error("all instances are removed together: leave the key out"));
                None
            }
            _ if from.module().steps().iter().any(|step| step.key.is_some()) => {
                self.error(error("all instances of a module are meant: leave its key out"));
                None
            }
            _ => {
                if let Some(place) = self.still_there(from) {
                    self.error(error("the block is still there").related(place, "declared here"));
                }
                Some(())
            }
        }
    }

    /// Where the configuration still has what is said to be removed.
    fn still_there(&self, from: &Target) -> Option<Span> {
        let (last, outer) = match from {
            Target::Resource(address) => (None, address.resource.module.steps()),
            Target::Module(path) => path.steps().split_last().map(|(last, outer)| (Some(last), outer))?,
        };
        let mut module: Option<&Module> = None;
        for step in outer {
            let child = match module {
                None => self.declared.call_facts.get(*self.declared.calls.get(&step.name)? as usize)?.child?,
                Some(module) => module.calls.get(*module.names.calls.get(&step.name)? as usize)?.module,
            };
            module = Some(self.modules.get(child.0 as usize)?);
        }
        match (from, last, module) {
            (_, Some(call), None) => {
                let number = *self.declared.calls.get(&call.name)?;
                self.declared.call_facts.get(number as usize).map(|facts| facts.span)
            }
            (_, Some(call), Some(module)) => {
                module.calls.get(*module.names.calls.get(&call.name)? as usize).map(|call| call.span)
            }
            (Target::Resource(address), None, None) => {
                let r = &address.resource;
                let number = self.declared.resource(r.mode, &r.ty, &r.name)?;
                self.declared.resource_facts.get(number as usize).map(|facts| facts.span)
            }
            (Target::Resource(address), None, Some(module)) => {
                module.resources.get(module.names.resource(&address.resource)? as usize).map(|r| r.span)
            }
            (Target::Module(_), None, _) => None,
        }
    }

    fn target_argument(&mut self, content: &mut Content<'_>, name: &str, block: &Block<'_>) -> Option<Target> {
        match content.take(name) {
            Some(argument) => self.take_target(argument.value),
            None => {
                self.missing(name, block);
                None
            }
        }
    }

    /// What comes into the state from outside is the root module's business.
    pub(super) fn refuse_imports(&mut self, blocks: &[Block<'_>]) {
        for block in blocks {
            let error = Diagnostic::error("an import block in a module that is called").at(block.header);
            self.error(
                error
                    .label("only the root module can have it")
                    .help("write it in the root module, with to = module.name.type.name"),
            );
        }
    }

    pub(super) fn import(&mut self, block: &Block<'_>) -> Option<Import> {
        let mut content = self.content(block, Shape::default());
        let for_each = content.take("for_each").map(|a| self.compile(a.value, Place::MODULE));
        let repeats = if for_each.is_some() { Repeats::ForEach } else { Repeats::Once };
        let place = Place::within(repeats, None);
        let id = content.take("id").map(|a| self.compile(a.value, place));
        let identity = content.take("identity").map(|a| self.compile(a.value, place));
        let provider = content.take("provider").and_then(|a| self.provider_ref(a.value, place));
        if let Some(provider) = &provider {
            self.check_provider(provider);
        }
        if id.is_none() == identity.is_none() {
            let error = Diagnostic::error("an import block needs either \"id\" or \"identity\"").at(block.header);
            self.error(error);
        }
        let to = match content.take("to") {
            Some(argument) => self.import_target(argument.value, place),
            None => {
                self.missing("to", block);
                None
            }
        };
        content.finish("an import block", &["to", "id", "identity", "for_each", "provider"], &[], self.diagnostics);
        let (to, to_key, module_keys) = to?;
        Some(Import { to, to_key, module_keys, for_each, id, identity, provider, span: block.header })
    }

    fn import_target(&mut self, value: Written<'_>, place: Place) -> Option<ImportTarget> {
        let parsed = value.parsed().map_err(|e| self.error(e)).ok()?;
        let read = match traversal(&parsed.expression, &parsed.map) {
            Some(traversal) => target(&traversal),
            None => Err("such as aws_vpc.main or aws_vpc.main[\"key\"]".into()),
        };
        let wrong = |why: String| {
            Diagnostic::error("an address of a managed resource was expected").at(value.span()).label(why)
        };
        let WrittenTarget { target, computed_key, computed_modules } = match read {
            Ok(read) => read,
            Err(why) => {
                self.error(wrong(why));
                return None;
            }
        };
        let Target::Resource(address) = target else {
            self.error(wrong("this is a module".into()));
            return None;
        };
        if address.resource.mode != Mode::Managed {
            self.error(wrong("only managed resources can be imported".into()));
            return None;
        }
        self.check_import(&address.resource, value);
        let key = match (address.key, computed_key) {
            (_, Some(expression)) => Some(self.values(place).part(&parsed, expression)),
            (Some(Key::Index(n)), None) => {
                let n = Value::Number(crate::model::Number::from_u64(n));
                Some(Expr::constant(n, value.span()))
            }
            (Some(Key::Name(n)), None) => Some(Expr::constant(Value::string(n), value.span())),
            (None, None) => None,
        };
        let module_keys = computed_modules.into_iter().map(|(at, e)| (at, self.values(place).part(&parsed, e)));
        Some((address.resource, key, module_keys.collect()))
    }

    /// A target in this module must be declared, unless its configuration is to be written by the import.
    fn check_import(&mut self, to: &crate::model::ResourceAddress, value: Written<'_>) {
        if to.module.is_root() && self.schemas.resource(Mode::Managed, &to.ty).is_none() {
            let names = self.schemas.type_names(Mode::Managed);
            let error = Diagnostic::error(format!("unknown resource type \"{}\"", to.ty)).at(value.span());
            self.error(error.did_you_mean(&to.ty, names.iter().map(|n| &**n)));
        }
    }
}
