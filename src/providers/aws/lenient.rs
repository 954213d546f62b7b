//! Answers that the SDK would refuse for the name of their root element. Emulators of S3 call it by the operation
//! (`GetBucketVersioningResponse`), and the SDKs of other languages do not look at it: what works with them works here.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// A subresource of S3, what an emulator calls its root element, and what S3 does
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>).
const ROOTS: &[(&str, &str, &str)] = &[("versioning", "GetBucketVersioningResponse", "VersioningConfiguration")];

/// A client that passes answers on under the names that the API documents.
#[derive(Debug)]
pub(super) struct Lenient(pub SharedHttpClient);

impl HttpClient for Lenient {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, parts)))
    }
}

#[derive(Debug)]
struct Connector(SharedHttpConnector);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let root =
            ROOTS.iter().find(|(subresource, ..)| request.method() == "GET" && asks_for(request.uri(), subresource));
        let answer = self.0.call(request);
        match root {
            None => answer,
            Some((_, from, to)) => HttpConnectorFuture::new(async move { renamed(answer.await?, from, to).await }),
        }
    }
}

fn asks_for(uri: &str, subresource: &str) -> bool {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|part| part.split('=').next() == Some(subresource))
}

async fn renamed(mut answer: HttpResponse, from: &str, to: &str) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    let bytes = ByteStream::new(body).collect().await.map_err(|e| ConnectorError::io(e.into()))?.into_bytes();
    let body = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains(from) => bytes::Bytes::from(text.replace(from, to)),
        _ => bytes,
    };
    answer.headers_mut().remove("transfer-encoding");
    answer.headers_mut().insert("content-length", body.len().to_string());
    *answer.body_mut() = SdkBody::from(body);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::http::StatusCode;

    #[test]
    fn a_subresource_is_told_from_a_name_that_holds_it() {
        assert!(asks_for("https://b.s3.amazonaws.com/?versioning", "versioning"));
        assert!(asks_for("http://127.0.0.1:1/b?x-id=Get&versioning=", "versioning"));
        assert!(!asks_for("http://127.0.0.1:1/versioning?prefix=versioning", "versioning"));
    }

    #[tokio::test]
    async fn a_root_element_gets_its_documented_name() {
        let answer = |body: &'static str| HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(body));
        for (body, expected) in [("<FromX>1</FromX>", "<To>1</To>"), ("<To>1</To>", "<To>1</To>")] {
            let renamed = renamed(answer(body), "FromX", "To").await.unwrap();
            assert_eq!(renamed.body().bytes(), Some(expected.as_bytes()));
        }
    }
}
