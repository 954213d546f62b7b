//! All references that a block makes.

use crate::lang::body::Body;
use crate::lang::expr::Expr;
use crate::lang::scope::Reference;
use crate::spec::{CheckRule, Import, Provisioner, Repeat, Resource};

/// Calls back for each reference in a body, nested blocks included.
pub fn body_references(body: &Body, found: &mut dyn FnMut(Reference)) {
    for attribute in &body.attributes {
        attribute.value.references(found);
    }
    for block in &body.blocks {
        if let Some(dynamic) = &block.dynamic {
            dynamic.for_each.references(found);
            dynamic.labels.iter().for_each(|l| l.references(found));
        }
        body_references(&block.body, found);
    }
}

/// Calls back for each reference of a resource block, meta-arguments included.
pub fn block_references(resource: &Resource, found: &mut dyn FnMut(Reference)) {
    repeat_references(&resource.repeat, found);
    body_references(&resource.body, found);
    resource.depends_on.iter().cloned().for_each(&mut *found);
    if let Some(key) = &resource.provider.key {
        key.references(found);
    }
    let lifecycle = &resource.lifecycle;
    lifecycle.replace_triggered_by.iter().for_each(|e: &Expr| e.references(found));
    rule_references(&lifecycle.preconditions, found);
    rule_references(&lifecycle.postconditions, found);
    if let Some(connection) = &resource.connection {
        body_references(connection, found);
    }
    resource.provisioners.iter().for_each(|p| provisioner_references(p, found));
}

pub(super) fn repeat_references(repeat: &Repeat, found: &mut dyn FnMut(Reference)) {
    match repeat {
        Repeat::Once => (),
        Repeat::Count(e) | Repeat::ForEach(e) | Repeat::Enabled(e) => e.references(found),
    }
}

pub(super) fn rule_references(rules: &[CheckRule], found: &mut dyn FnMut(Reference)) {
    for rule in rules {
        rule.condition.references(found);
        rule.error_message.references(found);
    }
}

pub(super) fn import_references(import: &Import, found: &mut dyn FnMut(Reference)) {
    let keys = import.module_keys.iter().map(|(_, key)| key);
    let parts = [&import.for_each, &import.id, &import.identity, &import.to_key].into_iter().flatten();
    parts.chain(keys).for_each(|e| e.references(found));
}

fn provisioner_references(provisioner: &Provisioner, found: &mut dyn FnMut(Reference)) {
    body_references(&provisioner.body, found);
    if let Some(connection) = &provisioner.connection {
        body_references(connection, found);
    }
}
