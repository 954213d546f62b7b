//! Constructs of the language as plans and applies show them, each in both spellings: what the `.tf` form does,
//! the YAML form must do to the letter.

mod blocks;
mod conditions;
mod deferral;
mod ephemeral;
mod imports;
mod instances;
mod module_sources;
mod moves;
#[cfg(feature = "aws")]
mod nested_blocks;
#[cfg(feature = "aws")]
mod provider_instances;
mod remote_state;

use super::support::cli::{Run, Stack};
use super::support::normalise::Normaliser;

/// The same configuration twice.
struct Pair {
    tf: Stack,
    yaml: Stack,
    told: String,
    names: Normaliser,
}

impl Pair {
    fn new(tf: &str, yaml: &str) -> Pair {
        Pair {
            tf: Stack::with("main.tf", tf),
            yaml: Stack::with("stack.yaml", yaml),
            told: String::new(),
            names: Normaliser::new(),
        }
    }

    /// Both with another configuration from now on.
    fn rewrite(&mut self, tf: &str, yaml: &str) {
        self.tf.write("main.tf", tf);
        self.yaml.write("stack.yaml", yaml);
    }

    /// The same file in both.
    fn file(&mut self, name: &str, text: &str) {
        self.tf.write(name, text);
        self.yaml.write(name, text);
    }

    /// Runs a command in both. They must print the same; where lines of the sources are shown, only how the
    /// command ended is compared. Gives what the `.tf` one did.
    #[track_caller]
    fn run(&mut self, arguments: &[&str]) -> Run {
        let (tf, yaml) = (self.tf.terrane(arguments).run(), self.yaml.terrane(arguments).run());
        let plain = |run: &Run| Normaliser::new().text(&run.stdout);
        assert_eq!(tf.status, yaml.status, "{tf}\n{yaml}");
        assert_eq!(plain(&tf), plain(&yaml), "{tf}\n{yaml}");
        let text = tf.transcript_with(&mut self.names);
        self.told.push_str(&format!("{text}\n"));
        tf
    }

    /// Plans in both and gives the plan's JSON, which must be the same.
    #[track_caller]
    fn plan_json(&self) -> serde_json::Value {
        self.plan_json_with(&[])
    }

    #[track_caller]
    fn plan_json_with(&self, flags: &[&str]) -> serde_json::Value {
        let [one, other] = [&self.tf, &self.yaml].map(|stack| {
            stack.terrane(["plan", "-out=p"].iter().chain(flags)).run().success();
            let mut json = stack.terrane(["show", "-json", "p"]).run().success().json();
            for volatile in ["timestamp", "configuration"] {
                json.as_object_mut().unwrap().remove(volatile);
            }
            json
        });
        let plain = |json: &serde_json::Value| Normaliser::new().text(&format!("{json:#}"));
        assert_eq!(plain(&one), plain(&other));
        one
    }

    /// All that was run so far, for a snapshot.
    fn told(&self) -> &str {
        &self.told
    }
}
