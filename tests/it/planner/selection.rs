//! `-target`, `-exclude` and `-replace`.

use super::{Stack, changes, destroying, excluding, options, replacing, said, targeting};

const MAIN: &str = r#"
resource "terraform_data" "base" {}
resource "terraform_data" "mid" {
  input = terraform_data.base.id
}
resource "terraform_data" "top" {
  input = terraform_data.mid.id
}
resource "terraform_data" "many" {
  count = 2
  input = terraform_data.base.id
}
resource "terraform_data" "user" {
  input = terraform_data.many[0].id
}
module "m" {
  source   = "./m"
  for_each = toset(["a", "b"])
}
resource "terraform_data" "outer" {
  input = module.m["b"].y
}
output "base" {
  value = terraform_data.base.id
}
output "top" {
  value = terraform_data.top.id
}
"#;

const MODULE: &str = r#"
resource "terraform_data" "x" {}
resource "terraform_data" "y" {
  input = terraform_data.x.id
}
resource "terraform_data" "z" {}
output "y" {
  value = terraform_data.y.id
}
"#;

fn stack() -> Stack {
    Stack::new(&[("main.tf", MAIN), ("m/main.tf", MODULE)])
}

fn applied() -> Stack {
    let stack = stack();
    assert!(stack.apply(&options()).1.succeeded());
    stack
}

#[test]
fn destroying_a_target_takes_along_what_needs_it_and_leaves_what_it_needs() {
    let stack = applied();
    let plan = |targets: &[&str]| changes(&stack.plan(&targeting(destroying(), targets)));
    assert_eq!(
        plan(&["terraform_data.mid"]),
        "delete terraform_data.mid\ndelete terraform_data.top\ndelete output.top"
    );
    assert_eq!(plan(&["terraform_data.many[1]"]), "delete terraform_data.many[1]\ndelete terraform_data.user");
    let (_, outcome) = stack.apply(&targeting(destroying(), &["terraform_data.top"]));
    assert!(outcome.succeeded());
    let kept: Vec<_> = stack.session().snapshot.outputs.keys().map(|name| name.to_string()).collect();
    assert_eq!(kept, ["base"], "outputs of what was not destroyed stay");
}

#[test]
fn destroying_all_but_something_leaves_what_that_needs() {
    let stack = applied();
    let plan = changes(&stack.plan(&excluding(destroying(), &["terraform_data.mid", "module.m"])));
    let lost = ["many[0]", "many[1]", "outer", "top", "user"].map(|name| format!("delete terraform_data.{name}"));
    assert_eq!(plan, format!("{}\ndelete output.top", lost.join("\n")));
}

#[test]
fn keys_of_modules_choose_their_instances() {
    let stack = applied();
    let plan = |targets: &[&str]| changes(&stack.plan(&targeting(destroying(), targets)));
    let within = |key: &str, names: &[&str]| {
        let line = |n: &&str| format!("delete module.m[\"{key}\"].terraform_data.{n}\n");
        names.iter().map(line).collect::<String>()
    };
    let outer = "delete terraform_data.outer";
    let one = plan(&["module.m[\"a\"].terraform_data.x"]);
    assert_eq!(one, format!("{outer}\n{}", within("a", &["x", "y"])).trim_end());
    assert_eq!(plan(&["module.m[\"a\"]"]), format!("{outer}\n{}", within("a", &["x", "y", "z"])).trim_end());
    let all = [within("a", &["y"]), within("b", &["y"])].concat();
    assert_eq!(plan(&["module.m.terraform_data.y"]), format!("{outer}\n{all}").trim_end());

    let fresh = self::stack();
    let plan = |options| changes(&fresh.plan(&options));
    assert_eq!(
        plan(targeting(options(), &["module.m[\"a\"].terraform_data.y"])),
        "create module.m[\"a\"].terraform_data.x\ncreate module.m[\"a\"].terraform_data.y"
    );
    assert_eq!(
        plan(excluding(targeting(options(), &["module.m"]), &["module.m[\"a\"].terraform_data.x"])),
        "create module.m[\"a\"].terraform_data.z\n\
         create module.m[\"b\"].terraform_data.x\ncreate module.m[\"b\"].terraform_data.y\ncreate module.m[\"b\"].terraform_data.z"
    );
}

#[test]
fn leaving_out_an_instance_leaves_out_what_needs_it() {
    let plan = changes(&stack().plan(&excluding(options(), &["terraform_data.many[0]", "module.m"])));
    let made = ["base", "many[1]", "mid", "top"].map(|name| format!("create terraform_data.{name}"));
    assert_eq!(plan, format!("{}\ncreate output.base\ncreate output.top", made.join("\n")));
}

/// Objects whose blocks are gone, of which the state says what they were made from.
#[test]
fn objects_without_a_block_are_chosen_by_name() {
    let gone = r#"
resource "terraform_data" "base" {}
resource "terraform_data" "first" {
  input = terraform_data.base.id
}
resource "terraform_data" "second" {
  input = terraform_data.first.id
}
resource "terraform_data" "keyed" {
  count = 2
}
resource "terraform_data" "stays" {
  input = terraform_data.first.id
}
module "gone" {
  source = "./m"
}
"#;
    let left = "resource \"terraform_data\" \"base\" {}\nresource \"terraform_data\" \"stays\" {\n  input = 1\n}\n";
    let stack = Stack::new(&[("main.tf", gone), ("m/main.tf", "resource \"terraform_data\" \"x\" {}\n")]);
    assert!(stack.apply(&options()).1.succeeded());
    stack.write("main.tf", left);
    let plan = |options| changes(&stack.plan(&options));
    let target = |targets: &[&str]| plan(targeting(options(), targets));
    assert_eq!(target(&["terraform_data.second"]), "delete terraform_data.second");
    assert_eq!(target(&["terraform_data.keyed"]), "delete terraform_data.keyed[0]\ndelete terraform_data.keyed[1]");
    assert_eq!(target(&["terraform_data.keyed[1]"]), "delete terraform_data.keyed[1]");
    assert_eq!(target(&["module.gone"]), "delete module.gone.terraform_data.x");
    let exclude = |excludes: &[&str]| plan(excluding(options(), excludes));
    assert_eq!(
        exclude(&["terraform_data.second", "module.gone"]),
        "delete terraform_data.keyed[0]\ndelete terraform_data.keyed[1]\nupdate terraform_data.stays",
        "what an object was made from stays as long as it does"
    );
    assert_eq!(
        exclude(&["terraform_data.keyed[0]", "terraform_data.stays", "module.gone"]),
        "delete terraform_data.keyed[1]\ndelete terraform_data.second"
    );
    assert_eq!(
        plan(targeting(destroying(), &["terraform_data.base"])),
        "delete terraform_data.base\ndelete terraform_data.first\ndelete terraform_data.second\ndelete terraform_data.stays",
        "nothing is left that was made from what is destroyed"
    );
}

/// What is left out is not even evaluated: it may not be known yet.
#[test]
fn what_is_left_out_is_no_question() {
    let main = r#"
resource "terraform_data" "a" {}
locals {
  n = length(terraform_data.a.id)
}
resource "terraform_data" "b" {
  count = local.n
}
data "local_file" "f" {
  filename = "nowhere-${local.n}"
}
"#;
    let stack = Stack::new(&[("main.tf", main)]);
    let at_once = terrane::plan::Options { defer: false, ..targeting(options(), &["terraform_data.a"]) };
    let plan = stack.plan(&at_once);
    assert_eq!(changes(&plan), "create terraform_data.a");
    assert_eq!(
        said(&plan.diagnostics),
        "warning this plan is not complete: -target leaves parts out: what is left out stays as it is, even where it \
         differs from the configuration"
    );
    assert_eq!(said(&stack.plan(&options()).diagnostics), "");
}

#[test]
fn a_replacement_names_an_instance() {
    let stack = applied();
    let plan = |options, names: &[&str]| stack.plan(&replacing(options, names));
    assert_eq!(
        changes(&plan(targeting(options(), &["terraform_data.many"]), &["terraform_data.many[1]"])),
        "delete-create terraform_data.many[1]"
    );
    for name in ["terraform_data.many", "terraform_data.many[7]", "module.m.terraform_data.x", "terraform_data.top[0]"]
    {
        let told = said(&plan(options(), &[name]).diagnostics);
        assert_eq!(told, format!("error -replace names {name}, and there is no such instance"));
    }
    let told = said(&plan(targeting(options(), &["terraform_data.base"]), &["terraform_data.top"]).diagnostics);
    assert!(told.contains("error -replace names terraform_data.top, which -target or -exclude leaves out"), "{told}");
}
