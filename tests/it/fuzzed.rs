//! The fuzz targets on their seeds, among which are the inputs that once broke something.

use std::path::Path;

#[path = "../../fuzz/lib.rs"]
mod targets;

#[test]
fn every_target_takes_its_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, target) in targets::TARGETS {
        let binary = std::fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(binary.contains(&format!("terrane_fuzz::run(\"{name}\"")), "{name} runs its function");
        let mut seeds = 0;
        for entry in std::fs::read_dir(root.join("seeds").join(name)).unwrap() {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has seeds");
    }
}

#[test]
fn expressions_over_all_kinds_of_values_keep_their_promises() {
    let names = ["s", "n", "l", "t", "o", "e", "f", "u", "d", "p", "c", "b", "z"];
    let attribute = |name: &str| format!("a.{name}");
    let operators = ["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "&&", "||"];
    let mut texts: Vec<String> = Vec::new();
    for one in names.map(attribute) {
        texts.extend(["!", "-"].map(|operator| format!("{operator}{one}")));
        for form in
            ["[for x in @ : x]", "{ for k, v in @ : k => v }", "{ for v in @ : v => v... }", "@[*]", "@[0]", "@.k"]
        {
            texts.push(form.replace('@', &one));
        }
        for form in ["\"<${@}>\"", "@ ? 1 : 2", "[@][0]", "{ (@) = 1 }", "a.l[@]", "%{ for x in @ }${x}%{ endfor }"] {
            texts.push(form.replace('@', &one));
        }
        for other in names.map(attribute) {
            texts.extend(operators.map(|operator| format!("{one} {operator} {other}")));
            texts.push(format!("a.n == 7 ? {one} : {other}"));
            texts.push(format!("a.u == \"x\" ? {one} : {other}"));
        }
        for function in terrane::lang::functions::all().filter(|f| f.name != "bcrypt") {
            for more in ["", ", 1", ", \"x\"", ", a.s", ", a.n", ", a.l", ", a.e", ", 0, 1"] {
                texts.push(format!("{}({one}{more})", function.name));
            }
            texts.push(format!("{}(\"x\", {one})", function.name));
        }
    }
    for text in texts {
        targets::run("evaluator", text.as_bytes());
        targets::run("template", format!("<${{{text}}}>").as_bytes());
    }
}
