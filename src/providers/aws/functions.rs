//! The functions of the AWS provider: ARNs put together and taken apart.

use crate::model::{Type, Value};
use crate::provider::function::text;
use crate::provider::{FunctionParam, ProviderFunction};

const PARTS: [&str; 5] = ["partition", "service", "region", "account_id", "resource"];

pub fn functions() -> Vec<ProviderFunction> {
    let arn = || FunctionParam::string("arn", "An ARN, such as arn:aws:iam::444455556666:role/example.");
    vec![
        ProviderFunction {
            name: "arn_build",
            doc: "The ARN of these parts.",
            params: PARTS.map(|name| FunctionParam::string(name, "The part of this name; may be empty.")).into(),
            returns: Type::String,
            body: |args| Ok(format!("arn:{}", (0..5).map(|i| text(args, i)).collect::<Vec<_>>().join(":")).into()),
        },
        ProviderFunction {
            name: "arn_parse",
            doc: "The parts of an ARN.",
            params: vec![arn()],
            returns: Type::object(PARTS.map(|name| (name, Type::String))),
            body: |args| {
                let parts = parts(text(args, 0))?;
                Ok(Value::object(PARTS.into_iter().zip(parts.map(Value::from))))
            },
        },
        ProviderFunction {
            name: "trim_iam_role_path",
            doc: "The ARN of an IAM role without the path before its name.",
            params: vec![arn()],
            returns: Type::String,
            body: |args| {
                let arn = text(args, 0);
                let [_, service, _, _, resource] = parts(arn)?;
                let role = resource.strip_prefix("role/").filter(|_| service == "iam");
                let role = role.ok_or_else(|| format!("\"{arn}\" is not the ARN of an IAM role"))?;
                let name = role.rsplit('/').next().unwrap_or(role);
                let head = arn.strip_suffix(role).unwrap_or(arn);
                Ok(format!("{head}{name}").into())
            },
        },
    ]
}

fn parts(arn: &str) -> Result<[&str; 5], String> {
    let wrong = || format!("\"{arn}\" is not an ARN");
    let mut parts = arn.strip_prefix("arn:").ok_or_else(wrong)?.splitn(5, ':');
    let mut next = || parts.next().ok_or_else(wrong);
    Ok([next()?, next()?, next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, args: &[&str]) -> Result<Value, String> {
        let all = functions();
        let function = all.iter().find(|f| f.name == name).ok_or("no such function")?;
        (function.body)(&args.iter().map(|a| Value::from(*a)).collect::<Vec<_>>())
    }

    #[test]
    fn arns_are_taken_apart_and_put_together() {
        let arn = "arn:aws:iam::444455556666:role/with/path/example";
        let parsed = call("arn_parse", &[arn]).unwrap();
        assert_eq!(parsed.attr("resource"), Some("role/with/path/example".into()));
        assert_eq!(parsed.attr("region"), Some("".into()));
        let built = call("arn_build", &["aws", "iam", "", "444455556666", "role/with/path/example"]);
        assert_eq!(built, Ok(arn.into()));
        assert_eq!(call("trim_iam_role_path", &[arn]), Ok("arn:aws:iam::444455556666:role/example".into()));
        assert!(call("arn_parse", &["arn:aws:s3"]).is_err());
        assert!(call("trim_iam_role_path", &["arn:aws:s3:::role/x"]).is_err());
    }
}
