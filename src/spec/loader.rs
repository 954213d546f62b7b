//! Loads a folder and the modules that it calls into a [`Spec`].

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use hcl_edit::structure::Body as HclBody;

use super::declare::{self, Blocks, File};
use super::decode::Decoder;
use super::files::{Bundle, Disk, Files};
use super::folder::{self, ConfigFile, Language};
use super::module::{Module, ModuleId, Schemas, Spec};
use super::node::Node;
use super::resolve::Declared;
use super::syntax::{BodySource, Written};
use super::{hcl, json, paths, yaml};
use crate::lang::expr::Expr;
use crate::model::{Diagnostic, Diagnostics, SourceFile, SourceId, Span, Str, Value};

/// Limits of loading.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Size in bytes above which a file is refused.
    pub max_file_bytes: u64,
    /// How deep modules may call modules.
    pub max_module_depth: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { max_file_bytes: 64 << 20, max_module_depth: 64 }
    }
}

/// Loads the configuration in a folder. As much as can be understood comes back, and all that is wrong; the root
/// module is always there.
pub fn load(root: &Path, schemas: &dyn Schemas, options: &Options) -> (Spec, Diagnostics) {
    load_from(&Disk, &root.to_string_lossy(), schemas, options)
}

/// Loads a configuration from the sources that [`bundle`] gave. `root` is the folder that was loaded then.
pub fn load_bundle(
    files: impl IntoIterator<Item = (String, Str)>,
    root: &str,
    schemas: &dyn Schemas,
    options: &Options,
) -> (Spec, Diagnostics) {
    load_from(&Bundle::new(files), root, schemas, options)
}

/// All files that a configuration was read from, with the paths that load them again.
pub fn bundle(spec: &Spec) -> Vec<(String, Str)> {
    spec.sources.iter().map(|(_, file)| (file.name.to_string(), file.text.clone())).collect()
}

/// Loads a configuration from any place that has files.
pub fn load_from(files: &dyn Files, root: &str, schemas: &dyn Schemas, options: &Options) -> (Spec, Diagnostics) {
    let unknown = |_: &Module, source: &Expr| {
        Err(Diagnostic::error("the source of a module is not known here").at(source.span()).into())
    };
    load_with(files, root, schemas, options, &unknown)
}

/// Evaluates what must be known before a module's children are loaded. The module has its variables and locals, and
/// nothing else.
pub type Before<'b> = &'b dyn Fn(&Module, &Expr) -> Result<Value, Diagnostics>;

/// The same where the sources of modules may be made of variables and locals.
pub fn load_with(
    files: &dyn Files,
    root: &str,
    schemas: &dyn Schemas,
    options: &Options,
    before: Before<'_>,
) -> (Spec, Diagnostics) {
    let mut loader = Loader {
        files,
        root: paths::normal(root),
        schemas,
        options: *options,
        before,
        spec: Spec::default(),
        diagnostics: Diagnostics::new(),
        states: HashMap::new(),
        stack: Vec::new(),
        json_sources: HashSet::new(),
    };
    loader.module(".", None);
    (loader.spec, loader.diagnostics.sorted())
}

const KINDS_OF_FILES: &str = "configuration stands in files such as main.tf or stack.yaml";

/// What is wrong where the folder that was loaded holds no configuration, for commands that need one.
pub fn bare(spec: &Spec) -> Option<Diagnostic> {
    spec.is_bare.then(|| Diagnostic::error("no configuration files in this folder").help(KINDS_OF_FILES))
}

/// How far the loading of a folder is.
#[derive(Clone, Copy)]
enum State {
    Loading,
    Loaded(ModuleId),
    /// It was said why; who calls it need not complain again.
    Failed,
}

struct Loader<'l> {
    files: &'l dyn Files,
    root: String,
    schemas: &'l dyn Schemas,
    options: Options,
    before: Before<'l>,
    spec: Spec,
    diagnostics: Diagnostics,
    /// By folder, relative to the root.
    states: HashMap<String, State>,
    /// The folders that are being loaded, each with the call that leads to it.
    stack: Vec<(String, Option<Span>)>,
    json_sources: HashSet<SourceId>,
}

/// A parsed file.
enum Tree {
    Hcl(HclBody),
    Node(Arc<Node>),
}

impl Loader<'_> {
    /// Loads a folder, once. `call` is the place of the source that names it; nothing for the root.
    fn module(&mut self, dir: &str, call: Option<Span>) -> Option<ModuleId> {
        match self.states.get(dir) {
            Some(State::Loaded(id)) => return Some(*id),
            Some(State::Failed) => return None,
            Some(State::Loading) => {
                self.cycle(dir, call);
                return None;
            }
            None => (),
        }
        if self.stack.len() >= self.options.max_module_depth {
            let limit = self.options.max_module_depth;
            let error = Diagnostic::error(format!("modules call each other deeper than {limit} levels")).at(call);
            self.diagnostics.push(error);
            return None;
        }
        let id = ModuleId(self.spec.modules.len() as u32);
        self.spec.modules.push(Module { dir: dir.into(), ..Module::default() });
        self.states.insert(dir.to_string(), State::Loading);
        self.stack.push((dir.to_string(), call));
        let loaded = self.folder(dir, call, id);
        self.stack.pop();
        let state = if loaded.is_some() { State::Loaded(id) } else { State::Failed };
        self.states.insert(dir.to_string(), state);
        loaded.map(|()| id)
    }

    fn cycle(&mut self, dir: &str, call: Option<Span>) {
        let mut error = Diagnostic::error("modules call each other in a cycle").at(call);
        error = error.label(format!("the module in \"{dir}\" is being loaded already"));
        let from = self.stack.iter().position(|(on, _)| on == dir).unwrap_or(0);
        for (inner, span) in self.stack.iter().skip(from + 1) {
            if let Some(span) = span {
                error = error.related(*span, format!("\"{inner}\" is called here"));
            }
        }
        self.diagnostics.push(error);
    }

    fn folder(&mut self, dir: &str, call: Option<Span>, id: ModuleId) -> Option<()> {
        let path = paths::join(&self.root, dir);
        let files = self.list(&path, call)?;
        let mut trees = Vec::with_capacity(files.len());
        let mut whole = true;
        for file in files {
            match self.file(&path, &file, call) {
                Read::Parsed(tree, source) => trees.push((tree, source, file.overrides)),
                Read::Empty => (),
                Read::Broken => whole = false,
            }
        }
        // With a file missing, most of what could be said would be wrong.
        if !whole {
            return None;
        }
        self.compile(dir, &trees, id);
        Some(())
    }

    fn list(&mut self, path: &str, call: Option<Span>) -> Option<Vec<ConfigFile>> {
        let names = match self.files.list(path) {
            Ok(names) => names,
            Err(error) => {
                let told = match error.kind() {
                    io::ErrorKind::NotFound => Diagnostic::error(format!("there is no folder \"{path}\"")),
                    io::ErrorKind::NotADirectory => Diagnostic::error(format!("\"{path}\" is not a folder")),
                    _ => Diagnostic::error(format!("cannot list the folder \"{path}\"")).detail(error.to_string()),
                };
                self.diagnostics.push(told.at(call));
                return None;
            }
        };
        let files = folder::configuration(&names);
        if files.is_empty() {
            let Some(call) = call else {
                self.spec.is_bare = true;
                return Some(files);
            };
            let error = Diagnostic::error(format!("no configuration files in \"{path}\"")).at(call);
            self.diagnostics.push(error.help(KINDS_OF_FILES));
            return None;
        }
        Some(files)
    }

    fn file(&mut self, folder: &str, file: &ConfigFile, call: Option<Span>) -> Read {
        let path = paths::join(folder, &file.name);
        let bytes = match self.files.read(&path, self.options.max_file_bytes) {
            Ok(bytes) => bytes,
            Err(error) => {
                let told = match error.kind() {
                    io::ErrorKind::FileTooLarge => {
                        let limit = self.options.max_file_bytes;
                        Diagnostic::error(format!("\"{path}\" is larger than {} MiB", limit >> 20))
                            .help("a configuration file is this large by mistake, or should be split")
                    }
                    _ => Diagnostic::error(format!("cannot read \"{path}\"")).detail(error.to_string()),
                };
                self.diagnostics.push(told.at(call));
                return Read::Broken;
            }
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let source = self.spec.sources.add(path.as_str(), shown);
                let told = Diagnostic::error(format!("\"{path}\" is not UTF-8 text"))
                    .at(Span::new(source, at, at + char::REPLACEMENT_CHARACTER.len_utf8()))
                    .label("this byte does not belong to a character");
                let told = call.into_iter().fold(told, |told, call| told.related(call, "read because of this"));
                self.diagnostics.push(told.help("save the file with the encoding UTF-8"));
                return Read::Broken;
            }
        };
        let source = self.spec.sources.add(path, text);
        let Some(loaded) = self.spec.sources.get(source).cloned() else { return Read::Broken };
        self.parse(source, &loaded, file.language)
    }

    fn parse(&mut self, source: SourceId, file: &SourceFile, language: Language) -> Read {
        let before = self.diagnostics.iter().filter(|d| d.is_error()).count();
        let tree = match language {
            Language::Hcl => hcl::parse(source, file).map(Tree::Hcl).map_err(|e| self.diagnostics.push(e)).ok(),
            Language::Json => {
                self.json_sources.insert(source);
                let parsed = json::parse(source, &file.text).map_err(|e| self.diagnostics.push(e));
                parsed.ok().map(|node| Tree::Node(Arc::new(node)))
            }
            Language::Yaml => yaml::parse(source, file, &mut self.diagnostics).map(Tree::Node),
        };
        let broken = self.diagnostics.iter().filter(|d| d.is_error()).count() > before;
        match tree {
            _ if broken => Read::Broken,
            Some(tree) => Read::Parsed(tree, source),
            None => Read::Empty,
        }
    }

    fn compile(&mut self, dir: &str, trees: &[(Tree, SourceId, bool)], id: ModuleId) {
        let files: Vec<File<'_>> = trees.iter().map(|tree| self.top(tree)).collect();
        let mut blocks = declare::collect(&files, &mut self.diagnostics);
        let mut declared = declare::declare(&mut blocks, &mut self.diagnostics);
        self.children(dir, &blocks, &mut declared);
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        let module = self.decoder(&declared, &mut diagnostics).module(dir.into(), blocks);
        self.diagnostics = diagnostics;
        if let Some(place) = self.spec.modules.get_mut(id.0 as usize) {
            *place = module;
        }
    }

    fn decoder<'d>(&'d self, declared: &'d Declared, diagnostics: &'d mut Diagnostics) -> Decoder<'d> {
        let (modules, sources) = (&self.spec.modules, &self.spec.sources);
        Decoder::new(declared, modules, sources, self.schemas, &self.json_sources, diagnostics)
    }

    fn top<'t>(&self, (tree, source, overrides): &'t (Tree, SourceId, bool)) -> File<'t> {
        let body = match tree {
            Tree::Hcl(body) => {
                let end = self.spec.sources.get(*source).map_or(0, |file| file.text.len());
                BodySource::Hcl(body, *source, Span::new(*source, 0, end))
            }
            Tree::Node(node) => BodySource::Node(node),
        };
        File { body, overrides: *overrides }
    }

    /// Loads the children of all calls.
    fn children(&mut self, dir: &str, blocks: &Blocks<'_>, declared: &mut Declared) {
        let mut early: Option<Module> = None;
        for (index, block) in blocks.calls.iter().enumerate() {
            let Some(value) = block.argument("source") else {
                let error = Diagnostic::error("\"source\" is missing").at(block.header);
                let error = error.label("a module block needs it");
                self.diagnostics.push(error.help("a local module is written like \"./network\""));
                continue;
            };
            let source = match value.plain_text() {
                Some(text) => Some(text),
                None => self.computed_source(dir, value, blocks, declared, &mut early),
            };
            let Some(source) = source else { continue };
            let child = self.child(dir, &source, value.span());
            if let Some(facts) = declared.call_facts.get_mut(index) {
                (facts.source, facts.child) = (source, child);
            }
        }
    }

    /// A source that is made of variables and locals.
    fn computed_source(
        &mut self,
        dir: &str,
        value: Written<'_>,
        blocks: &Blocks<'_>,
        declared: &Declared,
        early: &mut Option<Module>,
    ) -> Option<Str> {
        // What is wrong with the variables and locals themselves is told when they are compiled for good.
        let mut unheard = Diagnostics::new();
        let mut decoder = self.decoder(declared, &mut unheard);
        let module = early.get_or_insert_with(|| decoder.early(dir.into(), blocks));
        let mut problems = Diagnostics::new();
        let compiled = self.decoder(declared, &mut problems).early_value(value);
        let known = match problems.has_errors() {
            true => Err(problems),
            false => (self.before)(module, &compiled),
        };
        match known {
            Ok(known) if known.has_marks() => {
                let error = Diagnostic::error("\"source\" is sensitive").at(value.span());
                self.diagnostics.push(error.label("where a module lies is shown in messages and plans"));
                None
            }
            Ok(known) => {
                let text = known.bare().as_str().cloned();
                if text.is_none() {
                    let error = Diagnostic::error("\"source\" must be a string that is known").at(value.span());
                    self.diagnostics.push(error.label("modules are loaded before anything is planned"));
                }
                text
            }
            Err(problems) => {
                let place = value.span();
                let told = |problem: Diagnostic| match problem.span {
                    Some(_) => problem,
                    None => problem.at(place),
                };
                self.diagnostics.extend(problems.into_iter().map(told));
                None
            }
        }
    }

    /// Loads the module that a source names.
    fn child(&mut self, dir: &str, source: &str, span: Span) -> Option<ModuleId> {
        if source.starts_with("./")
            || source.starts_with("../")
            || source.starts_with('/')
            || matches!(source, "." | "..")
        {
            return self.module(&paths::join(dir, source), Some(span));
        }
        let looks_local = self.files.list(&paths::join(&paths::join(&self.root, dir), source)).is_ok();
        let error = Diagnostic::error(format!("module source \"{source}\" is not local")).at(span);
        self.diagnostics.push(if looks_local {
            error.label("a local source begins with \"./\" or \"../\"").help(format!("did you mean \"./{source}\"?"))
        } else {
            error
                .label("modules are read from folders")
                .help("copy the module there once, for example with git clone, and write source = \"./modules/name\"")
        });
        None
    }
}

enum Read {
    Parsed(Tree, SourceId),
    /// Nothing but comments.
    Empty,
    Broken,
}
