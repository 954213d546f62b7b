//! `provisioner` and `connection` blocks.

use super::Decoder;
use super::body::nested_shape;
use crate::lang::body::Body;
use crate::lang::scope::Slot;
use crate::model::{Diagnostic, Str, Value};
use crate::spec::module::Provisioner;
use crate::spec::provisioner::{self, NAMES};
use crate::spec::resolve::{Place, Reach};
use crate::spec::syntax::{Block, Shape};

/// Slots that an object which is destroyed can still refer to.
fn outlives(slot: &Slot) -> bool {
    matches!(
        slot,
        Slot::SelfObject
            | Slot::EachKey
            | Slot::CountIndex
            | Slot::PathModule
            | Slot::PathRoot
            | Slot::PathCwd
            | Slot::Workspace
            | Slot::Applying
    )
}

impl Decoder<'_> {
    pub(super) fn connection(&mut self, block: &Block<'_>, place: Place) -> Body {
        let content = self.content(block, nested_shape(None));
        let body = self.body(content, None, place);
        self.check_body(&body, provisioner::connection(), "connection");
        let protocol = body.attribute("type").map(|attribute| &attribute.value);
        if let Some(protocol) =
            protocol.filter(|v| v.literal().and_then(Value::as_str).is_some_and(|t| &**t == "winrm"))
        {
            let error = Diagnostic::error("connections over winrm cannot be made").at(protocol.span());
            self.error(error.label("ssh alone is spoken").help("Windows has an SSH server too: install OpenSSH there"));
        }
        body
    }

    pub(super) fn provisioner(&mut self, block: &Block<'_>, place: Place) -> Provisioner {
        let (ty, ty_span): (Str, _) = block.label(0);
        let schema = provisioner::schema(&ty);
        if schema.is_none() {
            let error = Diagnostic::error(format!("unknown provisioner \"{ty}\"")).at(ty_span);
            self.error(error.did_you_mean(&ty, NAMES).help(format!("there is {}", NAMES.join(", "))));
        }
        let mut content = self.content(block, Shape::of(&[("connection", 0)]));
        let when = self.take_word(&mut content, "when", &["create", "destroy"]);
        let on_failure = self.take_word(&mut content, "on_failure", &["continue", "fail"]);
        let on_destroy = when.as_deref() == Some("destroy");
        let reach = if on_destroy { Reach::OwnObject } else { place.reach };
        let place = Place { reach, ..place.with_self() };
        let connection = content.take_block("connection", self.diagnostics);
        let connection = connection.map(|block| self.connection(&block, place));
        let body = self.body(content, schema, place);
        if let Some(schema) = schema {
            self.check_body(&body, schema, &format!("the provisioner \"{ty}\""));
            self.check_choice(&ty, &body, block);
        }
        let continue_on_failure = on_failure.as_deref() == Some("continue");
        Provisioner { ty, body, connection, on_destroy, continue_on_failure, span: block.header }
    }

    /// Arguments of which exactly one says what is to be done.
    fn check_choice(&mut self, ty: &str, body: &Body, block: &Block<'_>) {
        let choices: &[&str] = match ty {
            "remote-exec" => &["inline", "script", "scripts"],
            "file" => &["source", "content"],
            _ => return,
        };
        let mut given = body.attributes.iter().filter(|a| choices.contains(&&*a.name));
        match (given.next(), given.next()) {
            (Some(_), None) => (),
            (Some(first), Some(second)) => {
                let error = Diagnostic::error(format!("\"{}\" and \"{}\" together", first.name, second.name));
                let error = error.at(second.name_span).label("a provisioner has one of them");
                self.error(error.related(first.name_span, "the other is set here"));
            }
            _ => {
                let error = Diagnostic::error("a provisioner without anything to do").at(block.header);
                self.error(error.label(format!("one of {} is needed", choices.join(", "))));
            }
        }
    }

    /// A connection that serves provisioners which run on destroy refers to nothing but the object.
    pub(super) fn check_shared_connection(&mut self, connection: Option<&Body>, provisioners: &[Provisioner]) {
        let (Some(connection), Some(first)) = (connection, provisioners.iter().find(|p| p.on_destroy)) else { return };
        for attribute in &connection.attributes {
            let own = first.connection.as_ref().is_some_and(|c| c.attribute(&attribute.name).is_some());
            let mut outside = None;
            attribute.value.references(&mut |reference| {
                if !outlives(&reference.slot) {
                    outside.get_or_insert(reference.span);
                }
            });
            if let (Some(span), false) = (outside, own) {
                let error = Diagnostic::error("a connection that is used on destroy refers to something else").at(span);
                let error = error.label("only \"self\", \"each.key\" and \"count.index\" are left to use then");
                self.error(error.related(first.span, "this provisioner runs when the object is destroyed"));
            }
        }
    }
}
