//! Documents of a state that are not what was written: named on reading and on writing, and never written over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use terrane::model::Value;
use terrane::state::{Change, StateError, Workspace};

use super::beds::{self, Bed, Machine, Way, take};
use super::sealing::key;
use super::suite::{intent, names};
use crate::state_rows::{data_row, put};
use crate::support::wire;

/// The store behind the proxy, for changes behind everybody's back.
struct Behind<'b> {
    bed: &'b Bed,
    state: String,
}

impl Behind<'_> {
    fn of(bed: &Bed) -> Behind<'_> {
        let argument = |name: &str| bed.arguments[name].as_str().unwrap().to_string();
        let state = match bed.kind {
            "s3" => format!("/{}/{}", argument("bucket"), argument("key")),
            _ => argument("address").splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap(),
        };
        Behind { bed, state }
    }

    fn url(&self, path: &str) -> String {
        let Way::Http(proxy) = &self.bed.way else { panic!("it speaks HTTP") };
        format!("{}{path}", proxy.url())
    }

    fn get(&self, path: &str) -> String {
        wire::request("GET", &self.url(path), &self.headers(), "").unwrap().text()
    }

    fn put(&self, path: &str, body: &str) {
        let method = if self.bed.kind == "s3" { "PUT" } else { "POST" };
        let sum = STANDARD.encode(Md5::digest(body));
        let headers = [self.headers(), vec![("content-md5", sum.as_str())]].concat();
        let made = wire::request(method, &self.url(path), &headers, body).unwrap();
        assert!(made.status.is_success(), "{}", made.text());
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        // The server of S3 looks only whether somebody signed; the other is "ci:not-a-secret".
        let signed =
            "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        vec![("authorization", if self.bed.kind == "s3" { signed } else { "Basic Y2k6bm90LWEtc2VjcmV0" })]
    }
}

fn write(machine: &Machine<'_>, name: &str) -> Result<(), StateError> {
    let store = machine.open();
    take(&*store, "anna")?;
    store.commit(vec![put(data_row(name, Value::string("some text")))]).wait()?;
    store.release().wait()
}

#[track_caller]
fn refused(machine: &Machine<'_>, what: &str) {
    for error in [
        machine.backend().read(&Workspace::default()).map(drop).unwrap_err(),
        write(machine, "a.more").unwrap_err(),
        machine.open().commit(vec![put(data_row("a.more", Value::TRUE))]).wait().unwrap_err(),
    ] {
        let told = error.to_string();
        assert!(matches!(error, StateError::DamagedDocument { .. }), "{told}");
        assert!(told.contains(what) && told.contains("nothing was written to it"), "{what}: {told}");
    }
    assert!(machine.open().leases().wait().unwrap().is_empty(), "whoever can't read gives the lock back");
}

fn a_damaged_document_is_told_and_left(bed: &Bed) {
    let (machine, behind) = (Machine::new(bed), Behind::of(bed));
    write(&machine, "a.one").unwrap();
    let store = machine.open();
    take(&*store, "anna").unwrap();
    store.commit(vec![Change::Begin(intent("k"))]).wait().unwrap();
    store.release().wait().unwrap();
    drop(store);
    let good = behind.get(&behind.state);
    let flip = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} in {good}");
        good.replacen(from, to, 1)
    };
    let mut cases = vec![
        (flip("some text", "some tezt"), "its checksum is wrong"),
        (flip("\"serial\": 1", "\"serial\": 3"), "its checksum is wrong"),
        (flip("\"terrane\": {\"sum\"", "\"terrbne\": {\"sum\""), "another name than was written"),
        (flip("\"terrane\": {\"sum\"", "\"terrane\": {\"rum\""), "another name than was written"),
        ("<html>not here</html>".to_string(), "it"),
        ("{\"a\": 1}".to_string(), "no \"version\""),
    ];
    cases.extend((1..8).map(|eighth| (good[..good.len() * eighth / 8].to_string(), "")));
    for (bad, what) in &cases {
        behind.put(&behind.state, bad);
        refused(&machine, what);
        assert_eq!(&behind.get(&behind.state), bad, "it was left as it is");
    }
    behind.put(&behind.state, &good);
    assert_eq!(names(&machine.backend().read(&Workspace::default()).unwrap().unwrap()), ["a.one"]);
    assert_eq!(machine.open().open_intents().wait().unwrap(), [intent("k")]);
}

mod a_damaged_document_is_told_and_left {
    #[test]
    fn s3() {
        super::a_damaged_document_is_told_and_left(&super::beds::s3());
    }

    #[test]
    fn http() {
        super::a_damaged_document_is_told_and_left(&super::beds::http());
    }
}

#[test]
fn a_damaged_segment_is_named() {
    let bed = beds::s3();
    let (machine, behind) = (Machine::new(&bed), Behind::of(&bed));
    let store = machine.open();
    take(&*store, "anna").unwrap();
    for name in ["a.one", "a.two", "a.three"] {
        store.commit(vec![put(data_row(name, Value::string("some text")))]).wait().unwrap();
    }
    std::mem::forget(store);
    machine.clock().pass(beds::LONG * 30);
    let path = format!("{}.terrane/{:020}", behind.state, 2);
    let good = behind.get(&path);
    let there = machine.another();
    let halves = [good.replace("some text", "some tezt"), good[..good.len() / 2].to_string(), String::new()];
    for bad in halves.iter().map(String::as_str).chain(["something else"]) {
        behind.put(&path, bad);
        refused(&there, "segment 2 of its journal");
        assert_eq!(behind.get(&path), bad);
    }
    behind.put(&path, &good);
    assert_eq!(there.backend().read(&Workspace::default()).unwrap().unwrap().rows().len(), 3);
    let gone = wire::request("DELETE", &behind.url(&path), &behind.headers(), "").unwrap();
    assert!(gone.status.is_success());
    refused(&there, "segment 2 of its journal is missing");
}

#[test]
fn a_damaged_generation_is_named_and_the_state_goes_on() {
    let bed = beds::s3();
    let (machine, behind) = (Machine::new(&bed), Behind::of(&bed));
    write(&machine, "a.one").unwrap();
    write(&machine, "a.two").unwrap();
    let (first, list) = (format!("{:020}", 1), "list".to_string());
    let past = |name: &str| format!("{}.terrane-history/{name}", behind.state);
    let good = behind.get(&past(&list));
    behind.put(&past(&first), "something else");
    let told = machine.open().past(1).wait().unwrap_err().to_string();
    assert!(told.contains("generation 1: it cannot be read"), "{told}");
    assert_eq!(machine.open().generations().wait().unwrap().len(), 2);
    for bad in [good.replacen("\"serial\":1", "\"serial\":4", 1), good[..good.len() / 2].to_string()] {
        assert_ne!(bad, good);
        behind.put(&past(&list), &bad);
        let told = machine.open().generations().wait().unwrap_err().to_string();
        assert!(told.contains("the list of its generations"), "{told}");
        write(&machine, "a.more").unwrap();
        assert_eq!(behind.get(&past(&list)), bad, "it was left as it is");
    }
    assert_eq!(machine.backend().read(&Workspace::default()).unwrap().unwrap().rows().len(), 3);
}

/// What is sealed belongs to its state: copied over that of another workspace, it is not read as that one's.
#[test]
fn a_sealed_document_of_another_workspace_is_not_read() {
    let bed = beds::s3();
    let (machine, behind) = (Machine::new(&bed), Behind::of(&bed));
    let backend = || machine.sealed(key(1));
    let blue = Workspace::parse("blue").unwrap();
    for (workspace, name) in [(&Workspace::default(), "a.default"), (&blue, "a.blue")] {
        backend().create(workspace).unwrap();
        let store = backend().open(workspace).unwrap();
        take(&*store, "anna").unwrap();
        store.commit(vec![put(data_row(name, Value::TRUE))]).wait().unwrap();
        store.release().wait().unwrap();
    }
    let (bucket, state_key) = behind.state[1..].split_once('/').unwrap();
    let others = format!("/{bucket}/env%3A/blue/{state_key}");
    let copy = |from: &str, to: &str| {
        let headers = [behind.headers(), vec![("x-amz-copy-source", from)]].concat();
        let made = wire::request("PUT", &behind.url(to), &headers, "").unwrap();
        assert!(made.status.is_success(), "{}", made.text());
    };
    copy(&others, &behind.state);
    let refused = backend().read(&Workspace::default()).unwrap_err();
    assert!(matches!(refused, StateError::DamagedDocument { .. }), "{refused}");
    assert!(refused.to_string().contains("it belongs elsewhere"), "{refused}");
    let store = backend().open(&Workspace::default()).unwrap();
    assert!(take(&*store, "anna").is_err());
    assert_eq!(names(&backend().read(&blue).unwrap().unwrap()), ["a.blue"]);
}
