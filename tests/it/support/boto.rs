//! Acts on a test server behind the command's back, as a colleague with the console does, and tells what it has.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::cli::Stack;
use super::python::python;

/// Ids by resource type.
pub type Inventory = BTreeMap<String, Vec<String>>;

/// One server and one region of it.
pub struct Boto {
    url: String,
    region: String,
}

impl Boto {
    pub fn new(url: &str, region: &str) -> Boto {
        Boto { url: url.to_owned(), region: region.to_owned() }
    }

    /// Runs Python text, in which `client("ec2")` is a boto3 client and `tell(value)` prints JSON; gives what it
    /// printed. An exception fails the test.
    pub fn run(&self, text: &str) -> String {
        let mut child = Command::new(python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/boto.py"))
            .args([&self.url, &self.region])
            .env_remove("AWS_PROFILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the virtual environment's python starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        stdin.write_all(text.as_bytes()).expect("python reads its input");
        drop(stdin);
        let output = child.wait_with_output().expect("python is our child");
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Everything in the region that a stack could have made. IAM and S3 know no regions: of theirs only what
    /// begins with `name`.
    pub fn inventory(&self, name: &str) -> Inventory {
        let mut found: Inventory = serde_json::from_str(&self.run("tell(inventory())")).expect("the inventory is JSON");
        for ty in ["aws_iam_role", "aws_iam_role_policy_attachment", "aws_s3_bucket"] {
            if let Some(ids) = found.get_mut(ty) {
                ids.retain(|id| id.starts_with(name));
            }
        }
        found.retain(|_, ids| !ids.is_empty());
        found
    }
}

/// What the state of a stack has, of the types that an inventory tells.
pub fn state_inventory(stack: &Stack) -> Inventory {
    const SETTINGS: [&str; 3] = [
        "aws_s3_bucket_versioning",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_public_access_block",
    ];
    let state = stack.terrane(["show", "-json"]).run().success().json();
    let mut found = Inventory::new();
    let mut modules = vec![&state["values"]["root_module"]];
    while let Some(module) = modules.pop() {
        modules.extend(module["child_modules"].as_array().into_iter().flatten());
        for resource in module["resources"].as_array().into_iter().flatten() {
            let (ty, values) = (resource["type"].as_str().unwrap_or_default(), &resource["values"]);
            if resource["mode"] != "managed" || !ty.starts_with("aws_") || SETTINGS.contains(&ty) {
                continue;
            }
            let text = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
            let id = match ty {
                "aws_route" => format!("{} {}", text("route_table_id"), text("destination_cidr_block")),
                _ => text("id"),
            };
            found.entry(ty.to_owned()).or_default().push(id);
        }
    }
    found.values_mut().for_each(|ids| ids.sort());
    found
}
