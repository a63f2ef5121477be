//! Responses with their headers.

use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;

/// A response with its JSON text.
pub type Response = http::Response<String>;

/// Returns a response with `body` as JSON.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(json) = serde_json::to_string(body) else {
        tracing::error!("the response has no JSON form");
        return internal_server_error();
    };
    let mut response = empty(status);
    *response.body_mut() = json;
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Returns a 204.
#[must_use]
pub fn no_content() -> Response {
    empty(StatusCode::NO_CONTENT)
}

/// Returns the response to a bug.
pub(crate) fn internal_server_error() -> Response {
    let detail = serde_json::json!({"detail": "Internal Server Error"});
    json(StatusCode::INTERNAL_SERVER_ERROR, &detail)
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
