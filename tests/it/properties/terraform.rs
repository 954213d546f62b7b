//! The same stacks and expressions for the released Terraform, and what it makes of them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::write::Files;
use crate::conformance_plans::without_ids;

/// A folder that Terraform works in.
pub struct Terraform {
    root: tempfile::TempDir,
}

/// What Terraform made of one step, in the form of the recorded plans.
pub enum Step {
    Planned { plan: Json, applied: bool },
    Refused { error: String },
}

impl Terraform {
    /// Nothing where there is no Terraform.
    pub fn new() -> Option<Terraform> {
        Command::new("terraform").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        Some(Terraform { root: tempfile::tempdir().expect("a temporary folder") })
    }

    fn run(&self, arguments: &[&str], stdin: &str) -> Output {
        // A value that grows without end must not take the machine along.
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 8000000 && exec terraform \"$@\"", "terraform"]);
        command.args(arguments).current_dir(self.root.path());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.root.path());
        command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1").env("TF_CLI_CONFIG_FILE", "/dev/null");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("terraform starts");
        let mut pipe = child.stdin.take().expect("stdin is piped");
        let text = stdin.to_owned();
        let writer = std::thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
        let output = child.wait_with_output().expect("terraform ends");
        drop(writer.join());
        output
    }

    fn write(&self, files: &Files) {
        for entry in std::fs::read_dir(self.root.path()).expect("our folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('m') && entry.path().is_dir() {
                drop(std::fs::remove_dir_all(entry.path()));
            }
        }
        for (name, text) in files {
            let path = self.root.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
            std::fs::write(path, text).expect("the folder is writable");
        }
    }

    /// Plans and applies one step.
    pub fn step(&self, files: &Files) -> Step {
        self.write(files);
        let plan_file = self.root.path().join("plan");
        drop(std::fs::remove_file(&plan_file));
        for arguments in [&["init", "-no-color"][..], &["plan", "-no-color", "-input=false", "-out=plan"]] {
            let output = self.run(arguments, "");
            if !output.status.success() {
                return Step::Refused { error: String::from_utf8_lossy(&output.stderr).into_owned() };
            }
        }
        let shown = self.run(&["show", "-json", "plan"], "");
        let shown: Json = serde_json::from_slice(&shown.stdout).expect("terraform shows the plan as JSON");
        let applied = self.run(&["apply", "-no-color", "plan"], "").status.success();
        Step::Planned { plan: recorded(&shown), applied }
    }

    /// The JSON texts of expressions; nothing for those that are errors.
    pub fn evaluate(&self, expressions: &[String]) -> Result<Vec<Option<String>>, String> {
        let each: Vec<String> = expressions.iter().map(|e| format!("try(jsonencode({e}), \"error\")")).collect();
        let line = format!("base64encode(jsonencode([{}]))\n", each.join(", "));
        let output = self.run(&["console"], &line);
        let text = String::from_utf8_lossy(&output.stdout);
        let decoded = STANDARD.decode(text.trim().trim_matches('"')).ok();
        let list: Option<Vec<String>> = decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let told = || format!("{}{}", text, String::from_utf8_lossy(&output.stderr));
        Ok(list.ok_or_else(told)?.into_iter().map(|text| (text != "error").then_some(text)).collect())
    }
}

/// The changes and outputs of `show -json` of a plan, as the conformance data has them.
fn recorded(shown: &Json) -> Json {
    let empty = Vec::new();
    let changes = shown["resource_changes"].as_array().unwrap_or(&empty).iter().map(|c| {
        let inner = &c["change"];
        json!({
            "actions": inner["actions"],
            "address": c["address"],
            "after": inner["after"],
            "after_unknown": inner["after_unknown"],
            "before": inner["before"],
            "previous_address": c.get("previous_address"),
            "reason": c.get("action_reason"),
            "replace_paths": inner.get("replace_paths"),
        })
    });
    let outputs = shown["output_changes"].as_object().into_iter().flatten().map(|(name, c)| {
        let entry = json!({
            "actions": c["actions"],
            "after": c["after"],
            "after_sensitive": c["after_sensitive"],
            "after_unknown": c["after_unknown"],
        });
        (name.clone(), entry)
    });
    let outputs: Map<String, Json> = outputs.collect();
    without_ids(json!({ "changes": changes.collect::<Vec<Json>>(), "outputs": outputs }))
}

/// Keeps a case as a fixture, in the form of the recorded plans.
pub fn keep(folder: &Path, steps: &[(Files, Step)]) -> PathBuf {
    for (i, (files, step)) in steps.iter().enumerate() {
        let number = i + 1;
        for (name, text) in files {
            let path = folder.join(format!("step{number}")).join(name);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
            std::fs::write(path, text).expect("the folder is writable");
        }
        let recorded = match step {
            Step::Planned { plan, applied: true } => plan.clone(),
            Step::Planned { plan, applied: false } => {
                let mut plan = plan.clone();
                plan["apply_error"] = true.into();
                plan
            }
            Step::Refused { error } => json!({ "error": error }),
        };
        let text = serde_json::to_string_pretty(&recorded).expect("JSON can be written");
        std::fs::write(folder.join(format!("step{number}.json")), text + "\n").expect("the folder is writable");
    }
    folder.to_path_buf()
}
