//! Responses that the proxy sends instead of those of `DynamoDB`, or changes.

use std::io;

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde_json::{Value, json};

pub(super) fn unprocessed(body: &Bytes) -> Response<Full<Bytes>> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    success(&json!({"Responses": {}, "UnprocessedKeys": request["RequestItems"]}))
}

/// Returns the description of a table, changed to one that is protected from deletion.
pub(super) async fn protected(
    response: Response<Full<Bytes>>,
) -> io::Result<Response<Full<Bytes>>> {
    let body = response.into_body().collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let mut body: Value = serde_json::from_slice(&body)?;
    body["Table"]["DeletionProtectionEnabled"] = true.into();
    Ok(success(&body))
}

pub(super) fn with_backups() -> Response<Full<Bytes>> {
    success(&json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}
    }}))
}

fn success(body: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-requestid", "proxy");
    response
        .body(Full::from(body.to_string()))
        .expect("a response")
}

/// Returns the response to a caller without a permission, as IAM words it.
pub(super) fn denial(operation: &str) -> Response<Full<Bytes>> {
    let message = format!(
        "User: arn:aws:iam::123456789012:user/jane is not authorized to perform: dynamodb:{operation} on \
         resource: arn:aws:dynamodb:eu-central-1:123456789012:table/users because no identity-based policy \
         allows the dynamodb:{operation} action"
    );
    error(StatusCode::BAD_REQUEST, "AccessDeniedException", &message)
}

pub(super) fn failure(status: StatusCode, kind: &str) -> Response<Full<Bytes>> {
    error(status, kind, "no")
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let body =
        format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"{message}"}}"#);
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0");
    response.body(Full::from(body)).expect("a response")
}
