//! A plan in a saved plan file: its changes, steps, drift, outputs and all else that is shown of it, as JSON and back.

use serde_json::{Map, Value as Json, json};

use super::plan_file::{mode, mode_word};
use super::saved_value::{read, read_fields, read_key, read_path, write, write_fields, write_key, write_path};
use crate::model::{Address, Diagnostic, Diagnostics, ModulePath, Severity, SourceId, SourceMap, Span, Str};
use crate::plan::{
    Action, CellId, CellKind, Change, CheckKind, CheckResult, CheckStatus, DeferReason, Deferred, Drift, Importing,
    OutputChange, Plan, ProviderName, Reason, ReplaceOrder, Ruled, Step, StepId, StepKind,
};

/// The plan; places in its diagnostics are kept by the names of their files.
pub fn encode(plan: &Plan, sources: &SourceMap) -> Json {
    json!({
        "mode": mode_word(plan.mode),
        "changes": plan.changes.iter().map(write_change).collect::<Vec<_>>(),
        "drift": plan.drift.iter().map(write_drift).collect::<Vec<_>>(),
        "outputs": plan.outputs.iter().map(write_output).collect::<Vec<_>>(),
        "steps": plan.steps.iter().map(write_step).collect::<Vec<_>>(),
        "variables": write_fields(&plan.variables),
        "deferred": plan.deferred.iter().map(write_deferred).collect::<Vec<_>>(),
        "complete": plan.complete,
        "checks": plan.checks.iter().map(write_check).collect::<Vec<_>>(),
        "targeted": plan.targeted,
        "diagnostics": plan.diagnostics.iter().map(|d| write_diagnostic(d, sources)).collect::<Vec<_>>(),
    })
}

/// Reads what [`encode`] writes. `sources` are the files of the same configuration.
pub fn decode(json: &Json, sources: &SourceMap) -> Option<Plan> {
    Some(Plan {
        mode: mode(json.get("mode")?.as_str()?)?,
        changes: each(json, "changes", read_change)?,
        drift: each(json, "drift", read_drift)?,
        outputs: each(json, "outputs", read_output)?,
        steps: each(json, "steps", read_step)?,
        variables: read_fields(json.get("variables")?)?,
        deferred: each(json, "deferred", read_deferred)?,
        complete: json.get("complete")?.as_bool()?,
        checks: each(json, "checks", read_check)?,
        targeted: json.get("targeted")?.as_bool()?,
        diagnostics: Diagnostics(each(json, "diagnostics", |d| read_diagnostic(d, sources))?),
    })
}

/// What a plan does, of two plans in this form: whether it is the same.
pub fn do_the_same(one: &Json, other: &Json) -> bool {
    ["mode", "changes", "outputs", "steps"].iter().all(|part| one.get(part) == other.get(part))
}

fn each<T>(json: &Json, name: &str, read: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    json.get(name)?.as_array()?.iter().map(read).collect()
}

fn text<'j>(json: &'j Json, name: &str) -> Option<&'j str> {
    json.get(name)?.as_str()
}

/// A member that may be absent, and must be right where it is there.
fn maybe<T>(json: &Json, name: &str, read: impl Fn(&Json) -> Option<T>) -> Option<Option<T>> {
    match json.get(name) {
        None | Some(Json::Null) => Some(None),
        Some(part) => read(part).map(Some),
    }
}

fn address(json: &Json) -> Option<Address> {
    Address::parse(json.as_str()?).ok()
}

fn string(json: &Json) -> Option<Str> {
    json.as_str().map(Str::from)
}

fn index(json: &Json) -> Option<u32> {
    json.as_u64()?.try_into().ok()
}

fn write_provider(provider: &ProviderName) -> Json {
    json!({
        "name": &*provider.name,
        "source": &*provider.source,
        "alias": provider.alias.as_deref(),
        "module": provider.module.to_string(),
        "key": provider.key.as_ref().map(write_key),
    })
}

fn read_provider(json: &Json) -> Option<ProviderName> {
    Some(ProviderName {
        name: text(json, "name")?.into(),
        source: text(json, "source")?.into(),
        alias: maybe(json, "alias", string)?,
        module: read_module(text(json, "module")?)?,
        key: maybe(json, "key", read_key)?,
    })
}

fn read_module(text: &str) -> Option<ModulePath> {
    if text.is_empty() { Some(ModulePath::root()) } else { ModulePath::parse(text).ok() }
}

fn write_change(change: &Change) -> Json {
    json!({
        "address": change.address.to_string(),
        "previous_address": change.previous_address.as_ref().map(Address::to_string),
        "deposed": change.deposed.as_deref(),
        "provider": write_provider(&change.provider),
        "action": write_action(&change.action),
        "reason": change.reason.map(Reason::code),
        "before": write(&change.before),
        "after": write(&change.after),
        "importing": change.importing.as_ref().map(write_importing),
    })
}

fn read_change(json: &Json) -> Option<Change> {
    Some(Change {
        address: address(json.get("address")?)?,
        previous_address: maybe(json, "previous_address", address)?,
        deposed: maybe(json, "deposed", string)?,
        provider: read_provider(json.get("provider")?)?,
        action: read_action(json.get("action")?)?,
        reason: maybe(json, "reason", |code| Reason::ALL.into_iter().find(|r| Some(r.code()) == code.as_str()))?,
        before: read(json.get("before")?)?,
        after: read(json.get("after")?)?,
        importing: maybe(json, "importing", read_importing)?,
    })
}

fn write_importing(importing: &Importing) -> Json {
    json!({
        "id": &*importing.id,
        "remote_id": &*importing.remote_id,
        "identity": importing.identity.as_ref().map(write),
        "generated": importing.generated.as_deref(),
    })
}

fn read_importing(json: &Json) -> Option<Importing> {
    Some(Importing {
        id: text(json, "id")?.into(),
        remote_id: text(json, "remote_id")?.into(),
        identity: maybe(json, "identity", read)?,
        generated: maybe(json, "generated", string)?,
    })
}

fn write_action(action: &Action) -> Json {
    match action {
        Action::NoOp => "no-op".into(),
        Action::Create => "create".into(),
        Action::Read => "read".into(),
        Action::Delete => "delete".into(),
        Action::Forget => "forget".into(),
        Action::Update { changed } => json!({"update": changed.iter().map(|n| &**n).collect::<Vec<_>>()}),
        Action::Replace { order, forced_by } => json!({
            "replace": forced_by.iter().map(write_path).collect::<Vec<_>>(),
            "create_first": *order == ReplaceOrder::CreateFirst,
        }),
    }
}

fn read_action(json: &Json) -> Option<Action> {
    if let Some(word) = json.as_str() {
        let plain = [Action::NoOp, Action::Create, Action::Read, Action::Delete, Action::Forget];
        return plain.into_iter().find(|action| write_action(action) == word);
    }
    if json.get("update").is_some() {
        return Some(Action::Update { changed: each(json, "update", string)? });
    }
    let order = match json.get("create_first")?.as_bool()? {
        true => ReplaceOrder::CreateFirst,
        false => ReplaceOrder::DeleteFirst,
    };
    Some(Action::Replace { order, forced_by: each(json, "replace", read_path)? })
}

fn write_drift(drift: &Drift) -> Json {
    json!({
        "address": drift.address.to_string(),
        "previous_address": drift.previous_address.as_ref().map(Address::to_string),
        "deposed": drift.deposed.as_deref(),
        "provider": write_provider(&drift.provider),
        "before": write(&drift.before),
        "after": write(&drift.after),
        "may_be_own": drift.may_be_own,
    })
}

fn read_drift(json: &Json) -> Option<Drift> {
    Some(Drift {
        address: address(json.get("address")?)?,
        previous_address: maybe(json, "previous_address", address)?,
        deposed: maybe(json, "deposed", string)?,
        provider: read_provider(json.get("provider")?)?,
        before: read(json.get("before")?)?,
        after: read(json.get("after")?)?,
        may_be_own: json.get("may_be_own")?.as_bool()?,
    })
}

fn write_output(output: &OutputChange) -> Json {
    json!({
        "name": &*output.name,
        "action": write_action(&output.action),
        "before": write(&output.before),
        "after": write(&output.after),
        "sensitive": output.sensitive,
    })
}

fn read_output(json: &Json) -> Option<OutputChange> {
    Some(OutputChange {
        name: text(json, "name")?.into(),
        action: read_action(json.get("action")?)?,
        before: read(json.get("before")?)?,
        after: read(json.get("after")?)?,
        sensitive: json.get("sensitive")?.as_bool()?,
    })
}

fn write_deferred(deferred: &Deferred) -> Json {
    let change = write_change(&deferred.change);
    json!({"address": &*deferred.address, "reason": deferred.reason.code(), "change": change})
}

fn read_deferred(json: &Json) -> Option<Deferred> {
    let code = text(json, "reason")?;
    Some(Deferred {
        address: text(json, "address")?.into(),
        reason: DeferReason::ALL.into_iter().find(|r| r.code() == code)?,
        change: read_change(json.get("change")?)?,
    })
}

/// What the step does, its numbers, and then the steps that it follows.
fn write_step(step: &Step) -> Json {
    let numbers: Vec<u32> = match &step.kind {
        StepKind::Open { module, resource, position } => vec![*module, *resource, *position],
        StepKind::Evaluate { cell } => {
            let (kind, i) = cell_numbers(cell.kind);
            vec![cell.module, kind, i]
        }
        StepKind::Judge { module, of } => match of {
            Ruled::Variable(i) => vec![*module, 0, *i],
            Ruled::Output(i) => vec![*module, 1, *i],
            Ruled::Instance { resource, position } => vec![*module, 2, *resource, *position],
        },
        other => other.change().into_iter().collect(),
    };
    json!([step.kind.word(), numbers, step.after.iter().map(|s| s.0).collect::<Vec<_>>()])
}

fn read_step(json: &Json) -> Option<Step> {
    let numbers = |i: usize| json.get(i)?.as_array()?.iter().map(index).collect::<Option<Vec<u32>>>();
    let given = numbers(1)?;
    let number = |i: usize| given.get(i).copied();
    let kind = match json.get(0)?.as_str()? {
        "create" => StepKind::Create { change: number(0)? },
        "update" => StepKind::Update { change: number(0)? },
        "delete" => StepKind::Delete { change: number(0)? },
        "read" => StepKind::Read { change: number(0)? },
        "forget" => StepKind::Forget { change: number(0)? },
        "import" => StepKind::Import { change: number(0)? },
        "open" => StepKind::Open { module: number(0)?, resource: number(1)?, position: number(2)? },
        "evaluate" => {
            StepKind::Evaluate { cell: CellId { module: number(0)?, kind: read_cell(number(1)?, number(2)?)? } }
        }
        "judge" => {
            let of = match number(1)? {
                0 => Ruled::Variable(number(2)?),
                1 => Ruled::Output(number(2)?),
                2 => Ruled::Instance { resource: number(2)?, position: number(3)? },
                _ => return None,
            };
            StepKind::Judge { module: number(0)?, of }
        }
        "join" => StepKind::Join,
        _ => return None,
    };
    Some(Step { kind, after: numbers(2)?.into_iter().map(StepId).collect() })
}

fn cell_numbers(kind: CellKind) -> (u32, u32) {
    match kind {
        CellKind::Variable(i) => (0, i),
        CellKind::Local(i) => (1, i),
        CellKind::Output(i) => (2, i),
        CellKind::Provider(i) => (3, i),
        CellKind::Check(i) => (4, i),
    }
}

fn read_cell(kind: u32, i: u32) -> Option<CellKind> {
    let all =
        [CellKind::Variable(i), CellKind::Local(i), CellKind::Output(i), CellKind::Provider(i), CellKind::Check(i)];
    all.into_iter().find(|cell| cell_numbers(*cell).0 == kind)
}

fn write_check(check: &CheckResult) -> Json {
    json!([check.name, check_kind(check.kind), check_status(check.status), check.problems])
}

fn read_check(json: &Json) -> Option<CheckResult> {
    let kinds = [CheckKind::Resource, CheckKind::Output, CheckKind::Check, CheckKind::Variable];
    let states = [CheckStatus::Pass, CheckStatus::Fail, CheckStatus::Error, CheckStatus::Unknown];
    let problem = |p: &Json| p.as_str().map(str::to_string);
    Some(CheckResult {
        name: json.get(0)?.as_str()?.to_string(),
        kind: kinds.into_iter().find(|k| json.get(1).and_then(Json::as_str) == Some(check_kind(*k)))?,
        status: states.into_iter().find(|s| json.get(2).and_then(Json::as_str) == Some(check_status(*s)))?,
        problems: json.get(3)?.as_array()?.iter().map(problem).collect::<Option<_>>()?,
    })
}

fn check_kind(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Resource => "resource",
        CheckKind::Output => "output",
        CheckKind::Check => "check",
        CheckKind::Variable => "variable",
    }
}

fn check_status(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "pass",
        CheckStatus::Fail => "fail",
        CheckStatus::Error => "error",
        CheckStatus::Unknown => "unknown",
    }
}

fn write_diagnostic(problem: &Diagnostic, sources: &SourceMap) -> Json {
    let place = |span: Span| sources.get(span.source).map(|file| json!([&*file.name, span.start, span.end]));
    let related = problem.related.iter().filter_map(|(span, note)| Some(json!([place(*span)?, note])));
    let mut json = Map::new();
    let mut add = |name: &str, part: Option<Json>| json.extend(part.map(|part| (name.to_string(), part)));
    add("error", problem.is_error().then_some(true.into()));
    add("summary", Some(problem.summary.as_str().into()));
    add("detail", problem.detail.as_deref().map(Json::from));
    add("place", problem.span.and_then(place));
    add("label", problem.label.as_deref().map(Json::from));
    add("address", problem.address.as_ref().map(|a| a.to_string().into()));
    add("path", problem.path.as_ref().map(write_path));
    add("help", Some(problem.help.iter().map(String::as_str).collect()));
    add("related", Some(related.collect()));
    Json::Object(json)
}

fn read_diagnostic(json: &Json, sources: &SourceMap) -> Option<Diagnostic> {
    let string = |json: &Json| json.as_str().map(str::to_string);
    // A file that is not at hand is no place to point at.
    let place = |json: &Json| {
        let name = json.get(0)?.as_str()?;
        let source: SourceId = sources.iter().find(|(_, file)| *file.name == *name)?.0;
        Some(Span { source, start: index(json.get(1)?)?, end: index(json.get(2)?)? })
    };
    let related = |json: &Json| Some((place(json.get(0)?)?, json.get(1)?.as_str()?.to_string()));
    Some(Diagnostic {
        severity: if json.get("error").is_some() { Severity::Error } else { Severity::Warning },
        summary: text(json, "summary")?.to_string(),
        detail: maybe(json, "detail", string)?,
        span: json.get("place").and_then(place),
        label: maybe(json, "label", string)?,
        address: maybe(json, "address", address)?,
        path: maybe(json, "path", read_path)?,
        help: each(json, "help", string)?,
        related: json.get("related")?.as_array()?.iter().filter_map(related).collect(),
    })
}
