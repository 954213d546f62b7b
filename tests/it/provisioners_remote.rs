//! `remote-exec` and `file` over SSH, against a real OpenSSH server.

use std::fs;
use std::path::Path;

use super::support::cli::{Run, Stack};
use super::support::sshd::{Agent, Sshd};

/// A stack with one object that is provisioned over SSH.
fn stack(sshd: &Sshd, connection: &str, provisioners: &str) -> Stack {
    let user = std::process::Command::new("id").arg("-un").output().expect("id runs").stdout;
    let user = String::from_utf8(user).expect("a user name").trim().to_owned();
    Stack::with(
        "main.tf",
        &format!(
            "resource \"terraform_data\" \"m\" {{\n  input = \"there\"\n  connection {{\n    host = \"127.0.0.1\"\n    port = {}\n    \
             user = \"{user}\"\n    timeout = \"20s\"\n{connection}\n  }}\n{provisioners}\n}}\n",
            sshd.port()
        ),
    )
}

fn with_key(path: &Path) -> String {
    format!("private_key = file(\"{}\")", path.display())
}

/// What was said about what went wrong, without the breaks of the lines.
fn told(run: &Run) -> String {
    run.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn apply(stack: &Stack) -> Run {
    stack.terrane(["apply", "-auto-approve"]).run()
}

#[test]
fn scripts_run_there_and_say_what_they_print() {
    let sshd = Sshd::start();
    let connection = format!("{}\nhost_key = \"{}\"", with_key(&sshd.private_key()), sshd.host_key());
    let stack = stack(
        &sshd,
        &connection,
        r#"
  provisioner "remote-exec" {
    inline = ["echo one ${self.output}", "echo two >&2", "umask"]
  }
  provisioner "remote-exec" {
    scripts = ["first.sh", "${path.module}/second"]
  }
  provisioner "remote-exec" {
    when   = destroy
    inline = ["echo leaving ${self.output}"]
  }
"#,
    );
    stack.write("first.sh", "#!/usr/bin/env bash\necho \"first by ${BASH_VERSION:+bash}\"\n");
    stack.write("second", "echo second in \"$0\" | sed 's/[0-9]\\+/N/'\nfalse\ntrue\n");
    let made = apply(&stack).success();
    for line in ["(remote-exec): one there", "(remote-exec): two", "first by bash", "second in /tmp/terrane_N.sh"] {
        assert!(made.stdout.contains(line), "{line}: {made}");
    }
    assert!(made.stdout.contains("(remote-exec): Connected!"), "{made}");
    assert!(!made.stdout.contains("PRIVATE KEY"), "{made}");
    let gone = stack.terrane(["destroy", "-auto-approve"]).run().success();
    assert!(gone.stdout.contains("(remote-exec): leaving there"), "{gone}");
}

#[test]
fn a_script_that_fails_taints_the_object_and_says_why() {
    let sshd = Sshd::start();
    let stack = stack(
        &sshd,
        &with_key(&sshd.private_key()),
        "  provisioner \"remote-exec\" {\n    inline = [\"set -e\", \"echo so far\", \"exit 7\", \"echo too far\"]\n  }",
    );
    let failed = apply(&stack).expect_status(1);
    assert!(told(&failed).contains("the inline script ended with exit status 7"), "{failed}");
    assert!(told(&failed).contains("so far") && !failed.stdout.contains("too far"), "{failed}");
    let plan = stack.terrane(["plan"]).run().success();
    assert!(plan.stdout.contains("is tainted"), "{plan}");
}

#[test]
fn files_folders_and_text_are_copied() {
    let sshd = Sshd::start();
    let there = tempfile::tempdir().unwrap();
    let to = |name: &str| there.path().join(name).display().to_string();
    fs::create_dir(there.path().join("contents")).unwrap();
    let provisioners = format!(
        r#"
  provisioner "file" {{
    content     = "naïve ${{self.output}}\n"
    destination = "{}"
  }}
  provisioner "file" {{
    source      = "one file.bin"
    destination = "{}"
  }}
  provisioner "file" {{
    source      = "tree"
    destination = "{}"
  }}
  provisioner "file" {{
    source      = "tree/"
    destination = "{}"
  }}
"#,
        to("it's text"),
        to("copy.bin"),
        there.path().display(),
        to("contents"),
    );
    let stack = stack(&sshd, &with_key(&sshd.private_key()), &provisioners);
    let large: String = (0..200_000).map(|i| format!("{i} ")).collect();
    stack.write("one file.bin", &large);
    stack.write("tree/a/deep.txt", "deep");
    stack.write("tree/run.sh", "#!/bin/sh\n");
    #[cfg(unix)]
    fs::set_permissions(stack.dir().join("tree/run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    apply(&stack).success();
    let read = |name: &str| fs::read_to_string(there.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(read("it's text"), "naïve there\n");
    assert!(read("copy.bin") == large, "the copy is the file");
    assert_eq!((read("tree/a/deep.txt"), read("contents/a/deep.txt")), ("deep".to_owned(), "deep".to_owned()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(there.path().join("tree/run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let sshd = Sshd::start();
    let provisioner = "  provisioner \"file\" {\n    content = \"x\"\n    destination = \"/nowhere/at/all/x\"\n  }";
    let failed = apply(&stack(&sshd, &with_key(&sshd.private_key()), provisioner)).expect_status(1);
    assert!(told(&failed).contains("the machine did not take the copy"), "{failed}");
    assert!(told(&failed).contains("No such file or directory"), "{failed}");
}

const HELLO: &str = "  provisioner \"remote-exec\" {\n    inline = [\"echo hello\"]\n  }";

#[test]
fn a_bastion_leads_on() {
    let (bastion, machine) = (Sshd::start(), Sshd::start());
    let connection = format!(
        "{}\nhost_key = \"{}\"\nbastion_host = \"127.0.0.1\"\nbastion_port = {}\nbastion_private_key = file(\"{}\")\nbastion_host_key = \"{}\"",
        with_key(&machine.private_key()),
        machine.host_key(),
        bastion.port(),
        bastion.private_key().display(),
        bastion.host_key(),
    );
    let made = apply(&stack(&machine, &connection, HELLO)).success();
    assert!(made.stdout.contains("(remote-exec): hello"), "{made}");
    assert!(made.stdout.contains("Using configured bastion host..."), "{made}");
}

#[test]
fn an_agent_lends_its_keys() {
    let sshd = Sshd::start();
    let agent = Agent::with(&sshd.private_key());
    let stack = stack(&sshd, "", HELLO);
    let run = stack.terrane(["apply", "-auto-approve"]).env("SSH_AUTH_SOCK", agent.socket()).run().success();
    assert!(run.stdout.contains("(remote-exec): hello") && run.stdout.contains("SSH Agent: true"), "{run}");
}

#[test]
fn wrong_keys_and_other_machines_are_refused() {
    let sshd = Sshd::start();
    let other = fs::read_to_string(sshd.other_key().with_extension("pub")).unwrap();
    let connection = format!("{}\nhost_key = \"{}\"", with_key(&sshd.private_key()), other.trim());
    let failed = apply(&stack(&sshd, &connection, HELLO)).expect_status(1);
    assert!(told(&failed).contains("the machine's key is not the one that host_key names"), "{failed}");

    let connection = format!("{}\ntimeout = \"1s\"", with_key(&sshd.other_key()));
    let text = stack(&sshd, "", HELLO);
    let main = text.read("main.tf").replace("timeout = \"20s\"", &connection);
    text.write("main.tf", &main);
    let failed = apply(&text).expect_status(1);
    assert!(told(&failed).contains("in with what the connection gives"), "{failed}");

    let failed = apply(&stack(&sshd, "private_key = \"no key\"", HELLO)).expect_status(1);
    assert!(told(&failed).contains("private_key is no private key"), "{failed}");
}
