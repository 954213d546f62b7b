//! The JSON of plans and of the line stream, key by key as the established tools give them.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Address, Diagnostic, Fields, Marks, ModulePath, Path, SourceMap, Type, Value};
use crate::plan::{
    Action, Change, CheckKind, CheckResult, CheckStatus, Counts, OutputChange, Plan, ProviderName, Reason, ReplaceOrder,
};
use crate::render::outputs::OutputValue;
use crate::render::progress_text::Doing;

fn provider() -> ProviderName {
    let source = "terraform.io/builtin/terraform".into();
    ProviderName { name: "terraform".into(), source, alias: None, module: ModulePath::root(), key: None }
}

fn change(address: &str, action: Action, before: Value, after: Value) -> Change {
    Change {
        address: Address::parse(address).unwrap(),
        previous_address: None,
        deposed: None,
        provider: provider(),
        action,
        reason: None,
        before,
        after,
        importing: None,
    }
}

fn data(id: Value, input: Value) -> Value {
    Value::object([("id", id), ("input", input.clone()), ("output", input), ("triggers_replace", Value::NULL)])
}

fn sample() -> Plan {
    let unknown = || Value::unknown(Type::String);
    let old = data("abc".into(), "p".into());
    let replaced =
        Action::Replace { order: ReplaceOrder::CreateFirst, forced_by: vec![Path::attr("triggers_replace")] };
    Plan {
        changes: vec![
            change(
                "terraform_data.one[\"a\"]",
                Action::Create,
                Value::NULL,
                data(unknown(), Value::from("s").mark(Marks::SENSITIVE)),
            ),
            Change {
                reason: Some(Reason::ReplaceBecauseCannotUpdate),
                previous_address: Some(Address::parse("terraform_data.was").unwrap()),
                ..change("terraform_data.two[0]", replaced, old.clone(), data(unknown(), "q".into()))
            },
            Change {
                reason: Some(Reason::DeleteBecauseNoModule),
                ..change("module.m[\"u\"].terraform_data.gone", Action::Delete, old.clone(), Value::NULL)
            },
            Change {
                importing: Some(crate::plan::Importing {
                    id: "abc".into(),
                    remote_id: "abc".into(),
                    identity: None,
                    generated: None,
                }),
                ..change("module.m[\"u\"].module.n.terraform_data.imp", Action::NoOp, old.clone(), old)
            },
        ],
        outputs: vec![
            OutputChange {
                name: "k".into(),
                action: Action::Create,
                before: Value::NULL,
                after: "v".into(),
                sensitive: false,
            },
            OutputChange {
                name: "o".into(),
                action: Action::Update { changed: vec![] },
                before: 1.into(),
                after: unknown(),
                sensitive: true,
            },
        ],
        variables: Fields::new(vec![("a".into(), "x".into()), ("e".into(), Value::from("t").mark(Marks::EPHEMERAL))]),
        complete: true,
        checks: vec![
            CheckResult {
                name: "module.m[\"u\"].check.c".into(),
                kind: CheckKind::Check,
                status: CheckStatus::Fail,
                problems: vec!["oops".into()],
            },
            CheckResult {
                name: "terraform_data.two[0]".into(),
                kind: CheckKind::Resource,
                status: CheckStatus::Pass,
                problems: vec![],
            },
            CheckResult {
                name: "terraform_data.two[1]".into(),
                kind: CheckKind::Resource,
                status: CheckStatus::Unknown,
                problems: vec![],
            },
        ],
        ..Plan::default()
    }
}

#[test]
fn plans_have_the_established_keys() {
    let context = PlanContext { version: "1.11.4", timestamp: "2026-01-02T03:04:05Z", ..PlanContext::default() };
    let json = plan_json(&sample(), &context);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn conformance_entries_have_their_form() {
    let plan = sample();
    let entry = change_json(&plan.changes[1]);
    assert_eq!(
        entry,
        json!({
            "actions": ["create", "delete"], "address": "terraform_data.two[0]", "previous_address": "terraform_data.was",
            "after": {"input": "q", "output": "q", "triggers_replace": null}, "after_unknown": {"id": true},
            "before": {"id": "abc", "input": "p", "output": "p", "triggers_replace": null},
            "reason": "replace_because_cannot_update", "replace_paths": [["triggers_replace"]],
        })
    );
    let created = change_json(&plan.changes[0]);
    assert_eq!(
        (&created["reason"], &created["replace_paths"], &created["before"]),
        (&Json::Null, &Json::Null, &Json::Null)
    );
}

#[test]
fn states_group_their_objects_by_module() {
    let object = |address: &str| StateObject {
        address: Address::parse(address).unwrap(),
        deposed: None,
        provider: provider(),
        schema_version: 0,
        object: data("x".into(), Value::from("s").mark(Marks::SENSITIVE)),
        depends_on: vec!["terraform_data.two".into()],
        tainted: address.contains("two"),
    };
    let outputs = [OutputValue { name: "k".into(), value: "v".into(), sensitive: false }];
    let all = ["terraform_data.two[0]", "module.m[\"u\"].terraform_data.in"].map(object);
    insta::assert_snapshot!(serde_json::to_string_pretty(&state_json(all, &outputs, "1.11.4")).unwrap());
    assert_eq!(state_json([], &[], "1.11.4"), json!({"format_version": "1.0"}));
}

#[test]
fn stream_lines_have_message_type_and_resource() {
    let plan = sample();
    let address = Address::parse("module.m[\"u\"].terraform_data.in[0]").unwrap();
    let hook = |id| Hook { address: &address, doing: Doing::Create, id };
    let seconds = std::time::Duration::from_secs;
    let sources = SourceMap::default();
    let outputs = [
        StreamOutput { name: "k".into(), value: "v".into(), sensitive: false },
        StreamOutput { name: "s".into(), value: Value::from("hunter").mark(Marks::SENSITIVE), sensitive: true },
    ];
    let counts = Counts { add: 1, import: 2, ..Counts::default() };
    let events = [
        Event::Version { terraform: "1.11.4", version: "0.1.0" },
        Event::PlannedChange(&plan.changes[1]),
        Event::PlannedChange(&plan.changes[3]),
        Event::PlanSummary(&counts),
        Event::PlannedOutputs(&plan),
        Event::RefreshStart(hook(Some("x"))),
        Event::RefreshComplete(hook(Some("x"))),
        Event::ApplyStart(hook(None)),
        Event::ApplyProgress(hook(None), seconds(70), Some("waiting for \"available\"")),
        Event::ApplyComplete(hook(Some("x")), seconds(2)),
        Event::ApplyComplete(Hook { doing: Doing::Delete, ..hook(Some("x")) }, seconds(2)),
        Event::ApplyErrored(hook(None), seconds(2)),
        Event::ApplySummary(&counts),
        Event::Outputs(&outputs),
        Event::Diagnostic(&Diagnostic::warning("careful"), &sources),
    ];
    let lines: Vec<String> = events.iter().map(|e| stream_line(e, "T")).collect();
    let text = lines.join("\n");
    assert!(!text.contains("hunter"));
    insta::assert_snapshot!(text);
}
