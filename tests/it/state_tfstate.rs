//! States exchanged with Terraform: what it wrote comes back byte for byte, what we write it can read.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use terrane::model::{Marks, ResourceAddress, Type, Value, set};
use terrane::state::tfstate::{TfstateError, export, import};
use terrane::state::{Change, Output, Snapshot, Store};

use crate::state_rows::{data_row, data_type, open, varied_rows};

const WRITTEN_BY_TERRAFORM: &str = include_str!("state_terraform_1_11.json");

#[test]
fn a_state_of_terraform_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let imported = import(WRITTEN_BY_TERRAFORM).unwrap();
    let store = open(&folder.path().join("state.db"));
    store.commit(vec![Change::Replace(Arc::new(imported))]).wait().unwrap();
    assert_eq!(export(&store.snapshot().wait().unwrap()), WRITTEN_BY_TERRAFORM);
}

/// Terraform 1.12 and later.
#[test]
fn identities_are_kept_for_terraform() {
    let mut written: serde_json::Value = serde_json::from_str(WRITTEN_BY_TERRAFORM).unwrap();
    let instances = written["resources"].as_array_mut().unwrap().iter_mut();
    let instances = instances.flat_map(|resource| resource["instances"].as_array_mut().unwrap());
    for (n, instance) in instances.enumerate() {
        instance["identity_schema_version"] = n.into();
        instance["identity"] = serde_json::json!({"id": format!("i-{n}"), "n": n});
        if n % 2 == 0 {
            instance["private"] = "eyJhIjoxfQ==".into();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("state.db"));
    store.commit(vec![Change::Replace(Arc::new(import(&written.to_string()).unwrap()))]).wait().unwrap();
    let state = store.snapshot().wait().unwrap();
    let text = export(&state);
    let again: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(again, written);
    assert!(text.contains("\"identity_schema_version\": 1,\n          \"identity\": {\n"), "{text}");
    let privates: Vec<_> = state.rows().iter().map(|row| row.private()).collect();
    assert!(privates.contains(&None) && privates.contains(&Some(serde_json::json!({"a": 1}))), "a driver sees its own");
    assert!(privates.iter().flatten().all(|private| *private == serde_json::json!({"a": 1})), "{privates:?}");
}

#[test]
fn values_of_a_state_of_terraform_have_their_types() {
    let state = import(WRITTEN_BY_TERRAFORM).unwrap();
    let row = &state.rows().iter().find(|r| r.address.to_string() == "terraform_data.a[0]").unwrap();
    let input = row.decode_marked(&data_type()).unwrap().attr("input").unwrap();
    let strings = |items: [&str; 2]| items.iter().map(|s| Value::string(*s)).collect();
    assert_eq!(input.attr("x").unwrap(), set::set(Type::String, strings(["a", "b"])));
    assert!(input.attr("s").unwrap().all_marks().contains(Marks::SENSITIVE));
    assert_eq!(row.remote_id.as_deref(), Some("8c6ad517-c039-944c-645b-569d06cf04eb"));
    assert_eq!(state.outputs["p"].value.attr("b").unwrap().ty(), Type::set(Type::Number));
    // Encoding what was decoded gives what Terraform wrote.
    for row in state.rows().iter().filter(|r| r.address.resource.ty.as_ref() == "terraform_data") {
        let object = row.decode_marked(&data_type()).unwrap();
        let again = (**row).clone().with_object(&object, &data_type());
        assert_eq!((&again.attributes, &again.sensitive), (&row.attributes, &row.sensitive));
    }
}

fn ours() -> Snapshot {
    let mut state = Snapshot::empty("3f0ba0a5-7d08-4a3c-9d7c-5f6a5a0e4b3a");
    state.serial = 7;
    let outputs = [("o", Value::string("x")), ("nothing", Value::Null(Type::String))];
    state.outputs = outputs.map(|(name, value)| (name.into(), Output::new(value, name == "o"))).into();
    state.with_rows(varied_rows().into_iter().map(Arc::new).collect())
}

#[test]
fn what_is_exported_imports_the_same() {
    assert_eq!(import(&export(&ours())).unwrap(), ours());
    assert_eq!(export(&ours()), export(&import(&export(&ours())).unwrap()));
    insta::assert_snapshot!(export(&ours()));
}

fn terraform(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("terraform");
    command.current_dir(folder).args(arguments).env("TF_CLI_CONFIG_FILE", "/dev/null").env("CHECKPOINT_DISABLE", "1");
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

/// Runs where `terraform` is on the path.
#[test]
fn terraform_reads_what_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("terraform.tfstate"), export(&ours())).unwrap();
    let Some(listed) = terraform(folder.path(), &["state", "list"]) else { return };
    assert_eq!(
        listed.lines().collect::<Vec<_>>(),
        [
            "terraform_data.counted[0]",
            "terraform_data.counted[2]",
            "terraform_data.counted[10]",
            "terraform_data.plain",
            "module.m[\"a.b\"].terraform_data.in[\"k\"]",
            "module.m[\"a.b\"].terraform_data.in[\"l\\\"q\"]",
        ]
    );
    let shown = terraform(folder.path(), &["show", "-no-color", "terraform.tfstate"]).unwrap();
    assert!(shown.contains("# terraform_data.plain: (deposed object 00ab12cd)"), "{shown}");
    assert!(shown.contains("# module.m[\"a.b\"].terraform_data.in[\"k\"]: (tainted)"), "{shown}");
    // Terraform writes the state that it pulls anew: in its own spelling it is the same.
    assert_eq!(terraform(folder.path(), &["state", "pull"]).unwrap().trim_end(), export(&ours()).trim_end());
}

#[test]
fn texts_that_are_no_states_are_told_apart() {
    let whole = export(&ours());
    assert_eq!(import(" \n").unwrap_err(), TfstateError::Empty);
    assert!(matches!(import(&whole[..whole.len() / 2]).unwrap_err(), TfstateError::Truncated { line } if line > 10));
    assert_eq!(import("resource \"a\" \"b\" {}").unwrap_err(), TfstateError::NotJson { line: 1, column: 1 });
    assert_eq!(import("[1]").unwrap_err(), TfstateError::NotState);
    assert_eq!(import("{\"format_version\":\"1.0\"}").unwrap_err(), TfstateError::NotState);
    assert_eq!(import("{\"version\":3,\"modules\":[]}").unwrap_err(), TfstateError::TooOld(3));
    assert_eq!(import("{\"version\":5}").unwrap_err(), TfstateError::TooNew(5));
    for (field, place) in [("serial", "the top level"), ("lineage", "the top level"), ("resources", "the top level")] {
        let mut json: serde_json::Value = serde_json::from_str(&whole).unwrap();
        json.as_object_mut().unwrap().remove(field);
        let error = import(&json.to_string()).unwrap_err();
        assert_eq!(error.to_string(), format!("{place} of the state has no \"{field}\""));
    }
    for field in ["mode", "type", "name", "provider", "instances"] {
        let mut json: serde_json::Value = serde_json::from_str(&whole).unwrap();
        json["resources"][1].as_object_mut().unwrap().remove(field);
        let error = import(&json.to_string()).unwrap_err();
        assert_eq!(error.to_string(), format!("resource 2 of the state has no \"{field}\""));
    }
}

#[test]
fn what_a_state_cannot_say_is_told_with_its_place() {
    let with = |resource: &str, instance: &str| {
        let text = format!(
            r#"{{"version":4,"serial":1,"lineage":"x","resources":[{{"mode":"managed","type":"a","name":"b",
            "provider":"provider[\"p/q/r\"]"{resource},"instances":[{{"attributes":{{}}{instance}}}]}}]}}"#
        );
        import(&text).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(with("", ""), Ok(()));
    let wrong = |resource: &str, instance: &str, message: &str| {
        assert_eq!(with(resource, instance).unwrap_err(), message);
    };
    wrong("", r#","index_key":1.5"#, "the resource \"a.b\" of the state: an index_key is neither a text nor a number");
    wrong(
        "",
        r#","index_key":1,"status":"odd""#,
        "the instance \"a.b[1]\" of the state: its status \"odd\" is not known",
    );
    wrong("", r#","private":"!""#, "the instance \"a.b\" of the state: its \"private\" is not base64");
    wrong("", r#"},{"attributes":{}"#, "the instance \"a.b\" of the state: it stands there twice");
    assert!(with(r#","module":"net""#, "").unwrap_err().contains("\"net\" is not an address"));
    assert!(with("", r#","dependencies":["?"]"#).unwrap_err().contains("\"?\" is not an address"));
    assert!(with("", r#","schema_version":"x""#).unwrap_err().starts_with("line 2"));
}

#[test]
fn dependencies_are_exported_as_terraform_knows_them() {
    let keyed = |key: &str| ResourceAddress::parse(&format!("module.m[\"{key}\"].a.b")).unwrap();
    let row = data_row("a.c", Value::TRUE).with_dependencies([keyed("x"), keyed("y")]);
    let text = export(&Snapshot::empty("x").with_rows(vec![Arc::new(row)]));
    assert!(text.contains("\"dependencies\": [\n            \"module.m.a.b\"\n          ]"), "{text}");
    let meant = &import(&text).unwrap().rows()[0].dependencies[0].clone();
    let rows = ["module.m[\"x\"].a.b", "module.m[\"y\"].a.b[0]", "module.n.a.b", "a.b"]
        .map(|a| Arc::new(data_row(a, Value::TRUE)));
    let state = Snapshot::empty("x").with_rows(rows.to_vec());
    let found = |meant: &ResourceAddress| state.dependency(meant).map(|(a, _)| a.clone()).collect::<Vec<_>>();
    assert_eq!(found(meant), [keyed("x"), keyed("y")]);
    assert_eq!(found(&keyed("y")), [keyed("y")]);
}

#[test]
fn private_bytes_come_back_the_same() {
    for private in ["eyJhIjogMX0=", "bm90IGpzb24=", "/w==", "InRleHQi"] {
        let text = format!(
            r#"{{"version":4,"serial":1,"lineage":"x","resources":[{{"mode":"managed","type":"a","name":"b",
            "provider":"provider[\"p/q/r\"]","instances":[{{"attributes":{{}},"private":"{private}"}}]}}]}}"#
        );
        let again = export(&import(&text).unwrap());
        assert!(again.contains(&format!("\"private\": \"{private}\"")), "{again}");
    }
}
