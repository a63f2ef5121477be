//! Which endpoint a request is for.

use http::Method;

use crate::error::ApiError;

/// An endpoint and where it is served.
#[derive(Debug, Clone, Copy)]
pub struct Route<E> {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, from the root of the API.
    pub path: &'static str,
    /// What the function calls the endpoint.
    pub endpoint: E,
}

/// The endpoint of a request.
///
/// One path segment may stand in front of the route: API Gateway puts the stage there, or the base
/// path of a custom domain.
///
/// # Errors
///
/// [`ApiError::NotFound`] for another path, [`ApiError::MethodNotAllowed`] for another method.
pub fn find<E: Copy>(routes: &[Route<E>], method: &Method, path: &str) -> Result<E, ApiError> {
    let here = || routes.iter().filter(|route| is_at(path, route.path));
    if let Some(route) = here().find(|route| route.method == method.as_str()) {
        return Ok(route.endpoint);
    }
    let allowed: Vec<_> = here().map(|route| route.method).collect();
    if allowed.is_empty() {
        Err(ApiError::NotFound)
    } else {
        Err(ApiError::MethodNotAllowed {
            allow: allowed.join(", "),
        })
    }
}

fn is_at(path: &str, route: &str) -> bool {
    path.strip_suffix(route).is_some_and(|prefix| {
        prefix.is_empty()
            || prefix
                .strip_prefix('/')
                .is_some_and(|stage| !stage.is_empty() && !stage.contains('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [Route<u8>; 3] = [
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
    ];

    #[test]
    fn method_and_path_find_the_endpoint_with_and_without_a_stage() {
        assert_eq!(find(&ROUTES, &Method::GET, "/a/b").unwrap(), 1);
        assert_eq!(find(&ROUTES, &Method::POST, "/a/b").unwrap(), 2);
        assert_eq!(find(&ROUTES, &Method::POST, "/prod/a/c").unwrap(), 3);
    }

    #[test]
    fn other_paths_are_not_found() {
        for path in [
            "", "/", "/a", "/a/b/", "/a/bb", "a/b", "x/a/b", "//a/b", "/x/y/a/b", "/A/B", "/xa/b",
        ] {
            assert!(
                matches!(find(&ROUTES, &Method::GET, path), Err(ApiError::NotFound)),
                "{path}"
            );
        }
    }

    #[test]
    fn other_methods_are_told_the_allowed_ones() {
        let Err(ApiError::MethodNotAllowed { allow }) = find(&ROUTES, &Method::PUT, "/a/b") else {
            panic!("PUT is not allowed");
        };
        assert_eq!(allow, "GET, POST");
    }
}
