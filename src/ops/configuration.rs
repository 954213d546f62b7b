//! The configuration as a plan's JSON holds it: blocks with their expressions as constants or references.

use serde_json::{Map, Value as Json, json};

use crate::lang::body::{Body, BodyBlock};
use crate::lang::expr::Expr;
use crate::lang::scope::{Reference, Slot};
use crate::model::value_json::to_json;
use crate::model::{Block, Marks, Mode, ModulePath, Nesting};
use crate::render::json::full_source;
use crate::render::value_text::SENSITIVE;
use crate::spec::module::{Module, ModuleCall, ModuleId, ProviderConfig, Provisioner, Repeat, Resource, Schemas, Spec};

/// `configuration`: the provider configurations, and the modules from the root on. Constants that are written for what
/// is sensitive are covered unless `secrets` is set.
pub fn configuration_json(spec: &Spec, schemas: &dyn Schemas, secrets: bool) -> Json {
    let writer = Writer { spec, schemas, secrets };
    let mut providers = Map::new();
    writer.providers(ModuleId(0), &ModulePath::root(), &mut providers);
    let mut json = json!({"root_module": writer.module(ModuleId(0), &ModulePath::root())});
    if !providers.is_empty() {
        json["provider_config"] = providers.into();
    }
    json
}

struct Writer<'s> {
    spec: &'s Spec,
    schemas: &'s dyn Schemas,
    secrets: bool,
}

impl Writer<'_> {
    /// Configurations of a module and of those that it calls. A provider that is used without a block of its own
    /// counts as an empty one of the root.
    fn providers(&self, id: ModuleId, path: &ModulePath, found: &mut Map<String, Json>) {
        let Some(module) = self.spec.module(id) else { return };
        for config in &module.providers {
            let key = provider_key(path, &config.name, config.alias.as_deref());
            found.insert(key, self.provider(module, config, path));
        }
        for resource in &module.resources {
            let name = &resource.provider.name;
            let key = self.config_key(module, path, resource);
            if resource.provider.alias.is_none() && !found.contains_key(&key) {
                found.insert(key, json!({"name": &**name, "full_name": full_name(module, name)}));
            }
        }
        for call in &module.calls {
            self.providers(call.module, &path.child(call.name.clone(), None), found);
        }
    }

    fn provider(&self, module: &Module, config: &ProviderConfig, path: &ModulePath) -> Json {
        let mut json = json!({"name": &*config.name, "full_name": full_name(module, &config.name)});
        let required = module.settings.required_providers.iter().find(|r| r.name == config.name);
        if let Some(version) = required.and_then(|r| r.version.as_deref()) {
            json["version_constraint"] = version.into();
        }
        if let Some(alias) = &config.alias {
            json["alias"] = (**alias).into();
        }
        if !path.is_root() {
            json["module_address"] = path.to_string().into();
        }
        let schema = self.schemas.provider_config(&config.name);
        let expressions = self.body(module, &config.body, schema.map(|s| &s.block));
        if !expressions.is_empty() {
            json["expressions"] = expressions.into();
        }
        json
    }

    /// Where a resource's provider is configured: here, or in the root that it came down from.
    fn config_key(&self, module: &Module, path: &ModulePath, resource: &Resource) -> String {
        let of = &resource.provider;
        let here = module.providers.iter().any(|p| p.name == of.name && p.alias == of.alias);
        let root = ModulePath::root();
        provider_key(if here { path } else { &root }, &of.name, of.alias.as_deref())
    }

    fn module(&self, id: ModuleId, path: &ModulePath) -> Json {
        let Some(module) = self.spec.module(id) else { return json!({}) };
        let mut json = Map::new();
        let mut add = |name: &str, entries: Map<String, Json>| {
            if !entries.is_empty() {
                json.insert(name.into(), entries.into());
            }
        };
        add("outputs", module.outputs.iter().map(|o| (o.name.to_string(), self.output(module, o))).collect());
        add("variables", module.variables.iter().map(|v| (v.name.to_string(), self.variable(v))).collect());
        add("module_calls", module.calls.iter().map(|c| (c.name.to_string(), self.call(module, c, path))).collect());
        let mut resources: Vec<&Resource> = module.resources.iter().filter(|r| r.mode != Mode::Ephemeral).collect();
        resources.sort_by_key(|r| (r.mode == Mode::Data, &r.ty, &r.name));
        if !resources.is_empty() {
            let all = resources.into_iter().map(|r| self.resource(module, r, path));
            json.insert("resources".into(), all.collect());
        }
        Json::Object(json)
    }

    fn output(&self, module: &Module, output: &crate::spec::module::Output) -> Json {
        let mut json = json!({"expression": self.expression(module, &output.value)});
        if output.sensitive {
            json["sensitive"] = true.into();
        }
        if let Some(text) = &output.description {
            json["description"] = (**text).into();
        }
        self.depends_on(module, &output.depends_on, &mut json);
        json
    }

    fn variable(&self, variable: &crate::spec::module::Variable) -> Json {
        let mut json = json!({});
        if let Some(value) = variable.default.as_ref().and_then(Expr::literal) {
            let covered = variable.sensitive && !self.secrets && !value.is_null();
            json["default"] = if covered { SENSITIVE.into() } else { to_json(value) };
        }
        if let Some(text) = &variable.description {
            json["description"] = (**text).into();
        }
        if variable.sensitive {
            json["sensitive"] = true.into();
        }
        json
    }

    fn call(&self, module: &Module, call: &ModuleCall, path: &ModulePath) -> Json {
        let child = path.child(call.name.clone(), None);
        let mut json = json!({"source": &*call.source, "module": self.module(call.module, &child)});
        let variables = self.spec.module(call.module).map(|m| &*m.variables).unwrap_or_default();
        let is_secret = |name: &str| variables.iter().any(|v| v.sensitive && &*v.name == name);
        let argument = |name: &str, e| (name.to_string(), self.constant(module, e, is_secret(name)));
        let arguments = call.arguments.iter().map(|(name, _, e)| argument(name, e));
        let arguments: Map<String, Json> = arguments.collect();
        if !arguments.is_empty() {
            json["expressions"] = arguments.into();
        }
        self.repeat(module, &call.repeat, &mut json);
        self.depends_on(module, &call.depends_on, &mut json);
        json
    }

    fn resource(&self, module: &Module, resource: &Resource, path: &ModulePath) -> Json {
        let schema = self.schemas.resource(resource.mode, &resource.ty);
        let mut json = json!({
            "address": resource.local_name(),
            "mode": if resource.mode == Mode::Data { "data" } else { "managed" },
            "type": &*resource.ty,
            "name": &*resource.name,
            "provider_config_key": self.config_key(module, path, resource),
            "schema_version": schema.map_or(0, |s| s.version),
        });
        let expressions = self.body(module, &resource.body, schema.map(|s| &s.block));
        if !expressions.is_empty() {
            json["expressions"] = expressions.into();
        }
        if !resource.provisioners.is_empty() {
            let provisioner =
                |p: &Provisioner| json!({"type": &*p.ty, "expressions": self.body(module, &p.body, None)});
            json["provisioners"] = resource.provisioners.iter().map(provisioner).collect();
        }
        self.repeat(module, &resource.repeat, &mut json);
        self.depends_on(module, &resource.depends_on, &mut json);
        json
    }

    fn repeat(&self, module: &Module, repeat: &Repeat, json: &mut Json) {
        match repeat {
            Repeat::Once | Repeat::Enabled(_) => (),
            Repeat::Count(e) => json["count_expression"] = self.expression(module, e),
            Repeat::ForEach(e) => json["for_each_expression"] = self.expression(module, e),
        }
    }

    fn depends_on(&self, module: &Module, on: &[Reference], json: &mut Json) {
        let names: Vec<Json> = on.iter().filter_map(|r| Some(base(module, r)?.into())).collect();
        if !names.is_empty() {
            json["depends_on"] = names.into();
        }
    }

    fn body(&self, module: &Module, body: &Body, schema: Option<&Block>) -> Map<String, Json> {
        let is_secret =
            |name: &str| schema.and_then(|s| s.attribute(name)).is_some_and(|a| a.sensitive || a.write_only);
        let attribute = |name: &str, e| (name.to_string(), self.constant(module, e, is_secret(name)));
        let attributes = body.attributes.iter().map(|a| attribute(&a.name, &a.value));
        let mut json: Map<String, Json> = attributes.collect();
        for block in &body.blocks {
            self.block(module, block, schema, &mut json);
        }
        json
    }

    fn block(&self, module: &Module, block: &BodyBlock, schema: Option<&Block>, json: &mut Map<String, Json>) {
        let nested = schema.and_then(|s| s.nested(&block.name));
        let inner = Json::Object(self.body(module, &block.body, nested.map(|n| &n.block)));
        let name = block.name.to_string();
        match (nested.map(|n| n.nesting), block.labels.first()) {
            (Some(Nesting::Single), _) => {
                json.insert(name, inner);
            }
            (Some(Nesting::Map), Some(label)) => {
                json.entry(name).or_insert_with(|| json!({}))[&**label] = inner;
            }
            _ => {
                if let Json::Array(all) = json.entry(name).or_insert_with(|| json!([])) {
                    all.push(inner);
                }
            }
        }
    }

    /// An expression for what may be a secret.
    fn constant(&self, module: &Module, expr: &Expr, secret: bool) -> Json {
        match expr.literal() {
            Some(value) if secret && !self.secrets && !value.is_null() => json!({"constant_value": SENSITIVE}),
            _ => self.expression(module, expr),
        }
    }

    fn expression(&self, module: &Module, expr: &Expr) -> Json {
        if let Some(value) = expr.literal() {
            // What the configuration marks stays out: a plan's JSON is read by many.
            let secret = value.all_marks().contains(Marks::EPHEMERAL);
            return if secret { json!({}) } else { json!({"constant_value": to_json(value)}) };
        }
        let mut names: Vec<Json> = Vec::new();
        expr.references(&mut |reference| names.extend(self.names(module, &reference).into_iter().map(Json::from)));
        if names.is_empty() { json!({}) } else { json!({"references": names}) }
    }

    /// What a reference names, from the whole of it to the object: `a.b[0].id`, `a.b[0]`, `a.b`.
    fn names(&self, module: &Module, reference: &Reference) -> Vec<String> {
        let Some(base) = base(module, reference) else { return Vec::new() };
        let steps = constant_steps(self.spec, &base, reference);
        let mut names = vec![base.clone()];
        match steps.is_empty() {
            false => {
                for step in steps {
                    names.extend(names.last().map(|before| format!("{before}{step}")));
                }
            }
            true => {
                let key = reference.key.as_ref().map(|k| format!("{base}{k}"));
                names.extend(key);
                let output = reference.output.as_ref().zip(names.last()).map(|(o, before)| format!("{before}.{o}"));
                names.extend(output);
            }
        }
        // An instance of a module is a thing of its own: its call alone is not named.
        if matches!(reference.slot, Slot::Module(_)) && names.get(1).is_some_and(|n| n.ends_with(']')) {
            names.remove(0);
        }
        names.reverse();
        names
    }
}

fn provider_key(path: &ModulePath, name: &str, alias: Option<&str>) -> String {
    let alias = alias.map(|a| format!(".{a}")).unwrap_or_default();
    match path.is_root() {
        true => format!("{name}{alias}"),
        false => format!("{path}:{name}{alias}"),
    }
}

fn full_name(module: &Module, name: &str) -> String {
    let required = module.settings.required_providers.iter().find(|r| &*r.name == name);
    full_source(name, required.and_then(|r| r.source.as_deref()).unwrap_or(""))
}

/// The constant steps that are written behind the name of what a reference refers to.
pub(super) fn constant_steps<'s>(spec: &'s Spec, base: &str, reference: &Reference) -> Vec<&'s str> {
    let source = spec.sources.get(reference.span.source);
    let text = source.and_then(|f| f.text.get(reference.span.start as usize..)).unwrap_or("");
    text.strip_prefix(base).map(traversal).unwrap_or_default()
}

/// What a slot is called in the configuration; nothing for slots that have no name there.
pub(super) fn base(module: &Module, reference: &Reference) -> Option<String> {
    Some(match &reference.slot {
        Slot::Variable(i) => format!("var.{}", module.variables.get(*i as usize)?.name),
        Slot::Local(i) => format!("local.{}", module.locals.get(*i as usize)?.name),
        Slot::Resource(i) => module.resources.get(*i as usize)?.local_name(),
        Slot::Module(i) => format!("module.{}", module.calls.get(*i as usize)?.name),
        Slot::EachKey => "each.key".into(),
        Slot::EachValue => "each.value".into(),
        Slot::CountIndex => "count.index".into(),
        Slot::SelfObject => "self".into(),
        Slot::PathModule => "path.module".into(),
        Slot::PathRoot => "path.root".into(),
        Slot::PathCwd => "path.cwd".into(),
        Slot::Workspace => "terraform.workspace".into(),
        Slot::Applying => "terraform.applying".into(),
    })
}

/// The constant steps that a text begins with: `.name`, `[0]`, `["key"]`.
fn traversal(mut text: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    while let Some(end) = step_end(text) {
        let (step, rest) = text.split_at(end);
        steps.push(step);
        text = rest;
    }
    steps
}

fn step_end(text: &str) -> Option<usize> {
    if let Some(name) = text.strip_prefix('.') {
        let starts_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let length = name.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(name.len());
        return starts_well.then_some(length + 1);
    }
    let inside = text.strip_prefix('[')?;
    if let Some(key) = inside.strip_prefix('"') {
        let length = key.find(['"', '\\', '$', '%'])?;
        return key[length..].starts_with("\"]").then_some(length + 4);
    }
    let length = inside.find(|c: char| !c.is_ascii_digit())?;
    (length > 0 && inside[length..].starts_with(']')).then_some(length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traversals_end_where_they_are_no_longer_constant() {
        assert_eq!(traversal("[0].id == 1"), ["[0]", ".id"]);
        assert_eq!(traversal("[\"a b\"].x-y[count.index]"), ["[\"a b\"]", ".x-y"]);
        assert_eq!(traversal("[\"${x}\"].y"), Vec::<&str>::new());
        assert_eq!(traversal("[*].id"), Vec::<&str>::new());
        assert_eq!(traversal("[\"unfinished"), Vec::<&str>::new());
    }
}
