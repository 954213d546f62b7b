//! Plans built in code and how they read, at 80 columns and without colour.

use super::*;
use crate::model::{Attribute, Block, Fields, ModulePath, NestedBlock, Nesting, Path, PathStep, Str, Type};
use crate::plan::{Drift, ProviderName, Reason, ReplaceOrder};
use insta::assert_snapshot;

fn provider() -> ProviderName {
    ProviderName {
        name: "aws".into(),
        source: "hashicorp/aws".into(),
        alias: None,
        module: ModulePath::root(),
        key: None,
    }
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

fn update(address: &str, before: Value, after: Value) -> Change {
    change(address, Action::Update { changed: vec![] }, before, after)
}

fn create(address: &str, after: Value) -> Change {
    change(address, Action::Create, Value::NULL, after)
}

fn delete(address: &str, before: Value, reason: Reason) -> Change {
    Change { reason: Some(reason), ..change(address, Action::Delete, before, Value::NULL) }
}

fn replace(address: &str, before: Value, after: Value, forced_by: Vec<Path>) -> Change {
    let action = Action::Replace { order: ReplaceOrder::DeleteFirst, forced_by };
    Change { reason: Some(Reason::ReplaceBecauseCannotUpdate), ..change(address, action, before, after) }
}

fn object(entries: &[(&str, Value)]) -> Value {
    Value::object(entries.iter().map(|(n, v)| (*n, v.clone())))
}

fn strings(items: &[&str]) -> Value {
    Value::list(Type::String, items.iter().map(|s| (*s).into()).collect())
}

fn string_set(items: &[&str]) -> Value {
    crate::model::set::set(Type::String, items.iter().map(|s| (*s).into()).collect())
}

fn map(entries: &[(&str, &str)]) -> Value {
    Value::map(Type::String, entries.iter().map(|(k, v)| (Str::from(*k), Value::from(*v))))
}

fn secret(value: impl Into<Value>) -> Value {
    value.into().mark(Marks::SENSITIVE)
}

fn unknown() -> Value {
    Value::unknown(Type::String)
}

fn plan(changes: Vec<Change>) -> Plan {
    Plan { changes, complete: true, ..Plan::default() }
}

fn text(plan: &Plan) -> String {
    plan_text(plan, &PlanView::default())
}

fn output(name: &str, action: Action, before: Value, after: Value, sensitive: bool) -> OutputChange {
    OutputChange { name: name.into(), action, before, after, sensitive }
}

fn attribute(name: &str, ty: Type) -> Attribute {
    Attribute {
        name: name.into(),
        ty,
        doc: "".into(),
        required: false,
        optional: true,
        computed: true,
        always_set: false,
        sensitive: name.contains("password"),
        repeats: None,
        write_only: name.ends_with("_wo"),
        replaces: false,
        default: None,
        equality: Default::default(),
        one_of: vec![],
        conflicts_with: vec![],
        deprecated: None,
    }
}

#[test]
fn every_action_says_what_happens_and_why() {
    let vpc = |cidr: &str| {
        object(&[
            ("cidr_block", cidr.into()),
            ("id", "vpc-1".into()),
            ("tags", map(&[("Name", "main"), ("team", "net")])),
        ])
    };
    let subnet = object(&[("cidr_block", "10.0.1.0/24".into()), ("id", "subnet-1".into()), ("vpc_id", "vpc-1".into())]);
    let moved = Change {
        previous_address: Some(Address::parse("aws_subnet.old").unwrap()),
        ..change("aws_subnet.new", Action::NoOp, subnet.clone(), subnet.clone())
    };
    let imported = Change {
        importing: Some(crate::plan::Importing {
            id: "subnet-7".into(),
            remote_id: "subnet-7".into(),
            identity: None,
            generated: None,
        }),
        ..change("aws_subnet.seven", Action::NoOp, subnet.clone(), subnet.clone())
    };
    let deposed = Change {
        deposed: Some("00ab12cd".into()),
        ..change("aws_subnet.public[\"a\"]", Action::Delete, subnet.clone(), Value::NULL)
    };
    let read = Change {
        reason: Some(Reason::ReadBecauseConfigUnknown),
        ..change("data.aws_ami.here", Action::Read, Value::NULL, object(&[("id", unknown()), ("owner", "self".into())]))
    };
    let tainted = Change {
        action: Action::Replace { order: ReplaceOrder::CreateFirst, forced_by: vec![] },
        reason: Some(Reason::ReplaceBecauseTainted),
        ..update(
            "aws_subnet.tainted",
            subnet.clone(),
            object(&[("cidr_block", "10.0.1.0/24".into()), ("id", unknown()), ("vpc_id", "vpc-1".into())]),
        )
    };
    let changes = vec![
        read,
        create(
            "aws_subnet.public[\"b\"]",
            object(&[("cidr_block", "10.0.2.0/24".into()), ("id", unknown()), ("none", Value::Null(Type::String))]),
        ),
        deposed,
        imported,
        moved,
        tainted,
        change("aws_subnet.kept", Action::NoOp, subnet.clone(), subnet.clone()),
        delete("aws_subnet.third[2]", subnet.clone(), Reason::DeleteBecauseCountIndex),
        delete("module.net[\"eu\"].aws_subnet.gone", subnet.clone(), Reason::DeleteBecauseNoResourceConfig),
        Change {
            reason: Some(Reason::DeleteBecauseNoResourceConfig),
            ..change("aws_subnet.forgotten", Action::Forget, subnet.clone(), Value::NULL)
        },
        update(
            "aws_vpc.dns",
            vpc("10.0.0.0/16"),
            object(&[
                ("cidr_block", "10.0.0.0/16".into()),
                ("dns", true.into()),
                ("id", "vpc-1".into()),
                ("tags", map(&[("Name", "main"), ("team", "net")])),
            ]),
        ),
        replace(
            "aws_vpc.main",
            vpc("10.0.0.0/16"),
            object(&[
                ("cidr_block", "10.9.0.0/16".into()),
                ("id", unknown()),
                ("tags", map(&[("Name", "main"), ("team", "core")])),
            ]),
            vec![Path::attr("cidr_block")],
        ),
    ];
    assert_snapshot!(text(&plan(changes)));
}

#[test]
fn inside_values_only_what_changes_shows() {
    let policy = |action: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#)
    };
    let before = object(&[
        ("id", "i-1".into()),
        ("azs", strings(&["a", "b", "c", "d", "e", "f", "g"])),
        ("groups", string_set(&["sg-1", "sg-2", "sg-3"])),
        (
            "nested",
            object(&[
                ("a", Value::int(1)),
                ("b", object(&[("deep", "x".into()), ("same", true.into())])),
                ("name", "n".into()),
            ]),
        ),
        ("policy", policy("s3:GetObject").as_str().into()),
        ("same_but_spaces", "{\"a\":1}".into()),
        (
            "script",
            "#!/bin/sh\nset -e\necho one\necho two\necho three\necho four\necho five\necho six\nexit 0\n".into(),
        ),
        ("size", "small".into()),
        ("tags", map(&[("Name", "web"), ("env", "dev"), ("old", "x")])),
        ("unchanged", "u".into()),
        ("gone", "g".into()),
        ("shape", strings(&["x"])),
    ]);
    let after = object(&[
        ("id", "i-1".into()),
        ("azs", strings(&["a", "b", "c", "D", "e", "f", "g", "h"])),
        ("groups", string_set(&["sg-1", "sg-3", "sg-4"])),
        (
            "nested",
            object(&[
                ("a", Value::int(2)),
                ("b", object(&[("deep", "y".into()), ("same", true.into())])),
                ("name", "n".into()),
            ]),
        ),
        ("policy", policy("s3:*").as_str().into()),
        ("same_but_spaces", "{ \"a\": 1 }".into()),
        ("script", "#!/bin/sh\nset -e\necho one\necho two\necho three\necho four\necho five\necho 6\nexit 0\n".into()),
        ("size", "large".into()),
        ("tags", map(&[("Name", "web"), ("env", "prod"), ("new", "y")])),
        ("unchanged", "u".into()),
        ("shape", Value::unknown(Type::list(Type::String))),
    ]);
    assert_snapshot!(text(&plan(vec![update("aws_instance.web", before, after)])));
}

#[test]
fn secrets_are_hidden_at_every_depth() {
    let object_of = |password: &str, deep: &str| {
        object(&[
            ("id", "db-1".into()),
            ("json", secret(format!("{{\"password\":\"{password}\"}}").as_str())),
            ("list", Value::tuple(vec![Value::int(1), secret(deep), "seen".into()])),
            (
                "map",
                object(&[(
                    "inner",
                    object(&[("key", secret(deep)), ("size", password.len().to_string().as_str().into())]),
                )]),
            ),
            ("password", password.into()),
            ("set", crate::model::set::set(Type::String, vec![secret(deep), "b".into()])),
            ("text", secret(format!("{deep}\n{deep}\n").as_str())),
        ])
    };
    let (old, new) = (object_of("hunter-one", "deep-secret-1"), object_of("hunter-two!", "deep-secret-2"));
    let newly = object(&[("id", "x".into()), ("token", secret("hunter-token"))]);
    let schema = Schema {
        version: 0,
        block: Block { attributes: vec![attribute("password", Type::String)], ..Block::default() },
    };
    let mut plan = plan(vec![
        create("aws_db.new", new.clone()),
        update("aws_db.changed", old.clone(), new.clone()),
        delete("aws_db.gone[\"x\"]", old.clone(), Reason::DeleteBecauseEachKey),
        update("aws_db.whole", secret(old.clone()), secret(new.clone())),
        update("aws_db.marked", object(&[("id", "x".into()), ("token", "hunter-token".into())]), newly),
    ]);
    plan.drift.push(Drift {
        address: Address::parse("aws_db.changed").unwrap(),
        previous_address: None,
        deposed: None,
        provider: provider(),
        before: new.clone(),
        after: old.clone(),
        may_be_own: false,
    });
    plan.outputs.push(output("o", Action::Update { changed: vec![] }, "hunter-o1".into(), "hunter-o2".into(), true));
    plan.outputs.push(output("p", Action::Create, Value::NULL, object(&[("k", secret("hunter-p"))]), false));
    let find = |_: &Address| Some(&schema);
    let shown = plan_text(&plan, &PlanView { schemas: Some(&find), ..PlanView::default() });
    assert!(!shown.contains("hunter") && !shown.contains("deep-secret"), "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn nested_blocks_read_as_blocks_with_their_schema() {
    let rule_block = Block {
        attributes: vec![attribute("port", Type::Number), attribute("cidrs", Type::list(Type::String))],
        ..Block::default()
    };
    let nested = |name: &str, nesting| NestedBlock {
        name: name.into(),
        nesting,
        block: rule_block.clone(),
        min: 0,
        max: 0,
        computed: false,
        replaces: false,
    };
    let schema = Schema {
        version: 0,
        block: Block {
            attributes: vec![
                attribute("id", Type::String),
                attribute("secret_wo", Type::String),
                attribute("master_password", Type::String),
            ],
            blocks: vec![
                nested("egress", Nesting::Set),
                nested("ingress", Nesting::List),
                nested("named", Nesting::Map),
                nested("timeouts", Nesting::Single),
            ],
            ..Block::default()
        },
    };
    let rule = |port: i64, cidrs: &[&str]| object(&[("port", Value::int(port)), ("cidrs", strings(cidrs))]);
    let ty = rule_block.ty();
    let group = |ingress: Vec<Value>, egress: Vec<Value>, named: &[(&str, Value)], timeouts: Value, id: Value| {
        object(&[
            ("id", id),
            ("secret_wo", Value::Null(Type::String).mark(Marks::EPHEMERAL)),
            ("master_password", "never-shown".into()),
            ("ingress", Value::list(ty.clone(), ingress)),
            ("egress", crate::model::set::set(ty.clone(), egress)),
            ("named", Value::map(ty.clone(), named.iter().map(|(n, v)| (Str::from(*n), v.clone())))),
            ("timeouts", timeouts),
        ])
    };
    let none = || Value::Null(ty.clone());
    let before = group(
        vec![rule(80, &["10.0.0.0/8"]), rule(22, &[])],
        vec![rule(1, &[]), rule(2, &[])],
        &[("x", rule(5, &[]))],
        none(),
        "sg-1".into(),
    );
    let after = group(
        vec![rule(80, &["10.0.0.0/8", "11.0.0.0/8"]), rule(22, &[])],
        vec![rule(2, &[]), rule(3, &[])],
        &[("x", rule(6, &[])), ("y", rule(7, &[]))],
        rule(9, &[]),
        "sg-1".into(),
    );
    let new = group(vec![rule(80, &["10.0.0.0/8"])], vec![], &[], none(), unknown());
    let mut later = new.clone();
    if let Value::Object(fields) = &new {
        let mut fields: Fields = (**fields).clone();
        fields.set("egress".into(), Value::unknown(Type::set(ty.clone())));
        later = Value::fields(fields);
    }
    let forced = vec![Path(vec![PathStep::Attr("ingress".into()), PathStep::Index(0), PathStep::Attr("port".into())])];
    let plan = plan(vec![
        create("aws_sg.new", new),
        create("aws_sg.later", later),
        update("aws_sg.web", before.clone(), after.clone()),
        replace(
            "aws_sg.forced",
            before.clone(),
            group(
                vec![rule(81, &["10.0.0.0/8"]), rule(22, &[])],
                vec![rule(1, &[]), rule(2, &[])],
                &[("x", rule(5, &[]))],
                none(),
                unknown(),
            ),
            forced,
        ),
        delete("module.old[0].aws_sg.old", before, Reason::DeleteBecauseNoModule),
    ]);
    let find = |_: &Address| Some(&schema);
    let shown = plan_text(&plan, &PlanView { schemas: Some(&find), ..PlanView::default() });
    assert!(!shown.contains("never-shown"), "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn what_is_left_to_the_provider_is_counted() {
    let after = object(&[
        ("arn", unknown()),
        ("endpoint", unknown()),
        ("engine", Value::from("postgres")),
        ("password", unknown().mark(Marks::SENSITIVE)),
        ("vpc_id", unknown()),
    ]);
    let written = |_: &Address, name: &str| match name {
        "engine" => Some("\"postgres\"".to_string()),
        "password" => Some("part-of-it-${random_id.main.hex}".to_string()),
        "vpc_id" => Some("aws_vpc.main.id".to_string()),
        _ => None,
    };
    let view = PlanView { written: Some(&written), ..PlanView::default() };
    assert_snapshot!(change_text(&create("aws_db_instance.main", after), &view), @r#"
    # aws_db_instance.main will be created
    + resource "aws_db_instance" "main" {
        + engine   = "postgres"
        + password = (sensitive value)
        + vpc_id   = (known after apply) # aws_vpc.main.id
          # (2 more attributes known after apply)
      }
    "#);
}

#[test]
fn drift_outputs_and_long_values_have_their_places() {
    let mut plan = plan(vec![update(
        "aws_lb.web",
        object(&[(
            "arn",
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188".into(),
        )]),
        object(&[(
            "arn",
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/ffffffffffffffff".into(),
        )]),
    )]);
    let drifted = |address: &str, before, after| Drift {
        address: Address::parse(address).unwrap(),
        previous_address: None,
        deposed: None,
        provider: provider(),
        before,
        after,
        may_be_own: false,
    };
    plan.drift.push(drifted(
        "aws_vpc.main",
        object(&[("id", "vpc-1".into()), ("dns", true.into()), ("x", "y".into())]),
        object(&[("id", "vpc-1".into()), ("dns", false.into()), ("x", "y".into())]),
    ));
    plan.drift.push(drifted("aws_vpc.gone", object(&[("id", "vpc-2".into())]), Value::NULL));
    plan.outputs = vec![
        output("added", Action::Create, Value::NULL, object(&[("a", unknown()), ("b", Value::tuple(vec![]))]), false),
        output("changed", Action::Update { changed: vec![] }, "one".into(), unknown(), false),
        output("gone", Action::Delete, strings(&["x"]), Value::NULL, false),
        output("kept", Action::NoOp, "k".into(), "k".into(), false),
        output("lines", Action::Create, Value::NULL, "a\n\nb\n".into(), false),
        output("secret", Action::Create, Value::NULL, "s".into(), true),
    ];
    plan.complete = false;
    let shown = text(&plan);
    assert_snapshot!(shown);
    for line in shown.lines().filter(|l| !l.contains("arn:")) {
        assert!(quote::width(line) <= 80, "{line}");
    }
}

#[test]
fn nothing_to_do_is_said_plainly() {
    assert_snapshot!(text(&plan(vec![])), @r"
    No changes. Your infrastructure matches the configuration.

    Terrane has compared the real objects with the configuration and found no
    differences.
    ");
    let only_outputs =
        Plan { outputs: vec![output("o", Action::Create, Value::NULL, 1.into(), false)], ..plan(vec![]) };
    assert_snapshot!(text(&only_outputs), @r"
    Changes to Outputs:
      + o = 1

    Applying this plan saves the new output values in the state and changes no
    object.
    ");
    let destroy = Plan { mode: PlanMode::Destroy, ..plan(vec![]) };
    assert_eq!(text(&destroy), "No changes. No objects need to be destroyed.\n");
}

#[test]
fn many_losses_are_counted_and_warnings_end_the_plan() {
    let gone =
        |i: usize| delete(&format!("aws_eip.x[{i}]"), object(&[("id", "e".into())]), Reason::DeleteBecauseCountIndex);
    let mut plan = plan((0..25).map(gone).collect());
    plan.diagnostics.push(crate::model::Diagnostic::warning("only parts are planned, by -target"));
    let sources = SourceMap::default();
    let shown = plan_text(&plan, &PlanView { sources: Some(&sources), ..PlanView::default() });
    let top: Vec<&str> = shown.lines().take(13).collect();
    assert_eq!((top[0], top[2], top[12]), ("Will be destroyed:", "  - aws_eip.x[0]", "    and 15 more"));
    assert!(
        shown.ends_with("Plan: 0 to add, 0 to change, 25 to destroy.\n\nWarning: only parts are planned, by -target\n"),
        "{shown}"
    );
}

#[test]
fn colour_only_repeats_what_the_text_says() {
    let plan = plan(vec![
        create("aws_vpc.a", object(&[("cidr", "10.0.0.0/8".into())])),
        delete("aws_vpc.b[\"k\"]", object(&[("cidr", "10.0.0.0/8".into())]), Reason::DeleteBecauseEachKey),
    ]);
    let colored = plan_text(&plan, &PlanView { style: Style::colored(80), ..PlanView::default() });
    assert!(colored.contains("\u{1b}[32m  +\u{1b}[0m"), "{colored:?}");
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_eq!(codes.replace_all(&colored, ""), text(&plan));
}

#[test]
fn long_lists_fold_and_forced_elements_are_marked() {
    let list = |skip: i64| Value::tuple((0..5000).filter(|i| *i != skip).map(Value::from).collect());
    let change = replace(
        "a.b",
        object(&[("l", list(17)), ("id", "1".into())]),
        object(&[("l", list(4000)), ("id", unknown())]),
        vec![Path::attr("l")],
    );
    assert_snapshot!(change_text(&change, &PlanView::default()));
}

/// What stays costs nothing to show. The bounds on time are wide: only a cost that is not linear breaks them.
#[test]
fn large_plans_cost_what_their_changes_cost() {
    let vpc =
        object(&[("cidr", "10.0.0.0/8".into()), ("id", "vpc".into()), ("tags", map(&[("Name", "n"), ("a", "b")]))]);
    let noops = |n: usize| {
        plan((0..n).map(|i| change(&format!("aws_vpc.x[{i}]"), Action::NoOp, vpc.clone(), vpc.clone())).collect())
    };
    let creates = |n: usize| plan((0..n).map(|i| create(&format!("aws_vpc.x[{i}]"), vpc.clone())).collect());
    let time = |plan: &Plan| {
        let start = std::time::Instant::now();
        let shown = text(plan);
        (start.elapsed(), shown.len())
    };
    let (noop_time, noop_size) = time(&noops(10_000));
    assert!(noop_size < 200 && noop_time.as_secs() < 5, "{noop_time:?}");
    let (create_time, create_size) = time(&creates(10_000));
    assert!(create_size > 1_000_000 && create_time.as_secs() < 10, "{create_time:?}");
}
