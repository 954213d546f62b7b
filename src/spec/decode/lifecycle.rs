//! `lifecycle` blocks.

use super::Decoder;
use super::reference::{TraversalStep, traversal};
use crate::model::{Diagnostic, Key, Mode, Path, PathStep, Span};
use crate::spec::module::{Lifecycle, Repeat};
use crate::spec::resolve::{Place, Reach};
use crate::spec::syntax::{Block, Shape, Written};

const RULES: &[(&str, usize)] = &[("precondition", 0), ("postcondition", 0)];
const ARGUMENTS: [&str; 5] =
    ["create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by", "enabled"];

impl Decoder<'_> {
    /// Reads the block; `enabled` in it says how often the resource exists.
    pub(super) fn lifecycle(
        &mut self,
        block: &Block<'_>,
        mode: Mode,
        place: Place,
        repeat: Repeat,
    ) -> (Lifecycle, Repeat) {
        let mut content = self.content(block, Shape::of(RULES));
        let mut lifecycle = Lifecycle::default();
        if mode == Mode::Managed {
            lifecycle.create_before_destroy = self.take_bool(&mut content, "create_before_destroy");
            lifecycle.prevent_destroy = self.take_bool(&mut content, "prevent_destroy").unwrap_or(false);
            if let Some(argument) = content.take("ignore_changes") {
                self.ignore_changes(argument.value, &mut lifecycle);
            }
            if let Some(argument) = content.take("replace_triggered_by") {
                lifecycle.replace_triggered_by = self.triggers(argument.value, place);
            }
        }
        let repeat = self.enabled(&mut content, repeat, place);
        let rules = content.take_blocks("precondition");
        lifecycle.preconditions = rules.iter().map(|rule| self.rule(rule, place)).collect();
        let rules = content.take_blocks("postcondition");
        lifecycle.postconditions = rules.iter().map(|rule| self.rule(rule, place.with_self())).collect();
        let known: &[&str] = if mode == Mode::Managed { &ARGUMENTS } else { &["enabled"] };
        content.finish("a lifecycle block", known, &["precondition", "postcondition"], self.diagnostics);
        (lifecycle, repeat)
    }

    pub(super) fn enabled(
        &mut self,
        content: &mut crate::spec::syntax::Content<'_>,
        repeat: Repeat,
        place: Place,
    ) -> Repeat {
        let Some(enabled) = content.take("enabled") else { return repeat };
        match repeat {
            Repeat::Once => Repeat::Enabled(self.compile(enabled.value, place)),
            other => {
                let error = Diagnostic::error("\"enabled\" beside \"count\" or \"for_each\"").at(enabled.name_span);
                self.error(error.label("a block has one of the three"));
                other
            }
        }
    }

    fn ignore_changes(&mut self, value: Written<'_>, lifecycle: &mut Lifecycle) {
        let is_all = match value.plain_text() {
            Some(text) => &*text == "all",
            None => {
                let parsed = value.items().is_none().then(|| value.parsed().ok()).flatten();
                parsed.is_some_and(|p| p.expression.as_variable().is_some_and(|v| v.as_str() == "all"))
            }
        };
        if is_all {
            lifecycle.ignore_all = true;
            return;
        }
        let Some(items) = value.items() else {
            let error = Diagnostic::error("\"ignore_changes\" must be a list of attributes, or all").at(value.span());
            self.error(error.label("such as [tags, ingress[0].from_port]"));
            return;
        };
        for item in items {
            match self.relative_path(item) {
                Some((path, _)) if path.0 == [PathStep::Attr("*".into())] => lifecycle.ignore_all = true,
                Some(found) => lifecycle.ignore_changes.push(found),
                None => (),
            }
        }
    }

    /// `tags["Owner"]`: the way from the resource's object to an attribute.
    fn relative_path(&mut self, item: Written<'_>) -> Option<(Path, Span)> {
        if item.plain_text().as_deref() == Some("*") {
            return Some((Path::attr("*"), item.span()));
        }
        let parsed = item.parsed().map_err(|e| self.error(e)).ok()?;
        let written = traversal(&parsed.expression, &parsed.map);
        let path = written.as_ref().and_then(|t| {
            let mut steps = vec![PathStep::Attr(t.root.clone())];
            for (step, _) in &t.steps {
                steps.push(match step {
                    TraversalStep::Attr(name) => PathStep::Attr(name.clone()),
                    TraversalStep::Key(Key::Name(name)) => PathStep::Key(name.clone()),
                    TraversalStep::Key(Key::Index(n)) => PathStep::Index(usize::try_from(*n).ok()?),
                    TraversalStep::Computed(_) | TraversalStep::Splat => return None,
                });
            }
            Some(Path(steps))
        });
        if path.is_none() {
            let error = Diagnostic::error("an attribute of the resource was expected").at(item.span());
            self.error(error.label("such as tags or ingress[0].from_port"));
        }
        path.map(|path| (path, item.span()))
    }

    fn triggers(&mut self, value: Written<'_>, place: Place) -> Vec<crate::lang::expr::Expr> {
        let Some(items) = value.items() else {
            let error = Diagnostic::error("\"replace_triggered_by\" must be a list of references").at(value.span());
            self.error(error);
            return Vec::new();
        };
        items.into_iter().map(|item| self.trigger(item, place)).collect()
    }

    fn trigger(&mut self, item: Written<'_>, place: Place) -> crate::lang::expr::Expr {
        let parsed = item.parsed().ok();
        let root = parsed.as_ref().and_then(|p| traversal(&p.expression, &p.map)).map(|t| t.root);
        let is_resource = root.is_some_and(|root| {
            !matches!(
                &*root,
                "var"
                    | "local"
                    | "module"
                    | "data"
                    | "ephemeral"
                    | "each"
                    | "count"
                    | "self"
                    | "path"
                    | "terraform"
                    | "tofu"
            )
        });
        if !is_resource {
            let error = Diagnostic::error("a reference to a managed resource was expected").at(item.span());
            self.error(
                error
                    .label("only a change of a managed resource can replace this one")
                    .help("to follow another value, keep it in a terraform_data resource and refer to that"),
            );
        }
        self.compile_parsed(item, Place { reach: Reach::Everything, ..place })
    }
}
