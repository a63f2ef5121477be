//! Sanitizes events before `lambda_http` converts them to requests.
//!
//! `lambda_http` builds a URL from an event. It panics if host, scheme, path or query do not form a valid
//! one, or if a body marked as base64 is not base64, and the text of the panic reaches the caller. This
//! module removes host, scheme and anything else that would not form a valid URL. The types of an event are
//! public but hidden in the documentation of `lambda_http`, so its version is locked, and the tests replay
//! each of these events against the real binaries.

use std::task::{Context, Poll};

use auth_core::SourceNetwork;
use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::{
    LambdaEvent, Request, RequestExt, Service,
    aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayV2httpRequest},
    http::{HeaderMap, header::HOST},
    request::{LambdaRequest, RequestContext},
};

const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Replaces anything that is not a path. No function serves it.
const MALFORMED_PATH: &str = "/malformed";

/// API Gateway accepts 10 KiB of request line and headers together.
const MAX_BYTES: usize = 10 * 1024;

/// A service that removes from events what `lambda_http` cannot process.
pub(crate) struct SanitizedEvents<S>(S);

impl<S> SanitizedEvents<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self(inner)
    }
}

impl<S: Service<LambdaEvent<LambdaRequest>>> Service<LambdaEvent<LambdaRequest>>
    for SanitizedEvents<S>
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut event: LambdaEvent<LambdaRequest>) -> Self::Future {
        sanitize(&mut event.payload);
        self.0.call(event)
    }
}

/// Returns the request that a handler gets for an event. For tests that replay events in process.
///
/// # Errors
///
/// [`serde_json::Error`] if the text is not an event of API Gateway.
pub fn request(event: &str) -> Result<Request, serde_json::Error> {
    let mut event = serde_json::from_str(event)?;
    sanitize(&mut event);
    let mut request = event.into();
    add_source_network(&mut request);
    Ok(request)
}

/// Adds the [`SourceNetwork`] of a request, as API Gateway sees it. Headers are ignored, because callers
/// control them.
pub(crate) fn add_source_network(request: &mut Request) {
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.source_ip.as_deref(),
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    let network = SourceNetwork::parse(address.unwrap_or_default());
    request.extensions_mut().insert(network);
}

/// Returns API Gateway's id of a request, which its access log contains too. `None` if the event has none.
pub(crate) fn api_request_id(request: &Request) -> Option<&str> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV1(context) => context.request_id.as_deref(),
        RequestContext::ApiGatewayV2(context) => context.request_id.as_deref(),
        _ => None,
    }
}

fn sanitize(event: &mut LambdaRequest) {
    match event {
        LambdaRequest::ApiGatewayV1(request) => sanitize_rest(request),
        LambdaRequest::ApiGatewayV2(request) => sanitize_http(request),
        _ => {}
    }
}

fn sanitize_rest(request: &mut ApiGatewayProxyRequest) {
    // `lambda_http` keeps only the last of repeated headers; the guard must see all of them.
    for name in request.multi_value_headers.keys() {
        request.headers.remove(name);
    }
    remove_host(&mut request.headers);
    remove_host(&mut request.multi_value_headers);
    request.request_context.domain_name = None;
    request.request_context.stage = None;
    sanitize_path(&mut request.path);
    request.is_base64_encoded &= is_base64(request.body.as_deref());
}

fn sanitize_http(request: &mut ApiGatewayV2httpRequest) {
    remove_host(&mut request.headers);
    request.raw_query_string.take_if(|query| !is_query(query));
    request.request_context.domain_name = None;
    request.request_context.stage = None;
    sanitize_path(&mut request.raw_path);
    request.is_base64_encoded &= is_base64(request.body.as_deref());
}

fn remove_host(headers: &mut HeaderMap) {
    headers.remove(HOST);
    headers.remove(FORWARDED_PROTO);
}

/// Replaces anything but a path (RFC 3986 section 3.3).
fn sanitize_path(path: &mut Option<String>) {
    if !path.as_deref().is_some_and(is_path) {
        *path = Some(MALFORMED_PATH.into());
    }
}

/// Checks for a path without dot segments: the URL would resolve them to a route that API Gateway did not
/// see.
fn is_path(path: &str) -> bool {
    let is_dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    };
    path.starts_with('/')
        && path.len() <= MAX_BYTES
        && path.bytes().all(is_path_byte)
        && !path.split('/').any(is_dots)
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/%-._~!$&'()*+,;=:@".contains(&byte)
}

/// Checks for a query (RFC 3986 section 3.4). REST events have parameters instead, which `lambda_http`
/// escapes.
fn is_query(query: &str) -> bool {
    query.len() <= MAX_BYTES && query.bytes().all(|byte| byte == b'?' || is_path_byte(byte))
}

/// Checks whether a body can be decoded. If not, it is passed on as it is, and the handler rejects it.
fn is_base64(body: Option<&str>) -> bool {
    body.is_none_or(|body| STANDARD.decode(body).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_id_is_that_of_the_api() {
        let http = r#"{"version":"2.0","rawPath":"/","headers":{},"isBase64Encoded":false,
            "requestContext":{"requestId":"JKJaXmPLvHcESHA=","http":{"method":"GET"}}}"#;
        let rest = r#"{"path":"/","httpMethod":"GET","requestContext":{"httpMethod":"GET",
            "extendedRequestId":"JKJaXmPLvHcESHA=","requestId":"c6af9ac6-7b61-11e6-9a41"}}"#;
        let id = |event: &str| api_request_id(&request(event).unwrap()).map(str::to_owned);
        assert_eq!(id(http).as_deref(), Some("JKJaXmPLvHcESHA="));
        assert_eq!(id(rest).as_deref(), Some("c6af9ac6-7b61-11e6-9a41"));
        let without = http
            .replace("JKJaXmPLvHcESHA=", "")
            .replace("requestId", "other");
        assert_eq!(id(&without), None);
        assert_eq!(api_request_id(&Request::default()), None);
    }

    #[test]
    fn paths_that_a_url_would_change_are_not_served() {
        for path in ["/api/v1/me", "/prod/a.b/..c/%41", "/"] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "",
            "api",
            "/a/../b",
            "/a/.",
            "/a/%2e%2E/b",
            "/.%2e/b",
            "/a?b",
            "/a#b",
            "/a b",
            "/ä",
            "/a\\b",
        ] {
            assert!(!is_path(path), "{path}");
        }
        assert!(!is_path(&"/".repeat(MAX_BYTES + 1)));
        assert!(is_query("a=%20b&c=?/") && !is_query("a=<b>") && !is_query("é"));
    }
}
