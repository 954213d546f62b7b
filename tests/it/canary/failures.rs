//! What goes wrong with a secret in hand: messages tell what is wrong, and not the secret.

use std::path::PathBuf;

use super::{BRIEF, CANARY, ENCRYPTION, VARIABLES, assert_hidden, files_with, with_canaries};
use crate::support::cli::Stack;

/// Each part of a stack that cannot be planned or applied, and something of what is said.
const CASES: &[(&str, &str)] = &[
    ("output \"x\" {\n value = tonumber(var.secret)\n sensitive = true\n}", "cannot be applied"),
    ("output \"x\" {\n value = tonumber(var.brief)\n ephemeral = true\n}", "cannot be applied"),
    ("output \"x\" {\n value = 1 + var.secret\n sensitive = true\n}", "must be a number"),
    ("output \"x\" {\n value = { a = 1 }[var.secret]\n sensitive = true\n}", "there is no such element"),
    ("output \"x\" {\n value = [1][var.secret]\n sensitive = true\n}", "there is no such element"),
    (
        "output \"x\" {\n value = terraform_data.a[var.secret]\n sensitive = true\n}\nresource \"terraform_data\" \"a\" {\n for_each = toset([\"k\"])\n}",
        "no such",
    ),
    ("output \"x\" {\n value = jsondecode(var.secret)\n sensitive = true\n}", "cannot be applied"),
    ("output \"x\" {\n value = file(var.secret)\n sensitive = true\n}", "cannot be applied"),
    (
        "output \"x\" {\n value = templatefile(\"bad.tftpl\", { hidden = var.secret })\n sensitive = true\n}",
        "cannot be rendered",
    ),
    ("output \"x\" {\n value = { for k in [var.secret, var.secret] : k => 1 }\n sensitive = true\n}", "two elements"),
    (
        "output \"x\" {\n value = try(tonumber(var.secret), tobool(var.secret))\n sensitive = true\n}",
        "no argument of \"try\"",
    ),
    (
        "output \"x\" {\n value = provider::aws::arn_parse(var.secret)\n sensitive = true\n}\nprovider \"aws\" {\n region = \"eu-west-1\"\n}",
        "cannot be applied",
    ),
    ("output \"x\" {\n value = var.secret\n}", "shows a sensitive value"),
    (
        "output \"x\" {\n value = 1\n precondition {\n condition = var.secret == \"\"\n error_message = \"it is ${var.secret}\"\n }\n}",
        "does not hold",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n lifecycle {\n precondition {\n condition = var.secret == \"\"\n error_message = \"it is ${var.secret}\"\n }\n }\n}",
        "does not hold",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n input = var.secret\n lifecycle {\n postcondition {\n condition = self.output == \"\"\n error_message = \"it is ${self.output}\"\n }\n }\n}",
        "does not hold",
    ),
    (
        "variable \"given\" {\n sensitive = true\n validation {\n condition = var.given == \"\"\n error_message = \"it is ${var.given}\"\n }\n}",
        "does not hold",
    ),
    ("variable \"given\" {\n sensitive = true\n type = number\n}", "wrong type"),
    ("variable \"given\" {\n ephemeral = true\n type = number\n}", "wrong type"),
    ("variable \"given\" {\n sensitive = true\n type = object({ a = list(number) })\n}", "wrong type"),
    (
        "variable \"given\" {\n ephemeral = true\n validation {\n condition = var.given == \"\"\n error_message = \"it is ${var.given}\"\n }\n}",
        "does not hold",
    ),
    ("resource \"terraform_data\" \"a\" {\n for_each = toset([var.secret])\n}", "\"for_each\" is sensitive"),
    ("resource \"terraform_data\" \"a\" {\n for_each = { (var.secret) = 1 }\n}", "\"for_each\" is sensitive"),
    ("resource \"terraform_data\" \"a\" {\n count = var.secret\n}", "count"),
    ("module \"m\" {\n source = var.secret\n}", "\"source\" is sensitive"),
    ("import {\n to = terraform_data.a\n id = var.secret\n}\nresource \"terraform_data\" \"a\" {}", "is sensitive"),
    ("resource \"random_integer\" \"a\" {\n min = var.secret\n max = 5\n}", "unsuitable value"),
    ("resource \"time_static\" \"a\" {\n rfc3339 = var.secret\n}", "is not a time"),
    ("resource \"tls_private_key\" \"a\" {\n algorithm = var.secret\n}", "there is no algorithm"),
    (
        "resource \"local_file\" \"a\" {\n filename = \"/proc/nowhere/${var.secret}\"\n content = \"a\"\n}",
        "cannot be written",
    ),
    ("data \"local_file\" \"a\" {\n filename = \"/nowhere/${var.secret}\"\n}", "cannot be read"),
    ("data \"terraform_remote_state\" \"a\" {\n backend = var.secret\n}", "there is no backend"),
    (
        "data \"terraform_remote_state\" \"a\" {\n backend = \"pg\"\n config = { conn_str = \"postgres://u:${var.secret}@127.0.0.1:1/x\" }\n}",
        "could not be read",
    ),
    (
        "data \"terraform_remote_state\" \"a\" {\n backend = \"http\"\n config = { address = \"http://u:${var.secret}@127.0.0.1:1/x\", retry_max = 0 }\n}",
        "could not be read",
    ),
    (
        "provider \"aws\" {\n region = \"eu-west-1\"\n}\nresource \"aws_subnet\" \"a\" {\n cidr_block = \"10.0.0.0/16\"\n vpc_id = var.secret\n}",
        "does not exist",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n provisioner \"local-exec\" {\n command = \"echo ${var.secret}; exit 3\"\n }\n}",
        "failed",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n input = var.secret\n provisioner \"local-exec\" {\n command = \"echo ${self.output} >&2; exit 3\"\n }\n}",
        "failed",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n provisioner \"local-exec\" {\n command = \"true\"\n interpreter = [var.secret]\n }\n}",
        "failed",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n provisioner \"local-exec\" {\n command = \"true\"\n working_dir = \"/nowhere/${var.brief}\"\n }\n}",
        "failed",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n connection {\n host = \"127.0.0.1\"\n port = 1\n timeout = var.secret\n }\n provisioner \"remote-exec\" {\n inline = [\"true\"]\n }\n}",
        "is no duration",
    ),
    (
        "resource \"terraform_data\" \"a\" {\n connection {\n host = \"127.0.0.1\"\n }\n provisioner \"file\" {\n source = \"/nowhere/${var.secret}\"\n destination = \"/x\"\n }\n}",
        "cannot be read",
    ),
    ("ephemeral \"random_password\" \"p\" {\n length = var.secret\n}", "unsuitable value"),
];

/// Plans and applies each case; four at a time.
#[test]
fn messages_do_not_repeat_what_is_secret() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((text, said)) = CASES.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    fails_without_telling(text, said);
                }
            });
        }
    });
}

fn fails_without_telling(text: &str, said: &str) {
    let stack = Stack::with("main.tf", &format!("{VARIABLES}{text}"));
    stack.write("encryption.tf", ENCRYPTION);
    stack.write("bad.tftpl", "${hidden} ${hidden.x} ${tonumber(hidden)}\n");
    let given = if text.contains("object(") { format!("{{ a = [\"{CANARY}\"] }}") } else { CANARY.to_string() };
    let run = |arguments: &[&str]| {
        let run = with_canaries(&stack, arguments).env("TF_VAR_given", &given).run();
        assert_hidden(&run, &[CANARY, BRIEF]);
        run
    };
    run(&["validate", "-json"]);
    run(&["plan", "-out=p"]);
    run(&["apply", "-auto-approve", "-json"]);
    let last = run(&["apply", "-auto-approve"]).expect_status(1);
    assert!(last.said().contains(said), "{text}: {last}");
    assert_eq!(files_with(&stack.dir(), CANARY), Vec::<PathBuf>::new(), "{text}");
    run(&["show"]);
    run(&["destroy", "-auto-approve"]);
}

/// A line of a file with values is not shown where it may hold a secret.
#[test]
fn mistakes_in_files_of_values_do_not_show_their_lines() {
    let stack = Stack::with("main.tf", VARIABLES);
    for (name, text) in [
        ("a.tfvars", format!("secret = [\"{CANARY}\"\n")),
        ("a.tfvars", format!("secret = [\"{CANARY}\"]\n")),
        ("a.tfvars", format!("secret = {CANARY}(1)\n")),
        ("a.tfvars", format!("secret = \"{CANARY}\n")),
        ("a.tfvars", format!("secret = \"x\"\nsecret {{ value = \"{CANARY}\" }}\n")),
        ("a.tfvars", format!("secret = \"x\"\nbrief = [\"{CANARY}\"]\n")),
        ("a.tfvars.json", format!("{{\"secret\": \"{CANARY}\" 1}}")),
        ("a.tfvars.json", format!("{{\"secret\": [\"{CANARY}\"]}}")),
        ("a.tfvars.json", format!("[\"{CANARY}\"]")),
    ] {
        stack.write(name, &text);
        for arguments in [&["plan"][..], &["apply", "-json", "-auto-approve"]] {
            let given = format!("-var-file={name}");
            let run = stack.terrane(arguments.iter().copied().chain([&*given])).run().expect_status(1);
            assert_hidden(&run, &[CANARY]);
        }
    }
    for value in [format!("-var=secrt={CANARY}"), format!("-var=secret=[\"{CANARY}\"")] {
        let run = stack.terrane(["plan", &value, "-no-such-flag"]).run().expect_status(1);
        assert_hidden(&run, &[CANARY]);
        assert_hidden(&stack.terrane(["plan", "-input=false", &value]).run(), &[CANARY]);
    }
}

const ROLES: &str = "provider \"aws\" {\n  region = \"eu-west-1\"\n}\nresource \"aws_iam_role\" \"a\" {\n  count = 2\n  name = var.secret\n  \
                     assume_role_policy = jsonencode({ a = var.secret })\n}\n";

/// An exception: ids and ARNs are how an object is found, also where its name was sensitive. The name itself, and what
/// the provider says of it, are hidden.
#[test]
fn ids_that_are_made_of_names_are_shown_as_ids_alone() {
    let stack = Stack::with("main.tf", &format!("{VARIABLES}{ROLES}"));
    for arguments in [&["apply", "-auto-approve", "-json"][..], &["apply", "-auto-approve"]] {
        let run = with_canaries(&stack, arguments).run().expect_status(1);
        assert_hidden(&run, &[CANARY]);
        assert!(format!("{run}").contains("exists already"), "{run}");
    }
    let shown = with_canaries(&stack, &["show"]).run().success().stdout;
    let showing: Vec<&str> = shown.lines().filter(|l| l.contains(CANARY)).map(|l| l.trim()).collect();
    assert!(showing.iter().all(|l| l.starts_with("arn ") || l.starts_with("id ")), "{shown}");
}

/// A default that stands in the configuration is quoted by no message either.
#[test]
fn a_default_that_does_not_fit_is_not_shown() {
    let text = format!("variable \"w\" {{\n  type      = number\n  sensitive = true\n  default   = \"{CANARY}\"\n}}\n");
    let stack = Stack::with("main.tf", &text);
    for arguments in [&["validate"][..], &["validate", "-json"], &["plan"]] {
        let run = stack.terrane(arguments.iter().copied()).run().expect_status(1);
        assert_hidden(&run, &[CANARY]);
        assert!(run.stdout.contains("does not fit") || run.stderr.contains("does not fit"), "{run}");
    }
}

/// What stands in a backend block, or is given to `init`, is a secret of the backend.
#[test]
fn backends_do_not_tell_their_secrets() {
    for block in [
        format!(
            "\"http\" {{\n address = \"http://127.0.0.1:1/x\"\n username = \"u\"\n password = \"{CANARY}\"\n retry_max = 0\n}}"
        ),
        format!("\"http\" {{\n address = \"http://u:{CANARY}@127.0.0.1:1/x\"\n retry_max = 0\n}}"),
        format!("\"pg\" {{\n conn_str = \"postgres://u:{CANARY}@127.0.0.1:1/x\"\n}}"),
        format!("\"pg\" {{\n conn_str = \"host=127.0.0.1 password={CANARY} nonsense=1\"\n}}"),
        format!("\"s3\" {{\n bucket = \"b\"\n key = \"k\"\n secret_key = [\"{CANARY}\"]\n}}"),
        format!("\"gcs\" {{\n bucket = \"b\"\n credentials = \"{CANARY}\"\n}}"),
        format!(
            "\"azurerm\" {{\n storage_account_name = \"b\"\n container_name = \"c\"\n key = \"k\"\n access_key = \"{CANARY}\"\n}}"
        ),
    ] {
        let stack = Stack::with("main.tf", &format!("terraform {{\n backend {block}\n}}\n"));
        // A line of the block may be shown where it is wrong: it stands in the configuration.
        let wrong = block.contains("[\"");
        for arguments in [&["init"][..], &["plan"]] {
            let run = stack.terrane(arguments.iter().copied()).env("TERRANE_LOG", "trace").run();
            assert!(wrong || run.status == Some(1), "{run}");
            assert_hidden(&run, if wrong { &[] } else { &[CANARY] });
        }
        let kept = files_with(&stack.dir(), CANARY);
        assert!(kept.iter().all(|path| path.ends_with("main.tf")), "{kept:?}");
    }
    let stack =
        Stack::with("main.tf", "terraform {\n backend \"http\" {\n address = \"http://127.0.0.1:1/x\"\n }\n}\n");
    for text in [
        format!("password = \"{CANARY}"),
        format!("password = {CANARY}(\n"),
        format!("password {{ a = \"{CANARY}\" }}"),
    ] {
        stack.write("secret.tfbackend", &text);
        let run = stack.terrane(["init", "-backend-config=secret.tfbackend"]).run().expect_status(1);
        assert_hidden(&run, &[CANARY]);
    }
}
