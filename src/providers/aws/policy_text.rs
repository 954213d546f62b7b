//! Policy documents as the user wrote them, where the service keeps one of the same meaning.

use crate::model::equality::same;
use crate::model::{Equality, Object, Value};

/// What the state or the configuration says under `name` if it means the same as what the service has, else that.
pub fn as_said(actual: String, like: Option<&Object>, name: &str) -> String {
    let means_it =
        |said: &String| same(&Value::string(said.as_str()), &Value::string(actual.as_str()), Equality::Policy);
    like.and_then(|o| o.string(name)).filter(means_it).unwrap_or(actual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectBuilder;

    #[test]
    fn documents_stay_as_written_while_they_mean_the_same() {
        let actual = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let said =
            |text: &str| as_said(actual.to_string(), Some(&ObjectBuilder::new().set("policy", text).build()), "policy");
        let same = r#"{ "Statement": [], "Version": "2012-10-17" }"#;
        assert_eq!(said(same), same);
        assert_eq!(said(r#"{"Statement":[{}],"Version":"2012-10-17"}"#), actual);
        assert_eq!(as_said(actual.to_string(), None, "policy"), actual);
    }
}
