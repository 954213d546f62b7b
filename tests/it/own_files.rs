//! Files of ours that are no states: damaged, or on a disk that is full.

use std::fs;
use std::path::Path;

use crate::backends::beds;
use crate::support::cli::Stack;
use crate::support::disk::Disk;

const ONE: &str = "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n";

#[test]
fn what_says_the_workspace_is_believed_only_as_it_was_written() {
    let stack = Stack::with("main.tf", ONE);
    stack.terrane(["workspace", "new", "blue"]).run().success();
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let good = stack.read(".terrane/environment");
    for bad in [good.replacen("blue", "blte", 1), String::new(), good[..9].to_string()] {
        stack.write(".terrane/environment", &bad);
        let refused = stack.terrane(["plan"]).run().expect_status(1);
        assert!(refused.said().contains(".terrane/environment"), "{refused}");
        assert!(refused.said().contains("terrane workspace select"), "{refused}");
    }
    fs::remove_file(stack.dir().join(".terrane/environment")).unwrap();
    stack.terrane(["workspace", "select", "blue"]).run().success();
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "terraform_data.a\n");
}

#[test]
fn what_remembers_the_backend_is_made_anew_and_holds_no_password() {
    let bed = beds::http();
    let address = bed.arguments["address"].as_str().unwrap();
    let with_user = |address: &str| address.replacen("://", "://ci:not-a-secret@", 1);
    let block: String = bed
        .block()
        .lines()
        .filter(|l| !l.contains("username") && !l.contains("password"))
        .fold(String::new(), |text, line| text + &line.replace("\"http://", "\"http://ci:not-a-secret@") + "\n");
    assert!(block.contains(&with_user(address)), "{block}");
    let stack = Stack::with("main.tf", ONE);
    stack.write("backend.tf", &block);
    stack.terrane(["init"]).run().success();
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let good = stack.read(".terrane/backend.json");
    assert!(good.contains(address) && !good.contains("not-a-secret"), "{good}");
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
    for bad in [&good[..good.len() / 2], "", "{}", "\u{0}"] {
        stack.write(".terrane/backend.json", bad);
        let refused = stack.terrane(["plan"]).run().expect_status(1);
        assert!(refused.said().contains("terrane init -reconfigure"), "{refused}");
        assert!(refused.said().contains(".terrane/backend.json"), "{refused}");
    }
    stack.terrane(["init", "-reconfigure"]).run().success();
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
    // The states of the old backend are read with what the block says still.
    stack.write("backend.tf", "");
    let moved = stack.terrane(["init", "-migrate-state"]).env("TF_HTTP_USERNAME", "ci");
    moved.env("TF_HTTP_PASSWORD", "not-a-secret").run().success();
    stack.terrane(["plan", "-detailed-exitcode"]).run().success();
}

#[test]
fn a_damaged_sandbox_is_named() {
    let stack = Stack::with("main.tf", ONE);
    stack.terrane(["apply", "-auto-approve", "-sandbox"]).run().success();
    let found = fs::read_dir(stack.dir().join(".terrane")).unwrap().flatten().map(|entry| entry.path());
    let path = found.filter(|p| p.to_string_lossy().contains("sandbox") && p.extension().is_some_and(|e| e == "db"));
    let path = path.last().expect("the sandbox has a file");
    let good = fs::read(&path).unwrap();
    for bad in [b"something else".repeat(100), good[..good.len() / 2].to_vec()] {
        fs::write(&path, &bad).unwrap();
        let refused = stack.terrane(["plan", "-sandbox"]).run().expect_status(1);
        let said = refused.said();
        assert!(
            said.contains("the file of the sandbox") && said.contains("delete it: the sandbox starts empty"),
            "{refused}"
        );
    }
    fs::remove_file(&path).unwrap();
    stack.terrane(["plan", "-sandbox"]).run().success();
}

#[test]
fn nothing_is_torn_on_a_full_disk() {
    let stack = Stack::with("main.tf", ONE);
    stack.terrane(["apply", "-auto-approve"]).run().success();
    let Some(disk) = Disk::at(&stack.dir().join("disk"), 64) else { return };
    stack.terrane(["state", "mv", "-dry-run", "terraform_data.a", "terraform_data.b"]).run().success();
    let other = stack.terrane(["state", "pull"]).run().success().stdout.replace("\"name\": \"a\"", "\"name\": \"z\"");
    stack.write("disk/other.tfstate", &other);
    disk.fill();
    let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
    let before = names(&stack.dir().join("disk"));
    for arguments in [
        &["state", "mv", "-state-out=disk/other.tfstate", "terraform_data.a", "terraform_data.b"][..],
        &["state", "mv", "-state-out=disk/new.tfstate", "terraform_data.a", "terraform_data.b"],
        &["state", "mv", "-backup=disk/kept.tfstate", "terraform_data.a", "terraform_data.b"],
    ] {
        let refused = stack.terrane(arguments.iter().copied()).run().expect_status(1);
        assert!(refused.said().contains("No space left on device"), "{refused}");
        assert!(refused.said().contains("disk/"), "{refused}");
    }
    let text = "import {\n  to = terraform_data.i\n  id = \"x\"\n}\n";
    let importing = Stack::with("main.tf", text);
    let out = stack.dir().join("disk/generated.tf");
    let refused =
        importing.terrane(["plan", &format!("-generate-config-out={}", out.display())]).run().expect_status(1);
    assert!(refused.said().contains("generated.tf"), "{refused}");
    assert_eq!((names(&stack.dir().join("disk")), stack.read("disk/other.tfstate")), (before, other.clone()));
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "terraform_data.a\n");

    disk.make_room();
    let held = fs::File::open(stack.dir().join("disk/other.tfstate")).unwrap();
    held.lock().unwrap();
    let mv = ["state", "mv", "-state-out=disk/other.tfstate", "terraform_data.a", "terraform_data.b"];
    let refused = stack.terrane(mv).run().expect_status(1);
    assert!(refused.said().contains("another process is at work on the file"), "{refused}");
    drop(held);
    stack.terrane(mv).run().success();
    assert!(stack.read("disk/other.tfstate").contains("\"name\": \"b\""));
    assert_eq!(stack.read("disk/other.tfstate.backup"), other);
    assert_eq!(stack.terrane(["state", "list"]).run().success().stdout, "");
}
