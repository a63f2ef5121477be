//! `GET /docs` is a page that shows the contract and calls the API; `GET /openapi.json` is the contract. Public, and
//! the same for everyone: the function reads neither keys nor a store.

mod file;

use auth_core::{SettingsError, SettingsReader};
use auth_http::{ApiError, Response, Route, find_endpoint, respond};
use http::{
    HeaderValue, Request, StatusCode,
    header::{CACHE_CONTROL, LOCATION},
};

use file::{CONTRACT, FILES, PAGE};

/// The endpoints of the function.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// Redirects to the page.
    Root,
    /// Returns the page.
    Docs,
    /// Returns a file that the page needs.
    File,
    /// Returns the contract.
    OpenApi,
}

/// The routes of the endpoints.
pub const ROUTES: [Route<Endpoint>; 4] = [
    Route {
        method: "GET",
        path: "/",
        endpoint: Endpoint::Root,
    },
    Route {
        method: "GET",
        path: "/docs",
        endpoint: Endpoint::Docs,
    },
    Route {
        method: "GET",
        path: "/docs/{file}",
        endpoint: Endpoint::File,
    },
    Route {
        method: "GET",
        path: "/openapi.json",
        endpoint: Endpoint::OpenApi,
    },
];

/// Checks the names of the variables that are set. The function reads none of them.
///
/// # Errors
///
/// [`SettingsError`] with all problems.
pub fn check_settings(reader: SettingsReader) -> Result<(), SettingsError> {
    reader.finish(Some(()))
}

/// Handles a request.
pub async fn handle<B>(request: Request<B>) -> Response {
    // No response has a challenge, so there is no realm.
    respond("", async {
        let (headers, path) = (request.headers(), request.uri().path());
        match find_endpoint(&ROUTES, request.method(), path)? {
            Endpoint::Root => Ok(redirect_to_page(path)),
            Endpoint::Docs => Ok(PAGE.response(headers)),
            Endpoint::OpenApi => Ok(CONTRACT.response(headers)),
            Endpoint::File => {
                let is_named = |name: &str| path.rsplit('/').next() == Some(name);
                let file = FILES.iter().find(|file| is_named(file.name));
                Ok(file.ok_or(ApiError::NotFound)?.response(headers))
            }
        }
    })
    .await
}

/// Redirects to the page. The address is relative, so it stays behind the prefix of a stage or a custom domain.
fn redirect_to_page(path: &str) -> Response {
    // With a slash at the end, the address of the page looks like the root behind a prefix.
    let location = if path == "/docs/" { "../docs" } else { "docs" };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_static(location));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
