//! What stands above each change: what happens to which object, and why.

use crate::model::{Address, Mode, Path};
use crate::plan::{Action, Change, DeferReason, Deferred, Drift, Reason, ReplaceOrder};
use crate::render::quote::quoted;
use crate::render::style::Role;

/// The sign before the block, three columns wide.
pub fn symbol(change: &Change) -> &'static str {
    match &change.action {
        Action::NoOp => "   ",
        Action::Create => "  +",
        Action::Read => " <=",
        Action::Update { .. } => "  ~",
        Action::Replace { order: ReplaceOrder::DeleteFirst, .. } => "-/+",
        Action::Replace { order: ReplaceOrder::CreateFirst, .. } => "+/-",
        Action::Delete => "  -",
        Action::Forget => "  #",
    }
}

pub fn role(action: &Action) -> Role {
    match action {
        Action::NoOp | Action::Forget => Role::Faint,
        Action::Create => Role::Added,
        Action::Read => Role::Read,
        Action::Update { .. } => Role::Changed,
        Action::Replace { .. } | Action::Delete => Role::Removed,
    }
}

/// `resource "aws_vpc" "main"`.
pub fn block_header(address: &Address) -> String {
    let word = match address.resource.mode {
        Mode::Managed => "resource",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    };
    format!("{word} {} {}", quoted(&address.resource.ty), quoted(&address.resource.name))
}

/// The address, with the deposed object where it is one.
pub fn subject(change: &Change) -> String {
    match &change.deposed {
        Some(key) => format!("{} (deposed object {key})", change.address),
        None => change.address.to_string(),
    }
}

/// What happens, in a sentence without a full stop.
pub fn headline(change: &Change) -> String {
    let it = subject(change);
    match (&change.action, &change.previous_address) {
        (Action::NoOp, _) if change.importing.is_some() => format!("{it} will be imported"),
        (Action::NoOp, Some(from)) => format!("{from} has moved to {it}"),
        (Action::NoOp, None) => format!("{it} stays as it is"),
        (Action::Create, _) => format!("{it} will be created"),
        (Action::Read, _) => format!("{it} will be read during apply"),
        (Action::Update { .. }, _) => format!("{it} will be updated in-place"),
        (Action::Replace { .. }, _) => match change.reason {
            Some(Reason::ReplaceBecauseTainted) => format!("{it} is tainted, so it must be replaced"),
            Some(Reason::ReplaceByRequest) => format!("{it} will be replaced, as requested"),
            Some(Reason::ReplaceByTriggers) => format!("{it} will be replaced"),
            _ => format!("{it} must be replaced"),
        },
        (Action::Delete, _) => format!("{it} will be destroyed"),
        (Action::Forget, _) => {
            format!("{it} will no longer be managed by Terrane, but will not be destroyed")
        }
    }
}

/// Why, and where it comes from: a line each.
pub fn reasons(change: &Change) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(from) = change.previous_address.as_ref().filter(|_| !change.action.is_noop()) {
        lines.push(format!("(moved from {from})"));
    }
    if let Some(importing) = &change.importing {
        lines.push(format!("(imported from {})", quoted(&importing.id)));
        if importing.generated.is_some() {
            lines.push("(config will be generated)".into());
        }
    }
    match &change.deposed {
        Some(_) => lines.push("(left behind by a replacement that did not finish)".into()),
        None => lines.extend(change.reason.and_then(|r| reason(r, &change.address)).map(|r| format!("({r})"))),
    }
    lines
}

fn reason(reason: Reason, address: &Address) -> Option<String> {
    let key = address.key.as_ref().map(ToString::to_string).unwrap_or_default();
    let text = match reason {
        // The attributes that force it are marked where they stand; a taint or request is in the headline.
        Reason::ReplaceBecauseCannotUpdate | Reason::ReplaceBecauseTainted | Reason::ReplaceByRequest => return None,
        Reason::ReplaceByTriggers => "because something in its replace_triggered_by changes".into(),
        Reason::DeleteBecauseNoResourceConfig => {
            let block = address.resource.without_keys();
            format!("because {block} is not in configuration")
        }
        Reason::DeleteBecauseNoModule if address.resource.module.is_root() => return None,
        Reason::DeleteBecauseCountIndex | Reason::DeleteBecauseEachKey if address.key.is_none() => return None,
        Reason::DeleteBecauseNoModule => format!("because {} is not in configuration", address.resource.module),
        Reason::DeleteBecauseWrongRepetition => match address.key {
            None => "because the resource now uses count or for_each".into(),
            Some(_) => format!("because key {key} no longer fits the resource's count or for_each"),
        },
        Reason::DeleteBecauseCountIndex => format!("because index {key} is out of range for count"),
        Reason::DeleteBecauseEachKey => format!("because key {key} is not in for_each map"),
        Reason::DeleteBecauseNoMoveTarget => format!("because it moved to {address}, which is not in configuration"),
        Reason::ReadBecauseConfigUnknown => "because its configuration has values not yet known".into(),
        Reason::ReadBecauseDependencyPending => "because something that it depends on changes first".into(),
        Reason::ReadBecauseCheckNested => "because its check is judged once all is done".into(),
    };
    Some(text)
}

/// One line of what a plan takes away: the object, and how it goes.
pub fn loss(change: &Change) -> String {
    let it = subject(change);
    let Action::Replace { order, forced_by } = &change.action else { return it };
    let how = match order {
        ReplaceOrder::DeleteFirst => "replaced",
        ReplaceOrder::CreateFirst => "replaced, the new one first",
    };
    match why_replaced(change.reason, forced_by) {
        Some(why) => format!("{it} ({how}: {why})"),
        None => format!("{it} ({how})"),
    }
}

fn why_replaced(reason: Option<Reason>, forced_by: &[Path]) -> Option<String> {
    match reason {
        Some(Reason::ReplaceBecauseTainted) => return Some("tainted".into()),
        Some(Reason::ReplaceByRequest) => return Some("as requested".into()),
        Some(Reason::ReplaceByTriggers) => return Some("by replace_triggered_by".into()),
        _ => (),
    }
    let (first, rest) = forced_by.split_first()?;
    Some(match rest.len() {
        0 => format!("{first} changes"),
        n => format!("{first} and {n} more change"),
    })
}

/// What is left for a later plan, and why.
pub fn deferred(part: &Deferred) -> String {
    let why = match part.reason {
        DeferReason::InstanceCountUnknown => "how many there are is known after apply",
        DeferReason::ResourceConfigUnknown => "what it is imported from is known after apply",
        DeferReason::DeferredPrereq if part.change.action == Action::Delete => "what uses it is planned later",
        DeferReason::DeferredPrereq => "it follows something that is planned later",
    };
    format!("{} ({why})", part.address)
}

pub fn drift_headline(drift: &Drift) -> String {
    let it = match &drift.deposed {
        Some(key) => format!("{} (deposed object {key})", drift.address),
        None => drift.address.to_string(),
    };
    match drift.after.is_null() {
        true => format!("{it} has been deleted"),
        false => format!("{it} has changed"),
    }
}
