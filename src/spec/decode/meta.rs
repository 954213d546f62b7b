//! Meta-arguments: `count`, `for_each`, `provider`.

use super::Decoder;
use super::reference::{TraversalStep, traversal};
use crate::model::{Diagnostic, Key, Str};
use crate::spec::module::{ProviderRef, Repeat};
use crate::spec::resolve::Place;
use crate::spec::syntax::{Content, Written};

impl Decoder<'_> {
    /// Takes out `count` and `for_each`, of which at most one may stand.
    pub fn take_repeat(&mut self, content: &mut Content<'_>, place: Place) -> Repeat {
        let (count, for_each) = (content.take("count"), content.take("for_each"));
        if let (Some(count), Some(for_each)) = (&count, &for_each) {
            let error = Diagnostic::error("\"count\" and \"for_each\" together").at(for_each.name_span);
            self.error(error.label("a block has one of them").related(count.name_span, "\"count\" is set here"));
        }
        let outside = Place { each: false, count: false, ..place };
        match (count, for_each) {
            (Some(count), _) => Repeat::Count(self.compile(count.value, outside)),
            (None, Some(for_each)) => Repeat::ForEach(self.compile(for_each.value, outside)),
            (None, None) => Repeat::Once,
        }
    }

    /// Reads `aws`, `aws.east` or `aws.by_region[each.key]`.
    pub fn provider_ref(&mut self, value: Written<'_>, place: Place) -> Option<ProviderRef> {
        let parsed = value.parsed().map_err(|e| self.error(e)).ok()?;
        let written = traversal(&parsed.expression, &parsed.map);
        let shape = written.as_ref().map(|t| t.steps.as_slice());
        let (alias, key): (Option<Str>, Option<&TraversalStep<'_>>) = match shape {
            Some([]) => (None, None),
            Some([(TraversalStep::Attr(alias), _)]) => (Some(alias.clone()), None),
            Some([(TraversalStep::Attr(alias), _), (key, _)]) => (Some(alias.clone()), Some(key)),
            _ => {
                let error = Diagnostic::error("a provider was expected").at(value.span());
                self.error(error.label("such as aws or aws.east"));
                return None;
            }
        };
        let key_expr = match key {
            None => None,
            Some(TraversalStep::Key(Key::Name(name))) => {
                Some(crate::lang::expr::Expr::constant(crate::model::Value::string(name.clone()), value.span()))
            }
            Some(TraversalStep::Computed(e)) => Some(self.values(place).part(&parsed, e)),
            Some(_) => {
                let error = Diagnostic::error("a provider's key must be a text").at(value.span());
                self.error(error);
                None
            }
        };
        Some(ProviderRef { name: written?.root, alias, key: key_expr, span: Some(value.span()) })
    }

    /// Complains about a provider configuration with an alias that the module does not have.
    pub fn check_provider(&mut self, provider: &ProviderRef) {
        let Some(alias) = &provider.alias else { return };
        let known = &self.declared.providers;
        let passed = self.passed_aliases.contains(format!("{}.{alias}", provider.name).as_str());
        if passed || known.contains_key(&(provider.name.clone(), Some(alias.clone()))) {
            return;
        }
        let of_name: Vec<&Str> =
            known.keys().filter(|(name, _)| *name == provider.name).filter_map(|(_, alias)| alias.as_ref()).collect();
        let error = Diagnostic::error(format!("unknown provider configuration \"{}.{alias}\"", provider.name));
        let error = error.at(provider.span).label("no provider block of this module has this alias");
        let error = match crate::model::diagnostic::nearest(alias, of_name.iter().map(|a| &***a)) {
            Some(best) => error.help(format!("did you mean \"{}.{best}\"?", provider.name)),
            None => error.help(format!("add: provider \"{}\" {{ alias = \"{alias}\" … }}", provider.name)),
        };
        self.error(error);
    }
}

/// The provider of a type where nothing is said: `aws` of `aws_vpc`.
pub fn default_provider(ty: &str) -> ProviderRef {
    let name = ty.split('_').next().unwrap_or(ty);
    ProviderRef { name: name.into(), alias: None, key: None, span: None }
}
