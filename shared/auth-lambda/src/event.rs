//! Events made plain before `lambda_http` turns them into requests.
//!
//! `lambda_http` builds a whole URL out of an event, and panics where host, scheme, path or query
//! make none, or where a body marked as base64 is not; the panic's text then reaches the caller.
//! Here host and scheme are taken out, and what else would make no URL. The types of an event are
//! public but hidden in the documentation of `lambda_http`: the version is locked, and the tests
//! replay every one of these events against the real binaries.

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

/// API Gateway takes 10 KiB of request line and headers together.
const MAX_BYTES: usize = 10 * 1024;

/// A service that hands events on without the parts that `lambda_http` cannot take.
pub(crate) struct PlainEvents<S>(S);

impl<S> PlainEvents<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self(inner)
    }
}

impl<S: Service<LambdaEvent<LambdaRequest>>> Service<LambdaEvent<LambdaRequest>>
    for PlainEvents<S>
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut event: LambdaEvent<LambdaRequest>) -> Self::Future {
        plain(&mut event.payload);
        self.0.call(event)
    }
}

/// The request that a handler gets for an event, for tests that replay one in process.
///
/// # Errors
///
/// `serde_json`'s, for text that is no event of API Gateway.
pub fn request(event: &str) -> Result<Request, serde_json::Error> {
    let mut event = serde_json::from_str(event)?;
    plain(&mut event);
    let mut request = event.into();
    add_source(&mut request);
    Ok(request)
}

/// Tells the handler where a request comes from, as API Gateway saw it. Headers, which a caller
/// writes, have no say in it.
pub(crate) fn add_source(request: &mut Request) {
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.source_ip.as_deref(),
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    let network = SourceNetwork::parse(address.unwrap_or_default());
    request.extensions_mut().insert(network);
}

fn plain(event: &mut LambdaRequest) {
    match event {
        LambdaRequest::ApiGatewayV1(request) => plain_rest(request),
        LambdaRequest::ApiGatewayV2(request) => plain_http(request),
        _ => {}
    }
}

fn plain_rest(request: &mut ApiGatewayProxyRequest) {
    // `lambda_http` lets the last of repeated headers hide the others; the guard must see them all.
    for name in request.multi_value_headers.keys() {
        request.headers.remove(name);
    }
    plain_headers(&mut request.headers);
    plain_headers(&mut request.multi_value_headers);
    request.request_context.domain_name = None;
    request.request_context.stage = None;
    plain_path(&mut request.path);
    request.is_base64_encoded &= is_base64(request.body.as_deref());
}

fn plain_http(request: &mut ApiGatewayV2httpRequest) {
    plain_headers(&mut request.headers);
    request.raw_query_string.take_if(|query| !is_query(query));
    request.request_context.domain_name = None;
    request.request_context.stage = None;
    plain_path(&mut request.raw_path);
    request.is_base64_encoded &= is_base64(request.body.as_deref());
}

fn plain_headers(headers: &mut HeaderMap) {
    headers.remove(HOST);
    headers.remove(FORWARDED_PROTO);
}

/// Leaves paths of RFC 3986 section 3.3 as they are. Any other is served nowhere, as is `/`.
fn plain_path(path: &mut Option<String>) {
    if !path.as_deref().is_some_and(is_path) {
        *path = Some("/".into());
    }
}

/// A path without dot segments: the URL would resolve them to a route that API Gateway did not see.
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

/// A query of RFC 3986 section 3.4. REST events carry theirs as parameters, which are escaped on
/// their way into the URL.
fn is_query(query: &str) -> bool {
    query.len() <= MAX_BYTES && query.bytes().all(|byte| byte == b'?' || is_path_byte(byte))
}

/// A body that is not what it is marked as is handed on as it stands, for the handler to refuse.
fn is_base64(body: Option<&str>) -> bool {
    body.is_none_or(|body| STANDARD.decode(body).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_a_url_would_change_are_served_nowhere() {
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
