//! Public documents, the same for everyone. `GET /.well-known/jwks.json` has the public keys of access tokens, and two
//! documents of metadata lead verifiers to it. `GET /docs` is a page that shows the contract and calls the API;
//! `GET /openapi.json` is the contract.
//!
//! The function reads published keys and nothing else.

mod file;
mod well_known;

use std::sync::Arc;

use auth_core::{
    Algorithm, BearerError, Clock, KeySettings, PublishedKeys, PublishedSource, SettingsError,
    SettingsReader, Store, TokenSettings,
};
use auth_http::{ApiError, Response, Route, find_endpoint, respond};
use http::{
    HeaderMap, HeaderValue, Request, StatusCode,
    header::{CACHE_CONTROL, LOCATION},
};

use file::{CONTRACT, FILES, PAGE};

/// The page loads and calls only its own origin, runs no inline script, and cannot be framed. Swagger UI's stylesheet
/// has its icons in `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

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
    /// Returns the public keys of access tokens.
    Jwks,
    /// Returns the metadata of the issuer.
    Metadata,
}

/// The routes of the endpoints.
pub const ROUTES: [Route<Endpoint>; 7] = [
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
    Route {
        method: "GET",
        path: well_known::JWKS_PATH,
        endpoint: Endpoint::Jwks,
    },
    Route {
        method: "GET",
        path: "/.well-known/openid-configuration",
        endpoint: Endpoint::Metadata,
    },
    Route {
        method: "GET",
        path: "/.well-known/oauth-authorization-server",
        endpoint: Endpoint::Metadata,
    },
];

/// The settings of the function.
#[derive(Debug)]
pub struct DiscoverySettings {
    /// Where the published keys come from.
    pub keys: KeySettings,
    issuer: String,
}

/// Reads the settings of the function.
///
/// # Errors
///
/// [`SettingsError`] with all problems.
pub fn read_settings(mut reader: SettingsReader) -> Result<DiscoverySettings, SettingsError> {
    let store = Store::read(&mut reader);
    let keys = KeySettings::read_published(&mut reader, store.as_ref());
    let issuer = TokenSettings::read_issuer(&mut reader);
    let settings = keys.zip(issuer);
    reader.finish(settings.map(|(keys, issuer)| DiscoverySettings { keys, issuer }))
}

/// The function.
#[derive(Debug)]
pub struct Discovery {
    issuer: String,
    /// The algorithm of tokens if their key is not published.
    hmac: Option<Algorithm>,
    keys: Arc<dyn PublishedSource>,
    clock: Clock,
}

impl Discovery {
    /// Returns the function with these settings and the published keys that they name.
    #[must_use]
    pub fn new(settings: DiscoverySettings, keys: Arc<dyn PublishedSource>, clock: Clock) -> Self {
        Self {
            hmac: settings.keys.hmac(),
            issuer: settings.issuer,
            keys,
            clock,
        }
    }

    /// Handles a request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response {
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
                Endpoint::Jwks => {
                    let keys = self.published().await?;
                    Ok(well_known::jwks(headers, &keys, self.clock.now()))
                }
                Endpoint::Metadata => self.metadata(headers).await,
            }
        })
        .await
    }

    async fn metadata(&self, headers: &HeaderMap) -> Result<Response, ApiError> {
        let keys = self.published().await?;
        let algorithms = well_known::algorithms(&keys, self.hmac, self.clock.now());
        well_known::metadata(headers, &self.issuer, &algorithms)
    }

    async fn published(&self) -> Result<Arc<PublishedKeys>, ApiError> {
        let keys = self.keys.published().await;
        keys.map_err(|error| BearerError::from(error).into())
    }
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
