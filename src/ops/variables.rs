//! The values of root variables: from the environment, from files, from the command line. Later ones win.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::lang::compile;
use crate::lang::constants::Constants;
use crate::lang::parse;
use crate::lang::text_map::TextMap;
use crate::model::{Diagnostic, Diagnostics, SourceMap, Span, Str, Type, Value, value_json};
use crate::plan::cells::variable_value;
use crate::spec::{Module, Variable};

const NOTHING: Constants = Constants("a variable's value can't refer to anything");

/// Where a value was given.
#[derive(Clone, Debug)]
pub enum Given {
    /// `TF_VAR_name` or `-var name=value`: text that is read by the variable's type. `origin` is for messages.
    Text {
        name: Str,
        text: String,
        origin: String,
    },
    File {
        path: String,
        required: bool,
    },
}

/// Reads everything that was given, in order.
pub fn read(given: &[Given], root: &Module, sources: &mut SourceMap) -> (HashMap<Str, Value>, Diagnostics) {
    let mut reader = Reader {
        root,
        sources,
        values: HashMap::new(),
        refused: HashSet::new(),
        unread: false,
        problems: Diagnostics::new(),
    };
    for one in given {
        match one {
            Given::Text { name, text, origin } => reader.text(name, text, origin),
            Given::File { path, required } => reader.file(path, *required),
        }
    }
    reader.missing();
    (reader.values, reader.problems)
}

/// The variables that are given no value and have no default, with their descriptions; none where something else
/// is wrong with what is given.
pub fn unset(given: &[Given], root: &Module) -> Vec<(Str, Option<Str>)> {
    let mut scratch = SourceMap::default();
    let (values, problems) = read(given, root, &mut scratch);
    let needed = |v: &&Variable| v.default.is_none() && !values.contains_key(&v.name);
    let unset: Vec<_> = root.variables.iter().filter(needed).collect();
    match problems.iter().filter(|p| p.is_error()).count() > unset.len() {
        true => Vec::new(),
        false => unset.into_iter().map(|v| (v.name.clone(), v.description.clone())).collect(),
    }
}

struct Reader<'r> {
    root: &'r Module,
    sources: &'r mut SourceMap,
    values: HashMap<Str, Value>,
    /// Variables whose value is given, but is of no use.
    refused: HashSet<Str>,
    /// Whether a file that may have more values could not be read.
    unread: bool,
    problems: Diagnostics,
}

impl Reader<'_> {
    fn variable(&self, name: &str) -> Option<&Variable> {
        self.root.names.variables.get(name).and_then(|i| self.root.variables.get(*i as usize))
    }

    fn text(&mut self, name: &Str, text: &str, origin: &str) {
        let Some(variable) = self.variable(name) else {
            // The environment may hold values for other configurations.
            if !origin.starts_with("TF_VAR_") && !origin.starts_with("TERRANE_VAR_") {
                let problem = self.undeclared(name, "was given on the command line, and is not declared");
                self.problems.push(problem);
            }
            return;
        };
        if variable.ty.ty.is_primitive() || variable.ty.ty == Type::Dynamic {
            return self.put(name.clone(), Value::string(text), None, origin);
        }
        let sensitive = variable.is_hidden();
        let shown = if sensitive { "" } else { text };
        let source = self.sources.add(origin, shown);
        match constant(text, TextMap::offset(source, 0)) {
            Ok(value) => self.put(name.clone(), value, None, origin),
            Err(_) if sensitive => self.refuse_hidden(name, &format!("the value is given by {origin}")),
            Err(problems) => {
                let from = |p: Diagnostic| p.help(format!("the value of \"{name}\" is given by {origin}"));
                self.problems.extend(problems.into_iter().map(from));
            }
        }
    }

    /// What is wrong with the text of a sensitive value may quote it.
    fn refuse_hidden(&mut self, name: &Str, place: &str) {
        let problem = Diagnostic::error(format!("the value of \"{name}\" cannot be read"))
            .detail(format!("{place}, and is not shown: the variable is sensitive"))
            .help("write an expression of the variable's type, with texts between quotes");
        self.problems.push(problem);
    }

    /// Takes a value that fits its variable. `place` is where it is written, unless it must not be shown there.
    fn put(&mut self, name: Str, value: Value, place: Option<Span>, origin: &str) {
        let misfit = self.variable(&name).and_then(|variable| {
            let problem = variable_value(variable, Some(value.clone()), None).err()?;
            Some(match place.filter(|_| !variable.is_hidden()) {
                Some(place) => problem.at(place),
                None => problem.detail(format!("the value is given by {origin}")),
            })
        });
        match misfit {
            Some(problem) => {
                self.refused.insert(name);
                self.problems.push(problem);
            }
            None => {
                self.refused.remove(&name);
                self.values.insert(name, value);
            }
        }
    }

    fn undeclared(&self, name: &str, why: &str) -> Diagnostic {
        let known = self.root.variables.iter().map(|v| &*v.name);
        Diagnostic::error(format!("there is no variable \"{name}\""))
            .detail(format!("\"{name}\" {why} in the root module"))
            .did_you_mean(name, known)
    }

    fn file(&mut self, path: &str, required: bool) {
        let text = match std::fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => {
                    let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
                    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
                    let problem = Diagnostic::error(format!("\"{path}\" is not UTF-8"))
                        .detail(format!("line {line} has a byte that does not belong to a character"))
                        .help("save the file with the encoding UTF-8");
                    self.unread = true;
                    return self.problems.push(problem);
                }
            },
            Err(_) if !required => return,
            Err(error) => {
                let problem = Diagnostic::error(format!("cannot read the variables file \"{path}\""));
                self.unread = true;
                return self.problems.push(match error.kind() {
                    std::io::ErrorKind::NotFound => problem.detail("there is no such file"),
                    _ => problem.detail(error.to_string()),
                });
            }
        };
        match path.ends_with(".json") {
            true => self.json_file(path, &text),
            false => self.hcl_file(path, &text),
        }
    }

    fn json_file(&mut self, path: &str, text: &str) {
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(serde_json::Value::Object(entries)) => {
                for (name, json) in entries {
                    let name: Str = name.into();
                    match self.variable(&name) {
                        Some(_) => self.put(name, value_json::from_json(&json), None, path),
                        None => self.unused(&name, path),
                    }
                }
            }
            Ok(_) => self.problems.push(Diagnostic::error(format!("\"{path}\" is not a JSON object"))),
            Err(error) => {
                self.unread = true;
                let problem = self.not_json(path, text, &error);
                self.problems.push(problem);
            }
        }
    }

    fn not_json(&mut self, path: &str, text: &str, error: &serde_json::Error) -> Diagnostic {
        let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let mut at = (before + error.column().saturating_sub(1)).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let span = Span::new(self.sources.add(path, text), at, at + width);
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_string();
        let problem = Diagnostic::error(format!("\"{path}\" is not JSON: {what}")).at(span);
        if self.root.variables.iter().any(Variable::is_hidden) { without_line(problem, self.sources) } else { problem }
    }

    fn hcl_file(&mut self, path: &str, text: &str) {
        let before = self.problems.len();
        let (assignments, problems) = assignments(path, text, self.sources);
        // Of a text that is no assignment nobody knows which part is secret.
        let secret = self.root.variables.iter().any(Variable::is_hidden);
        let shown =
            problems.into_iter().map(|problem| if secret { without_line(problem, self.sources) } else { problem });
        let shown: Vec<Diagnostic> = shown.collect();
        self.problems.extend(shown);
        self.unread |= assignments.is_empty() && self.problems.len() > before;
        for Assignment { name, value, span } in assignments {
            let sensitive = self.variable(&name).map(Variable::is_hidden);
            match (sensitive, value) {
                (None, Ok(_)) => self.unused(&name, path),
                (Some(_), Ok(value)) => self.put(name, value, Some(span), path),
                (Some(true), Err(_)) => {
                    let place = self.sources.place(span).unwrap_or_else(|| path.to_string());
                    self.refuse_hidden(&name, &format!("it is given in {place}"));
                    self.refused.insert(name);
                }
                (_, Err(problems)) => {
                    self.problems.extend(problems);
                    self.refused.insert(name);
                }
            }
        }
    }

    /// A file may have values for other configurations too.
    fn unused(&mut self, name: &str, path: &str) {
        let problem = self.undeclared(name, &format!("has a value in {path}, and is not declared"));
        self.problems.push(Diagnostic { severity: crate::model::Severity::Warning, ..problem });
    }

    /// Variables without a value and without a default.
    fn missing(&mut self) {
        if self.unread {
            return;
        }
        for variable in &self.root.variables {
            let name = &variable.name;
            if variable.default.is_none() && !self.values.contains_key(name) && !self.refused.contains(name) {
                self.problems.push(
                    Diagnostic::error(format!("variable \"{name}\" has no value"))
                        .at(variable.span)
                        .label("it has no default, so it must be given")
                        .help(format!("give it with -var '{name}=…', in a file with -var-file, or in TF_VAR_{name}")),
                );
            }
        }
    }
}

/// The problem with the place in words: the line itself may hold a secret.
pub fn without_line(problem: Diagnostic, sources: &SourceMap) -> Diagnostic {
    match problem.span.and_then(|span| sources.place(span)) {
        Some(place) => Diagnostic { span: None, label: None, related: Vec::new(), ..problem }
            .detail(format!("{place}; the line is not shown: it may hold a sensitive value")),
        None => problem,
    }
}

/// A line of a file such as `terraform.tfvars`.
pub struct Assignment {
    pub name: Str,
    /// Or what is wrong with its expression.
    pub value: Result<Value, Diagnostics>,
    /// The expression.
    pub span: Span,
}

/// The lines of a file such as `terraform.tfvars`: names and constant values.
pub fn assignments(path: &str, text: &str, sources: &mut SourceMap) -> (Vec<Assignment>, Diagnostics) {
    let source = sources.add(path, text);
    let map = TextMap::offset(source, 0);
    let body = match parse::body(text) {
        Ok(body) => body,
        Err(error) => {
            let open = compile::open_string(&error, text, &map);
            return (Vec::new(), open.unwrap_or_else(|| compile::syntax_error(&error, text, &map)).into());
        }
    };
    let (mut found, mut all) = (Vec::new(), Diagnostics::new());
    for structure in body.iter() {
        let Some(attribute) = structure.as_attribute() else {
            let span = hcl_edit::Span::span(structure).map(|s| Span::new(source, s.start, s.start + 1));
            let problem = Diagnostic::error(format!("\"{path}\" holds a block"))
                .at(span)
                .help("such a file has lines such as name = value only");
            all.push(problem);
            continue;
        };
        let mut nothing = NOTHING;
        let mut problems = Diagnostics::new();
        let expr = compile::expression(&attribute.value, text, source, 0, &mut nothing, &mut problems);
        let value = match problems.has_errors() {
            true => Err(problems),
            false => expr.eval(&NOTHING),
        };
        found.push(Assignment { name: attribute.key.as_str().into(), value, span: expr.span() });
    }
    (found, all)
}

/// The value of an expression that refers to nothing.
fn constant(text: &str, map: TextMap) -> Result<Value, Diagnostics> {
    let mut problems = Diagnostics::new();
    let expr = compile::expression_text(text, &map, &[], &mut { NOTHING }, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    expr.eval(&NOTHING)
}

/// The files that are read without being named: `terraform.tfvars`, then `*.auto.tfvars` by name.
pub fn automatic_files(folder: &Path) -> Vec<Given> {
    let mut names: Vec<String> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect(),
        Err(_) => Vec::new(),
    };
    names.retain(|n| n.ends_with(".auto.tfvars") || n.ends_with(".auto.tfvars.json"));
    names.sort();
    let first = ["terraform.tfvars", "terraform.tfvars.json"].map(String::from);
    let path = |name: String| folder.join(name).to_string_lossy().into_owned();
    first.into_iter().chain(names).map(|name| Given::File { path: path(name), required: false }).collect()
}
