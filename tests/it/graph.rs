//! The graph of a configuration: as tools know it in DOT, and as a picture.

use super::support::cli::Stack;

const STACK: &str = r#"
variable "v" {
  default = 1
}
locals {
  l = var.v
}
resource "terraform_data" "a" {
  input = local.l
}
resource "terraform_data" "b" {
  count = 2
  input = terraform_data.a.id
}
module "m" {
  source = "./m"
  in     = "${terraform_data.a.id} ${terraform_data.b[0].id}"
}
output "o" {
  value = module.m.out
}
"#;

const CHILD: &str = r#"
variable "in" {}
resource "terraform_data" "x" {
  input = var.in
}
resource "terraform_data" "y" {
  input = terraform_data.x.id
}
output "out" {
  value = terraform_data.y.id
}
"#;

fn stack() -> Stack {
    let stack = Stack::with("main.tf", STACK);
    stack.write("m/main.tf", CHILD);
    stack
}

#[test]
fn resources_and_operations_are_written_in_dot() {
    let stack = stack();
    let resources = stack.terrane(["graph"]).run().success();
    let plan = stack.terrane(["graph", "-type=plan"]).run().success();
    insta::assert_snapshot!(format!("{}\n{}", resources.stdout, plan.stdout));
}

#[test]
fn a_picture_shows_modules_and_what_a_plan_does() {
    let stack = stack();
    stack.terrane(["apply", "-auto-approve", "-target=terraform_data.a"]).run().success();
    let picture = stack.terrane(["graph", "-format=svg", "-type=plan"]).run().success().stdout;
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"), "{picture}");
    for text in [">module.m</text>", ">no change</text>", ">create</text>", ">terraform_data</text>"] {
        assert!(picture.contains(text), "{text}: {picture}");
    }
    // Four blocks and one module; an arrow inside of the module and one into it, and one between the others.
    assert_eq!(picture.matches("stroke-dasharray").count(), 1, "{picture}");
    assert_eq!(picture.matches("marker-start").count(), 3, "{picture}");
}

#[test]
fn a_saved_plan_is_shown_without_its_configuration() {
    let stack = stack();
    stack.terrane(["plan", "-out=p"]).run().success();
    let graphs = |run: &[&str]| stack.terrane(run).run().success().stdout;
    let (apply, picture) = (graphs(&["graph", "-type=apply"]), graphs(&["graph", "-format=svg", "-type=plan"]));
    stack.write("main.tf", "");
    assert_eq!(graphs(&["graph", "-plan=p"]), apply);
    assert_eq!(graphs(&["graph", "-plan=p", "-format=svg"]), picture);
    stack.terrane(["graph", "-plan=p", "-type=plan"]).run().expect_status(1);
    stack.terrane(["graph", "-plan=main.tf"]).run().expect_status(1);
}

#[test]
fn cycles_are_errors_or_drawn() {
    let text = r#"
locals {
  x = terraform_data.b.id
}
resource "terraform_data" "a" {
  input = local.x
}
resource "terraform_data" "b" {
  input = terraform_data.a.id
}
resource "terraform_data" "c" {
  input = terraform_data.a.id
}
"#;
    let stack = Stack::with("main.tf", text);
    let refused = stack.terrane(["graph", "-type=plan"]).run().expect_status(1);
    assert!(refused.stderr.contains("cycle: ") && refused.stdout.is_empty(), "{refused}");
    let drawn = stack.terrane(["graph", "-type=plan", "-draw-cycles"]).run().success().stdout;
    let red: Vec<&str> = drawn.lines().filter(|line| line.contains("red")).map(str::trim).collect();
    insta::assert_snapshot!(red.join("\n"), @r#"
    "[root] local.x (expand)" -> "[root] terraform_data.b (expand)" [color = "red", penwidth = "2.0"]
    "[root] terraform_data.a (expand)" -> "[root] local.x (expand)" [color = "red", penwidth = "2.0"]
    "[root] terraform_data.b (expand)" -> "[root] terraform_data.a (expand)" [color = "red", penwidth = "2.0"]
    "#);
    let resources = stack.terrane(["graph", "-draw-cycles"]).run().success().stdout;
    assert!(resources.contains("\"terraform_data.a\" -> \"terraform_data.b\""), "{resources}");
    let picture = stack.terrane(["graph", "-draw-cycles", "-format=svg"]).run().success().stdout;
    assert!(picture.starts_with("<svg "), "{picture}");
    stack.write("main.tf", &text.replace("local.x", "local.y"));
    stack.terrane(["graph", "-draw-cycles"]).run().expect_status(1);
}
