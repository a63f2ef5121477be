//! What surrounds a handler: the choice of its endpoint, and the conversion of errors and panics to
//! responses.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use http::Method;

use crate::{
    error::ApiError,
    response::{Response, internal_server_error},
};

/// An endpoint with its method and path.
#[derive(Debug, Clone, Copy)]
pub struct Route<E> {
    /// The method in upper case.
    pub method: &'static str,
    /// The path, from the root of the API. Its last segment may be a parameter in braces, which matches any segment.
    pub path: &'static str,
    /// The function's own name for the endpoint.
    pub endpoint: E,
}

/// Finds the endpoint of a request.
///
/// A route may be prefixed with one path segment: API Gateway puts the stage there, or the base path of
/// a custom domain.
///
/// # Errors
///
/// [`ApiError::NotFound`] for an unknown path, [`ApiError::MethodNotAllowed`] for an unknown method.
pub fn find_endpoint<E: Copy>(
    routes: &[Route<E>],
    method: &Method,
    path: &str,
) -> Result<E, ApiError> {
    let is_stage = |prefix: &str| prefix.len() > 1 && prefix.rfind('/') == Some(0);
    let matches = |route: &&Route<E>| {
        prefix(path, route.path).is_some_and(|prefix| prefix.is_empty() || is_stage(prefix))
    };
    let mut allowed = Vec::new();
    for route in routes.iter().filter(matches) {
        if route.method == method.as_str() {
            return Ok(route.endpoint);
        }
        allowed.push(route.method);
    }
    if allowed.is_empty() {
        return Err(ApiError::NotFound);
    }
    Err(ApiError::MethodNotAllowed {
        allow: allowed.join(", "),
    })
}

/// Returns what precedes the route in the path of a request. `None` if the path does not end with the route.
fn prefix<'p>(path: &'p str, route: &str) -> Option<&'p str> {
    let Some((parent, _parameter)) = route.split_once('{') else {
        return path.strip_suffix(route);
    };
    let segment = path.rfind('/')? + 1;
    let has_segment = segment < path.len();
    path[..segment].strip_suffix(parent).filter(|_| has_segment)
}

/// Runs a handler and returns its response. An error is logged here, once, and becomes the response of
/// [`ApiError`]; a panic becomes a 500, and the process keeps running.
pub async fn respond(
    realm: &str,
    handler: impl Future<Output = Result<Response, ApiError>>,
) -> Response {
    // A handler that panicked is dropped completely, so nothing sees the state that it left.
    match AssertUnwindSafe(handler).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => respond_with(&error, realm),
        Err(_panic) => internal_server_error(),
    }
}

/// Returns the response to a request whose handler did not finish before Lambda would have ended it.
#[must_use]
pub fn deadline_exceeded() -> Response {
    respond_with(&ApiError::DeadlineExceeded, "")
}

/// Logs an error and returns its response, with `realm` unless the error has its own.
pub(crate) fn respond_with(error: &ApiError, realm: &str) -> Response {
    error.log();
    error.response(realm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [Route<u8>; 4] = [
        Route {
            method: "GET",
            path: "/a/b",
            endpoint: 1,
        },
        Route {
            method: "POST",
            path: "/a/b",
            endpoint: 2,
        },
        Route {
            method: "POST",
            path: "/a/c",
            endpoint: 3,
        },
        Route {
            method: "GET",
            path: "/d/{file}",
            endpoint: 4,
        },
    ];

    #[test]
    fn method_and_path_find_the_endpoint_with_and_without_a_stage() {
        assert_eq!(find_endpoint(&ROUTES, &Method::GET, "/a/b").unwrap(), 1);
        assert_eq!(find_endpoint(&ROUTES, &Method::POST, "/a/b").unwrap(), 2);
        assert_eq!(
            find_endpoint(&ROUTES, &Method::POST, "/prod/a/c").unwrap(),
            3
        );
    }

    #[test]
    fn a_parameter_matches_one_segment() {
        for path in ["/d/x", "/d/x.css", "/prod/d/x"] {
            assert_eq!(find_endpoint(&ROUTES, &Method::GET, path).unwrap(), 4);
        }
    }

    #[test]
    fn other_paths_are_not_found() {
        for path in [
            "", "/", "/a", "/a/b/", "/a/bb", "a/b", "x/a/b", "//a/b", "/x/y/a/b", "/A/B", "/xa/b",
            "/d", "/d/", "/d/x/", "/d/x/y", "/dx", "/x/y/d/z", "x",
        ] {
            assert!(
                matches!(
                    find_endpoint(&ROUTES, &Method::GET, path),
                    Err(ApiError::NotFound)
                ),
                "{path}"
            );
        }
    }

    #[test]
    fn other_methods_get_a_list_of_the_allowed_ones() {
        let Err(ApiError::MethodNotAllowed { allow }) =
            find_endpoint(&ROUTES, &Method::PUT, "/a/b")
        else {
            panic!("PUT is not allowed");
        };
        assert_eq!(allow, "GET, POST");
    }
}
