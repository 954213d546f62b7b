//! Encryption at rest: what stands in the files, which key opens them, how keys change, and that nothing is lost.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use terrane::model::Value;
use terrane::state::seal::{Encryption, Method, RawKey};
use terrane::state::{
    Change, Intent, IntentOperation, Output, SqliteStore, StateError, Store, Surroundings, read_snapshot,
    read_snapshot_with,
};

use super::support::cli::Stack;
use crate::state_rows::{builtin, data_row, put, varied_rows};

const CANARY: &str = "canary-7f3c";

fn key(byte: u8) -> Method {
    Method::Sealed(Arc::new(RawKey::parse(format!("key {byte}"), &[byte; 32]).unwrap()))
}

fn sealed(byte: u8) -> Encryption {
    Encryption { method: key(byte), ..Encryption::default() }
}

fn open(path: &Path, encryption: &Encryption) -> SqliteStore {
    let around = Surroundings { encryption: encryption.clone(), ..Surroundings::default() };
    SqliteStore::open(path, around).unwrap()
}

fn secret_row(address: &str) -> terrane::state::StoredInstance {
    let row = data_row(address, Value::string(CANARY)).with_private(Some(&serde_json::json!({ "p": CANARY })));
    terrane::state::StoredInstance { remote_id: Some(CANARY.into()), ..row }
}

/// Everything that a state can hold, each with the canary in it.
fn fill(store: &SqliteStore) {
    let output = Output::new(Value::string(CANARY), true);
    let intent = Intent {
        key: "k".into(),
        plan: "p".into(),
        address: terrane::model::Address::parse("terraform_data.i").unwrap(),
        deposed: None,
        operation: IntentOperation::Update,
        provider: builtin(),
        remote_id: Some(CANARY.into()),
        desired: Some(format!("{{\"x\":\"{CANARY}\"}}").into()),
        began: time::OffsetDateTime::UNIX_EPOCH,
    };
    let run = terrane::state::Run {
        sources: vec![("main.tf".to_string(), format!("# {CANARY}").into())],
        inputs: serde_json::json!({ "v": CANARY }),
    };
    let first = vec![
        Change::Describe(Arc::new(run)),
        put(secret_row("terraform_data.a")),
        put(secret_row("terraform_data.b[0]")),
        Change::Outputs([("o".into(), output)].into()),
        Change::CheckResults(Some(format!("[\"{CANARY}\"]").into())),
        Change::Begin(intent),
    ];
    store.commit(first).wait().unwrap();
    store.commit(vec![Change::BumpSerial, put(data_row("terraform_data.a", Value::TRUE))]).wait().unwrap();
    let changed = Output::new(Value::TRUE, false);
    store.commit(vec![Change::Output("o".into(), Some(changed))]).wait().unwrap();
}

/// The files of a folder that hold the canary in clear, or in a form that is as good.
fn leaks(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(leaks(&path)),
            false if fs::read(&path).unwrap().windows(CANARY.len()).any(|w| w == CANARY.as_bytes()) => {
                found.push(path.display().to_string());
            }
            false => (),
        }
    }
    found
}

#[test]
fn nothing_but_names_stands_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = open(&path, &sealed(1));
    fill(&store);
    assert_eq!(leaks(folder.path()), Vec::<String>::new(), "neither in the file nor in its log");
    let before = store.snapshot().wait().unwrap();
    let past = store.past(1).wait().unwrap().unwrap();
    assert_eq!(past.run.unwrap().inputs["v"], CANARY);
    assert_eq!(&*past.snapshot.outputs["o"].value.as_str().unwrap().clone(), CANARY);
    let intents = store.open_intents().wait().unwrap();
    assert_eq!(intents[0].remote_id.as_deref(), Some(CANARY));
    drop(store);
    assert_eq!(leaks(folder.path()), Vec::<String>::new());
    assert_eq!(read_snapshot_with(&path, &sealed(1)).unwrap(), Some(before));
    let addresses: Vec<String> = {
        let conn = Connection::open(&path).unwrap();
        let mut statement = conn.prepare("SELECT address FROM resources ORDER BY address").unwrap();
        statement.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(addresses, ["terraform_data.a", "terraform_data.b"], "rows are found without the key");
}

#[test]
fn a_wrong_key_or_none_is_told_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    fill(&open(&path, &sealed(1)));
    let expected = read_snapshot_with(&path, &sealed(1)).unwrap();
    let none = read_snapshot(&path).unwrap_err();
    assert!(matches!(none, StateError::NoKey { .. }), "{none}");
    let wrong = read_snapshot_with(&path, &sealed(2)).unwrap_err();
    assert!(wrong.to_string().contains("is encrypted with the key key 1, which key 2 does not open"), "{wrong}");
    for encryption in [Encryption::default(), sealed(2)] {
        let store = open(&path, &encryption);
        let refused = store.commit(vec![put(data_row("terraform_data.x", Value::TRUE))]).wait().unwrap_err();
        assert!(matches!(refused, StateError::NoKey { .. } | StateError::WrongKey { .. }), "{refused}");
    }
    assert_eq!(read_snapshot_with(&path, &sealed(1)).unwrap(), expected);
}

#[test]
fn states_are_encrypted_rotated_and_decrypted_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    fill(&open(&path, &Encryption::default()));
    assert!(!leaks(folder.path()).is_empty());
    let content = |encryption: &Encryption| {
        let store = open(&path, encryption);
        let past = store.past(1).wait().unwrap().unwrap();
        let intents = store.open_intents().wait().unwrap();
        (store.snapshot().wait().unwrap(), past.snapshot, past.run, intents)
    };
    let expected = content(&Encryption::default());
    // An empty commit is what locking does.
    let rewrite = |encryption: &Encryption| open(&path, encryption).commit(vec![]).wait();
    let strict = rewrite(&sealed(1)).unwrap_err();
    assert!(matches!(strict, StateError::NotSealed { .. }), "{strict}");
    rewrite(&sealed(1).with_fallback(Method::Plain)).unwrap();
    assert_eq!(leaks(folder.path()), Vec::<String>::new());
    assert_eq!(content(&sealed(1)), expected);
    rewrite(&sealed(2).with_fallback(key(1))).unwrap();
    assert_eq!(content(&sealed(2)), expected);
    assert!(
        matches!(read_snapshot_with(&path, &sealed(1)), Err(StateError::WrongKey { .. })),
        "the old key is done with"
    );
    rewrite(&Encryption::default().with_fallback(key(2))).unwrap();
    assert_eq!(content(&Encryption::default()), expected);
}

/// Invariant: a sealed value opens in its own place alone.
#[test]
fn sealed_values_cannot_be_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = open(&path, &sealed(1));
    store.commit(varied_rows().into_iter().map(put).collect()).wait().unwrap();
    drop(store);
    let good = fs::read(&path).unwrap();
    for (what, sql) in [
        (
            "another row's value",
            "UPDATE instances SET attributes = (SELECT attributes FROM instances WHERE id = 2) WHERE id = 1",
        ),
        ("its own mark", "UPDATE instances SET tainted = 1 WHERE id = 1"),
        ("another place", "UPDATE instances SET key = '#77' WHERE id = 2"),
        ("another lineage", "UPDATE keys SET lineage = 'other'"),
    ] {
        fs::write(&path, &good).unwrap();
        let conn = Connection::open(&path).unwrap();
        assert!(conn.execute(sql, []).unwrap() > 0, "{what}");
        drop(conn);
        fix_checksums(&path);
        let error = read_snapshot_with(&path, &sealed(1)).unwrap_err().to_string();
        assert!(error.contains("cannot be decrypted") || error.contains("does not open"), "{what}: {error}");
    }
}

/// Whoever changes a file on purpose puts the checksums right as well: only the key keeps him out.
fn fix_checksums(path: &Path) {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare(
            "SELECT i.id, r.address, i.key, i.deposed, p.address, d.digest, i.schema_version, i.tainted,
             i.create_before_destroy, i.sensitive, i.attributes, i.created, i.updated FROM instances i JOIN resources r ON r.id = i.resource
             JOIN providers p ON p.id = i.provider JOIN dependency_sets d ON d.id = i.dependencies",
        )
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut sums = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let text = |i| row.get_ref(i).unwrap().as_str().unwrap().as_bytes().to_vec();
        let blob = |i| row.get_ref(i).unwrap().as_bytes().unwrap().to_vec();
        let number = |i| row.get::<_, i64>(i).unwrap().to_le_bytes().to_vec();
        let flags = row.get::<_, i64>(7).unwrap() | row.get::<_, i64>(8).unwrap() << 1;
        let flags = flags.to_le_bytes().to_vec();
        let none = || b"-".to_vec();
        let fields = [text(1), text(2), text(3), text(4), blob(5), number(6), flags, none(), text(9), none(), blob(10)];
        let sum = crc(&[crc(&fields).to_le_bytes().to_vec(), number(11), number(12)]);
        sums.push((row.get::<_, i64>(0).unwrap(), sum));
    }
    drop(rows);
    for (id, sum) in sums {
        conn.execute("UPDATE instances SET checksum = ?2 WHERE id = ?1", [id, sum]).unwrap();
    }
    let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?, r.get(2)?, r.get(3)?));
    let (id, lineage, wrap, wrapped): (i64, String, String, Vec<u8>) =
        conn.query_row("SELECT id, lineage, wrap, wrapped FROM keys", [], read).unwrap();
    let tagged = |tag: &str, bytes: &[u8]| [tag.as_bytes().to_vec(), bytes.to_vec()];
    let fields = [
        tagged("i", &id.to_le_bytes()),
        tagged("t", lineage.as_bytes()),
        tagged("t", wrap.as_bytes()),
        tagged("b", &wrapped),
    ];
    conn.execute("UPDATE keys SET sum = ?1", [crc(&fields.concat())]).unwrap();
}

/// CRC-32 over fields, each with its length.
fn crc(fields: &[Vec<u8>]) -> i64 {
    let mut crc = flate2::Crc::new();
    for field in fields {
        crc.update(&(field.len() as u64).to_le_bytes());
        crc.update(field);
    }
    i64::from(crc.sum())
}

/// The ways in which a key can be given, and what is said where one is wrong.
#[test]
fn keys_come_from_the_configuration_a_file_and_the_environment() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = \"canary-7f3c\"\n}\n");
    let with = |provider: &str, more: &str| {
        format!(
            "key_provider {provider}\nmethod \"aes_gcm\" \"m\" {{\n keys = key_provider.{more}\n}}\nstate {{\n method = method.aes_gcm.m\n"
        )
    };
    let file = with("\"file\" \"k\" {\n path = \"state.key\"\n}", "file.k");
    let environment = with("\"environment\" \"k\" {\n variable = \"STATE_KEY\"\n}", "environment.k");
    stack.write("state.key", &"5a".repeat(32));
    let apply = |settings: &str, key: &str| {
        let run = stack.terrane(["apply", "-auto-approve"]).env("TF_ENCRYPTION", settings);
        run.env("STATE_KEY", key).run()
    };
    apply(&format!("{file}}}"), "").success();
    assert_eq!(leaks(&stack.dir().join(".terrane")), Vec::<String>::new());
    let missing = apply(&format!("{environment}}}"), "").expect_status(1);
    assert!(missing.said().contains("STATE_KEY"), "{missing}");
    let short = apply(&format!("{environment}}}"), "abc").expect_status(1);
    assert!(short.said().contains("it holds no key: 32 bytes are needed") && !short.stderr.contains("abc"), "{short}");
    let wrong = apply(&format!("{environment}}}"), &"77".repeat(32)).expect_status(1);
    assert!(wrong.said().contains("is encrypted with the key file \"k\""), "{wrong}");
    let none = stack.terrane(["state", "list"]).run().expect_status(1);
    assert!(none.said().contains("and no key is configured"), "{none}");
    // Rotation: the new key, with the old one as a fallback.
    let both = format!(
        "key_provider \"file\" \"old\" {{\n path = \"state.key\"\n}}\nmethod \"aes_gcm\" \"old\" {{\n keys = key_provider.file.old\n}}\n\
         {environment} fallback {{\n method = method.aes_gcm.old\n }}\n}}"
    );
    apply(&both, &"77".repeat(32)).success();
    apply(&format!("{environment}}}"), &"77".repeat(32)).success();
    // And back to plain.
    let back = "key_provider \"environment\" \"k\" {\n variable = \"STATE_KEY\"\n}\n\
         method \"aes_gcm\" \"m\" {\n keys = key_provider.environment.k\n}\nmethod \"unencrypted\" \"u\" {}\n\
         state {\n method = method.unencrypted.u\n fallback {\n method = method.aes_gcm.m\n }\n}";
    apply(back, &"77".repeat(32)).success();
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "terraform_data.a\n");
    for (text, expected) in [
        ("state {", "cannot be read"),
        ("state {\n method = method.aes_gcm.m\n}", "there is no method \"aes_gcm\" \"m\""),
        ("state {}", "\"method\" is missing"),
    ] {
        let refused = stack.terrane(["plan"]).env("TERRANE_ENCRYPTION", text).run().expect_status(1);
        assert!(refused.said().contains(expected), "{text}: {refused}");
    }
}

/// What was copied before the state was encrypted is named for as long as it lies there.
#[test]
fn copies_in_clear_are_told() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = \"canary-7f3c\"\n}\n");
    let settings = "key_provider \"environment\" \"k\" {\n variable = \"STATE_KEY\"\n}\n\
         method \"aes_gcm\" \"m\" {\n keys = key_provider.environment.k\n}\nmethod \"unencrypted\" \"u\" {}\n\
         state {\n method = method.aes_gcm.m\n fallback {\n method = method.unencrypted.u\n }\n}";
    let apply = || {
        let run = stack.terrane(["apply", "-auto-approve"]).env("TF_ENCRYPTION", settings);
        run.env("STATE_KEY", "77".repeat(32)).run().success()
    };
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let (state, copy) = (stack.dir().join(".terrane/state.db"), stack.dir().join(".terrane/state.db.format-2"));
    fs::copy(&state, &copy).unwrap();
    let told = apply();
    assert!(told.stderr.contains("copies of it are not: ") && told.stderr.contains("state.db.format-2"), "{told}");
    assert_eq!(leaks(&stack.dir().join(".terrane")).len(), 1, "the copy alone");
    fs::copy(&state, &copy).unwrap();
    assert!(!apply().stderr.contains("copies of it"), "this one is sealed");
}

/// Data keys that AWS KMS wraps.
#[cfg(feature = "aws")]
#[test]
fn a_key_of_kms_opens_what_it_sealed() {
    let moto = super::support::moto::Server::shared();
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {\n  input = \"canary-7f3c\"\n}\n");
    let signature =
        "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0";
    let headers = [
        ("X-Amz-Target", "TrentService.CreateKey"),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Authorization", signature),
    ];
    let created = super::support::wire::request("POST", &format!("{}/", moto.url()), &headers, "{}").unwrap().text();
    let created: serde_json::Value = serde_json::from_str(&created).unwrap();
    let id = created["KeyMetadata"]["KeyId"].as_str().unwrap().to_string();
    let settings = |id: &str| {
        format!(
            "key_provider \"aws_kms\" \"k\" {{\n kms_key_id = \"{id}\"\n region = \"us-east-1\"\n}}\n\
             method \"aes_gcm\" \"m\" {{\n keys = key_provider.aws_kms.k\n}}\nstate {{\n method = method.aes_gcm.m\n}}"
        )
    };
    let run = |arguments: &[&str], id: &str| {
        stack.terrane(arguments).aws(moto.url(), "us-east-1").env("TF_ENCRYPTION", settings(id)).run()
    };
    run(&["apply", "-auto-approve"], &id).success();
    assert_eq!(leaks(&stack.dir().join(".terrane")), Vec::<String>::new());
    run(&["plan", "-detailed-exitcode"], &id).success();
    let gone = run(&["plan"], "00000000-0000-0000-0000-000000000000").expect_status(1);
    assert!(gone.said().contains("aws_kms \"k\"") && gone.said().contains("NotFoundException"), "{gone}");
}

/// The names under which sources are kept, and those that anybody could give to a text that he guesses.
#[test]
fn who_has_no_key_cannot_try_guesses_at_sources() {
    let guessed = |path: &Path| -> (usize, usize) {
        let conn = Connection::open(path).unwrap();
        let lineage: String =
            conn.query_row("SELECT value FROM meta WHERE name = 'lineage'", [], |r| r.get(0)).unwrap();
        let text = format!("# {CANARY}");
        let guesses = [format!("{lineage}\0{text}"), text].map(|guess| Sha256::digest(guess).to_vec());
        let mut statement = conn.prepare("SELECT digest FROM sources").unwrap();
        let names: Vec<Vec<u8>> = statement.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        (names.len(), names.iter().filter(|name| guesses.contains(name)).count())
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let source = |store: &SqliteStore| {
        let run = store.past(1).wait().unwrap().unwrap().run.unwrap();
        assert_eq!(run.sources, [("main.tf".to_string(), format!("# {CANARY}").into())]);
    };
    fill(&open(&path, &Encryption::default()));
    assert_eq!(guessed(&path), (1, 1));
    let turning = [
        sealed(1).with_fallback(Method::Plain),
        sealed(2).with_fallback(key(1)),
        Encryption::default().with_fallback(key(2)),
        sealed(3).with_fallback(Method::Plain),
    ];
    for encryption in turning {
        let store = open(&path, &encryption);
        let run = terrane::state::Run {
            sources: vec![("main.tf".to_string(), format!("# {CANARY}").into())],
            inputs: serde_json::json!({}),
        };
        let next = vec![Change::Describe(Arc::new(run)), Change::BumpSerial];
        store.commit(next).wait().unwrap();
        source(&store);
        assert_eq!(store.past(2).wait().unwrap().unwrap().run, None);
        assert_eq!(store.past(3).wait().unwrap().unwrap().run.unwrap().sources.len(), 1);
        drop(store);
        assert_eq!(guessed(&path), (1, usize::from(!encryption.is_on())), "{encryption:?}");
    }
}

/// A passphrase is as good as what each guess costs.
#[test]
fn a_passphrase_is_not_cheap_to_guess() {
    let stack = Stack::with("main.tf", "resource \"terraform_data\" \"a\" {}\n");
    let plan = |cost: &str| {
        let settings = format!(
            "key_provider \"argon2id\" \"k\" {{\n passphrase = \"sixteen characters\"\n {cost}\n}}\n\
             method \"aes_gcm\" \"m\" {{\n keys = key_provider.argon2id.k\n}}\nplan {{\n method = method.aes_gcm.m\n}}"
        );
        stack.terrane(["plan"]).env("TF_ENCRYPTION", settings).run()
    };
    for (cost, expected) in [
        ("memory_kib = 19455", "\"memory_kib\" must lie between 19456 and 4194304"),
        ("memory_kib = 4194305", "\"memory_kib\" must lie between 19456 and 4194304"),
        ("iterations = 1", "\"iterations\" must lie between 2 and 100"),
        ("iterations = 101", "\"iterations\" must lie between 2 and 100"),
        ("parallelism = 4", "\"parallelism\""),
    ] {
        let refused = plan(cost).expect_status(1);
        assert!(refused.said().contains(expected), "{cost}: {refused}");
    }
    plan("memory_kib = 19456\n iterations = 2").success();
}
