//! Responses with their headers.

use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A response with the bytes of its body.
///
/// Its headers decide how Lambda sends it: as text if `Content-Type` names a type of text, and in base64 if it has
/// a `Content-Encoding`. An HTTP API decodes base64; a REST API does so only for its `binaryMediaTypes`.
pub type Response = http::Response<Vec<u8>>;

/// Returns a response with `body` as JSON.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(json) = serde_json::to_vec(body) else {
        tracing::error!("the response has no JSON form");
        return internal_server_error();
    };
    let mut response = Response::new(json);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}

/// Returns a 202 without a body: the request was accepted, and the response says nothing about what comes of it.
#[must_use]
pub fn accepted() -> Response {
    let mut response = no_content();
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Returns a 204.
#[must_use]
pub fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// Returns the response that reports a bug: a 500.
pub(crate) fn internal_server_error() -> Response {
    let detail = serde_json::json!({"detail": "Internal Server Error"});
    json(StatusCode::INTERNAL_SERVER_ERROR, &detail)
}
