//! A short expression that stands for more than any memory holds is an error.

use super::Env;
use super::tests::{World, compile, eval};
use crate::lang::limits::MAX_ROUNDS;
use crate::model::Value;

fn refused(text: &str) {
    let problem = match eval(text) {
        Ok(value) => panic!("{text} gives {:?}", value.extent()),
        Err(problem) => format!("{} {}", problem.summary, problem.label.unwrap_or_default()),
    };
    assert!(problem.contains("too large") || problem.contains("too deeply"), "{text}: {problem}");
}

/// An expression in which `x` is made anew from `x` again and again.
fn again(times: usize, step: &str) -> String {
    let opening = format!("[for x in [{step}] : ").repeat(times);
    format!("[for x in [\"abcdefgh\"] : {opening} length(x) {}]", "]".repeat(times))
}

#[test]
fn values_that_double() {
    assert!(eval(&again(10, "[x, x]")).is_ok());
    refused(&again(50, "[x, x]"));
    refused(&again(50, "{ a = x, b = x }"));
    refused(&again(50, "concat(flatten([x]), flatten([x]))"));
    refused(&again(50, "[x == x, x, x]"));
}

#[test]
fn texts_that_double() {
    assert!(eval(&again(10, "\"${x}${x}\"")).is_ok());
    refused(&again(50, "\"${x}${x}\""));
    // These grow by much more than twice.
    refused(&again(50, "replace(x, \"a\", x)"));
    refused(&again(50, "join(x, [for i in range(99) : x])"));
    refused(&again(50, "format(\"%99999s%s\", x, replace(x, \" \", x))"));
}

#[test]
fn products() {
    assert!(eval("setproduct(range(100), range(100))").is_ok());
    refused("setproduct(range(1024), range(1024), range(1024), range(1024), range(1024))");
}

#[test]
fn loops_in_loops() {
    refused("[for a in range(1024) : [for b in range(1024) : range(1024)]]");
    refused("{ for a in range(1024) : a => { for b in range(1024) : b => range(1024) } }");
    // Nothing need be made of the elements.
    let mut world = World { variables: vec![("l", Value::tuple(vec![Value::TRUE; 1024]))] };
    let compiled = compile("[for a in var.l : a if a == null]", &mut world).unwrap();
    let mut env = Env::new(&world);
    assert!(compiled.value(&mut env).is_ok());
    env.rounds = MAX_ROUNDS - 10;
    assert_eq!(compiled.value(&mut env).unwrap_err().summary, "the value is too large");
}
