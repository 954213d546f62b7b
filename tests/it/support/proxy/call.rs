//! One API call as the proxy saw it, named as the API names it.

use std::time::Instant;

use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

/// The request id in the errors that the proxy makes up.
pub const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// One call that went through the proxy.
#[derive(Debug, Clone)]
pub struct Call {
    /// `CreateVpc`, or method and path for a REST service.
    pub operation: String,
    /// The service that the request was signed for, such as `ec2`; empty for an unsigned request.
    pub service: String,
    /// The region that the request was signed for; empty for an unsigned request.
    pub region: String,
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The body as text.
    pub body: String,
    pub headers: Vec<(String, String)>,
    pub started: Instant,
    /// When the answer, or the end of the connection, was on its way.
    pub finished: Option<Instant>,
    /// The status that was answered: none while the call is under way, or when it never was.
    pub status: Option<u16>,
}

/// How a service spells its errors.
enum Protocol {
    Ec2,
    Query,
    RestXml,
    Json,
}

impl Call {
    /// Reads the call from a request.
    pub fn of(head: &Parts, body: &[u8]) -> Call {
        let body = String::from_utf8_lossy(body).into_owned();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let (region, service) = signed_for(header("authorization").unwrap_or_default());
        let operation = header("x-amz-target")
            .and_then(|target| target.rsplit('.').next().map(str::to_owned))
            .or_else(|| form_value(&body, "Action"))
            .unwrap_or_else(|| format!("{} {path}", head.method));
        let headers = head.headers.iter();
        Call {
            operation,
            service,
            region,
            method: head.method.to_string(),
            path,
            body,
            headers: headers
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
                .collect(),
            started: Instant::now(),
            finished: None,
            status: None,
        }
    }

    /// Whether the call is of this operation; `*` stands for any text.
    pub fn is(&self, operation: &str) -> bool {
        glob(operation, &self.operation)
    }

    /// A parameter of the query protocol, such as `ClientToken` or `Filter.1.Name`.
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_value(&self.body, name)
    }

    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Whether path, query or body contains `text`, after percent-decoding.
    pub fn contains(&self, text: &str) -> bool {
        decoded(&self.path).contains(text) || decoded(&self.body).contains(text)
    }

    /// Content type and body of an API error, as this service spells it.
    pub fn error_body(&self, code: &str, message: &str) -> (&'static str, String) {
        match self.protocol() {
            Protocol::Ec2 => (
                "text/xml",
                format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                     <RequestID>{REQUEST_ID}</RequestID></Response>"
                ),
            ),
            Protocol::Query => (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
                ),
            ),
            Protocol::RestXml => (
                "application/xml",
                format!(
                    "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
                ),
            ),
            Protocol::Json => {
                ("application/json", serde_json::json!({ "__type": code, "message": message }).to_string())
            }
        }
    }

    fn protocol(&self) -> Protocol {
        match self.service.as_str() {
            "ec2" => Protocol::Ec2,
            "s3" | "route53" | "cloudfront" => Protocol::RestXml,
            _ if form_value(&self.body, "Action").is_some() => Protocol::Query,
            _ => Protocol::Json,
        }
    }
}

/// Region and service of the credential scope: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn signed_for(authorization: &str) -> (String, String) {
    let scope = authorization.split("Credential=").nth(1).unwrap_or_default();
    let mut parts = scope.split('/').skip(2);
    let mut next = || parts.next().unwrap_or_default().to_owned();
    (next(), next())
}

fn form_value(body: &str, name: &str) -> Option<String> {
    let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(decoded(value))
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
