//! AWS errors as [`ProviderError`]s: what a code means, and what may be shown of an answer.
//!
//! Codes: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html> and the error lists of the
//! other services. Request headers, which carry signatures, never reach a message.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::provider::{ErrorKind, ProviderError};

/// The error of one call; `operation` is `ec2:CreateVpc`.
pub fn from_sdk<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mapped = match error {
        SdkError::ServiceError(context) => from_answer(context.err(), context.raw()),
        SdkError::ResponseError(context) => unreadable(context.raw().status().as_u16()),
        SdkError::TimeoutError(_) => ProviderError::new(ErrorKind::Network, "no answer in time"),
        SdkError::DispatchFailure(failure) => {
            let source = failure.as_connector_error().map(|e| e as &(dyn Error + 'static));
            not_sent(source.unwrap_or(error))
        }
        other => not_sent(other),
    };
    let request_id = error.request_id().map(str::to_string);
    let help = mapped.help.clone().or_else(|| advice(mapped.kind, operation));
    ProviderError { request_id: mapped.request_id.or(request_id), help, ..mapped }.operation(operation)
}

/// What to do about an error that has no advice of its own.
fn advice(kind: ErrorKind, operation: &str) -> Option<String> {
    let text = match kind {
        ErrorKind::Denied => return Some(format!("grant the identity \"{operation}\", or use other credentials")),
        ErrorKind::NotFound => "what it refers to is not there: look who deleted it, then plan again",
        ErrorKind::AlreadyExists => "choose another name, or import what is there to manage it",
        ErrorKind::Throttled { .. } => {
            "the service takes no more calls now: run again later, or with less -parallelism"
        }
        ErrorKind::Quota => "ask for a higher quota in the Service Quotas console, or remove what is not needed",
        ErrorKind::Service | ErrorKind::Network => "run the same command again: it goes on from where it is",
        _ => return None,
    };
    Some(text.to_string())
}

fn from_answer<E: ProvideErrorMetadata + Error>(error: &E, raw: &HttpResponse) -> ProviderError {
    let status = raw.status().as_u16();
    let Some(code) = error.code().filter(|c| !c.is_empty()) else { return unreadable(status) };
    let message = error.message().filter(|m| !m.is_empty()).map_or_else(|| "no message".to_string(), str::to_string);
    let kind = match kind(code, status) {
        ErrorKind::Throttled { .. } => ErrorKind::Throttled { retry_after: retry_after(raw) },
        kind => kind,
    };
    let request_id = error.meta().request_id().map(str::to_string);
    ProviderError { status: Some(status), request_id, help: help(code), ..ProviderError::new(kind, message) }.code(code)
}

/// An answer without an AWS error in it: a proxy's page, a server that does not have the operation.
fn unreadable(status: u16) -> ProviderError {
    let kind = match status {
        429 => ErrorKind::Throttled { retry_after: None },
        // Not implemented will not pass; nor will a page for a path that is not there.
        501 | 404 | 405 => ErrorKind::Other,
        401 | 403 => ErrorKind::Denied,
        _ => ErrorKind::Service,
    };
    let error = ProviderError::new(kind, format!("the answer (HTTP {status}) cannot be read as one of this API"));
    ProviderError { status: Some(status), ..error }
        .help("check that the endpoint is one of this service, and that no proxy answers in its place")
}

/// The call never reached the service: no connection, or nothing to sign it with.
fn not_sent(error: &(dyn Error + 'static)) -> ProviderError {
    let chain: Vec<&(dyn Error + 'static)> = std::iter::successors(Some(error), |e| (*e).source()).collect();
    let text = chain.last().map_or_else(String::new, ToString::to_string);
    if chain.iter().any(|e| e.is::<CredentialsError>()) {
        return no_credentials(&text);
    }
    ProviderError::new(ErrorKind::Network, format!("no connection: {text}"))
}

/// No credentials were found, or they could not be had.
pub fn no_credentials(why: &str) -> ProviderError {
    ProviderError::new(ErrorKind::Denied, format!("no AWS credentials: {why}"))
        .code("NoCredentials")
        .help("set \"profile\" in the provider block, or AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
}

fn retry_after(raw: &HttpResponse) -> Option<Duration> {
    raw.headers().get("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

fn help(code: &str) -> Option<String> {
    let text = match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => "the credentials have expired: sign in again",
        "AuthFailure" | "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => {
            "the access key is not known to AWS in this region"
        }
        _ => return None,
    };
    Some(text.to_string())
}

const THROTTLED: [&str; 12] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

const DENIED: [&str; 17] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "PendingVerification",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

const SERVICE: [&str; 10] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
];

/// What a code means. The services name the same things alike, so words inside the code decide where it is not
/// in a list.
fn kind(code: &str, status: u16) -> ErrorKind {
    let has = |words: &[&str]| words.iter().any(|w| code.contains(w));
    if THROTTLED.contains(&code) || status == 429 {
        ErrorKind::Throttled { retry_after: None }
    } else if DENIED.contains(&code) {
        ErrorKind::Denied
    } else if SERVICE.contains(&code) {
        ErrorKind::Service
    } else if has(&["NotFound", "NoSuch"]) {
        ErrorKind::NotFound
    } else if has(&["AlreadyExists", "AlreadyOwnedByYou", "AlreadyAssociated", ".Duplicate", "DuplicateEntity"]) {
        ErrorKind::AlreadyExists
    } else if has(&["LimitExceeded", "QuotaExceeded", "InsufficientCapacity", "TooManyBuckets"]) {
        ErrorKind::Quota
    } else if has(&["DependencyViolation", "InUse", "IncorrectState", "DeleteConflict", "ConcurrentModification"])
        || has(&["OperationAborted", "NotEmpty", "Conflict", "IncorrectInstanceState", "HasAssociations"])
        || (code.starts_with("Invalid") && (code.ends_with("State") || code.ends_with("StateFault")))
    {
        ErrorKind::Conflict
    } else if status == 501 {
        ErrorKind::Other
    } else if status >= 500 {
        ErrorKind::Service
    } else {
        ErrorKind::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_services_say() {
        let throttled = ErrorKind::Throttled { retry_after: None };
        for (code, status, expected) in [
            ("InvalidVpcID.NotFound", 400, ErrorKind::NotFound),
            ("NatGatewayNotFound", 400, ErrorKind::NotFound),
            ("NoSuchEntity", 404, ErrorKind::NotFound),
            ("ResourceNotFoundException", 404, ErrorKind::NotFound),
            ("DBInstanceNotFound", 404, ErrorKind::NotFound),
            ("RequestLimitExceeded", 503, throttled),
            ("Throttling", 400, throttled),
            ("SlowDown", 503, throttled),
            ("VpcLimitExceeded", 400, ErrorKind::Quota),
            ("LimitExceeded", 409, ErrorKind::Quota),
            ("UnauthorizedOperation", 403, ErrorKind::Denied),
            ("DependencyViolation", 400, ErrorKind::Conflict),
            ("InvalidDBInstanceState", 400, ErrorKind::Conflict),
            ("InvalidIPAddress.InUse", 400, ErrorKind::Conflict),
            ("DeleteConflict", 409, ErrorKind::Conflict),
            ("InvalidGroup.Duplicate", 400, ErrorKind::AlreadyExists),
            ("EntityAlreadyExists", 409, ErrorKind::AlreadyExists),
            ("InvalidParameterValue", 400, ErrorKind::Invalid),
            ("InternalError", 500, ErrorKind::Service),
            ("SomethingNew", 502, ErrorKind::Service),
            ("NotImplemented", 501, ErrorKind::Other),
        ] {
            assert_eq!(kind(code, status), expected, "{code}");
        }
    }
}
