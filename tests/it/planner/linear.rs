//! What grows with the number of instances, counted: a plan of n users of m objects has about n + m edges, not n * m.

use super::*;

const MODULE: &str =
    "resource \"terraform_data\" \"in\" {\n  input = \"in\"\n}\noutput \"id\" {\n  value = terraform_data.in.id\n}\n";

#[test]
fn many_users_of_all_instances_of_a_module_follow_them_as_one() {
    let root = r#"
module "m" {
  source = "./m"
  count  = 60
}
resource "terraform_data" "user" {
  count = 60
  input = module.m[*].id
}
output "ids" {
  value = distinct(flatten([terraform_data.user[0].output, module.m[*].id]))
}
"#;
    let stack = Stack::new(&[("main.tf", root), ("m/main.tf", MODULE)]);
    let (plan, outcome) = stack.apply(&options());
    let edges: usize = plan.steps.iter().map(|step| step.after.len()).sum();
    assert!(edges < 600, "{edges} edges");
    assert!(outcome.succeeded(), "{}", said(&outcome.diagnostics));
    let ids = &outcome.outputs[0].1;
    assert_eq!(ids.as_items().map(<[_]>::len), Some(60), "{ids:?}");
    assert!(ids.is_wholly_known());
    assert_eq!(changes(&stack.plan(&options())), "");
}
