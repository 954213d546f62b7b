//! Sources of modules that are made of variables and locals, and such that are whole paths.

use super::Pair;

const TF: &str = r#"
variable "kind" {
  default = "one"
}
locals {
  folder = "./modules"
  place  = "${local.folder}/${var.kind}"
}
module "m" {
  source = local.place
}
module "n" {
  source = "${path.module}/modules/two"
}
output "o" {
  value = [module.m.name, module.n.name]
}
"#;

const YAML: &str = r#"
variable:
  kind: {default: one}
locals:
  folder: ./modules
  place: ${local.folder}/${var.kind}
module:
  m: {source: '${local.place}'}
  n: {source: '${path.module}/modules/two'}
output:
  o: {value: ['${module.m.name}', '${module.n.name}']}
"#;

fn pair(tf: &str, yaml: &str) -> Pair {
    let mut pair = Pair::new(tf, yaml);
    for name in ["one", "two"] {
        let text = format!("output \"name\" {{\n  value = \"{name}\"\n}}\n");
        pair.file(&format!("modules/{name}/main.tf"), &text);
    }
    pair
}

#[test]
fn sources_are_made_of_what_is_known_before() {
    let mut pair = pair(TF, YAML);
    pair.run(&["apply", "-auto-approve"]).success();
    assert_eq!(pair.run(&["output", "-json", "o"]).success().json(), serde_json::json!(["one", "two"]));
    // A saved plan keeps the value that it was made with.
    pair.run(&["plan", "-var=kind=two", "-out=saved"]).success();
    pair.run(&["show", "saved"]).success();
    pair.run(&["apply", "saved"]).success();
    assert_eq!(pair.run(&["output", "-json", "o"]).success().json(), serde_json::json!(["two", "two"]));
}

#[test]
fn whole_paths_are_read() {
    let mut pair = pair("", "");
    for (name, stack) in [("main.tf", &pair.tf), ("stack.yaml", &pair.yaml)] {
        let place = stack.dir().join("modules/one");
        let place = place.display();
        stack.write(
            name,
            &match name {
                "main.tf" => format!(
                    "module \"m\" {{\n  source = \"{place}\"\n}}\noutput \"o\" {{\n  value = module.m.name\n}}\n"
                ),
                _ => format!("module:\n  m: {{source: {place}}}\noutput:\n  o: {{value: '${{module.m.name}}'}}\n"),
            },
        );
    }
    pair.run(&["apply", "-auto-approve"]).success();
    assert_eq!(pair.run(&["output", "-json", "o"]).success().json(), "one");
}

#[test]
fn sources_that_are_not_known_are_told() {
    let told = |tf: &str, yaml: &str| pair(tf, yaml).run(&["validate"]).expect_status(1).said();
    let said = told(
        "resource \"terraform_data\" \"a\" {}\nmodule \"m\" {\n  source = \"./modules/${terraform_data.a.id}\"\n}\n",
        "resource:\n  terraform_data:\n    a: {}\nmodule:\n  m: {source: './modules/${terraform_data.a.id}'}\n",
    );
    assert!(said.contains("only variables and locals can be used here"), "{said}");
    let said = told(
        "variable \"a\" {}\nmodule \"m\" {\n  source = var.a\n}\n",
        "variable:\n  a: {}\nmodule:\n  m: {source: '${var.a}'}\n",
    );
    assert!(said.contains("variable \"a\" has no value"), "{said}");
    let mut outer = pair("module \"m\" {\n  source = \"./outer\"\n}\n", "module:\n  m: {source: ./outer}\n");
    outer.file(
        "outer/main.tf",
        "variable \"a\" {\n  default = \"b\"\n}\nmodule \"m\" {\n  source = \"../modules/${var.a}\"\n}\n",
    );
    let said = outer.run(&["validate"]).expect_status(1).said();
    assert!(said.contains("the value of \"var.a\" is not known here"), "{said}");
}
