//! Answers: their headers, and the frame in which every handler runs.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;

use crate::{error::ApiError, log};

/// An answer with its JSON text.
pub type Response = http::Response<String>;

/// A 200 with `body` as JSON.
///
/// # Errors
///
/// [`ApiError::Serialization`] where `body` has no JSON form.
pub fn ok(body: &impl Serialize) -> Result<Response, ApiError> {
    serde_json::to_string(body)
        .map(|json| with_body(StatusCode::OK, json))
        .map_err(ApiError::Serialization)
}

/// A 204: it was done, and there is nothing to say.
#[must_use]
pub fn no_content() -> Response {
    let mut response = with_body(StatusCode::NO_CONTENT, String::new());
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// Runs a handler to its answer: an error becomes the answer that [`ApiError`] maps it to, and is
/// logged here, once; a panic becomes a plain 500, and the process lives.
pub async fn answer(
    realm: &str,
    handler: impl Future<Output = Result<Response, ApiError>>,
) -> Response {
    // A handler that panicked is dropped whole, so nobody sees what it left half done.
    match AssertUnwindSafe(handler).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => refused(error, realm),
        Err(_panic) => with_body(
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"detail":"Internal Server Error"}"#.into(),
        ),
    }
}

/// The answer to a request that its handler did not answer before Lambda would have ended it.
#[must_use]
pub fn deadline_exceeded() -> Response {
    refused(ApiError::DeadlineExceeded, "")
}

fn refused(error: ApiError, realm: &str) -> Response {
    log::refusal(&error);
    error.into_response(realm)
}

pub(crate) fn with_body(status: StatusCode, json: String) -> Response {
    let mut response = Response::new(json);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
