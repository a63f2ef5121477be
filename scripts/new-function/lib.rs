//! `__METHOD__ __PATH__`: a guarded route.

use std::sync::Arc;

use auth_core::{
    Clock, JwtBearer, KeySource, KeyUse, LiveRepository, LiveUser, Settings, SettingsError,
    SettingsReader,
};
use auth_http::{Response, Route, find_endpoint, json, respond};
use http::{Request, StatusCode};
use serde::Serialize;

/// The endpoints of the function.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// Returns the id of the user.
    __Type__,
}

/// The routes of the endpoints.
pub const ROUTES: [Route<Endpoint>; 1] = [Route {
    method: "__METHOD__",
    path: "__PATH__",
    endpoint: Endpoint::__Type__,
}];

/// The body of a 200.
#[derive(Serialize)]
struct __Type__Response<'a> {
    user_id: &'a str,
}

/// The function.
#[derive(Debug)]
pub struct __Type__<S> {
    bearer: JwtBearer,
    store: S,
}

/// Reads the settings of the function.
///
/// # Errors
///
/// [`SettingsError`] with all problems.
pub fn read_settings(mut reader: SettingsReader) -> Result<Settings, SettingsError> {
    let settings = Settings::read(&mut reader, KeyUse::Verify);
    reader.finish(settings)
}

impl<S: LiveRepository> __Type__<S> {
    /// Returns the function with these settings, keys and store.
    #[must_use]
    pub fn new(settings: Settings, keys: Arc<dyn KeySource>, store: S, clock: Clock) -> Self {
        Self {
            bearer: JwtBearer::new(keys, settings.tokens, clock),
            store,
        }
    }

    /// Handles a request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response {
        respond(self.bearer.realm(), async {
            match find_endpoint(&ROUTES, request.method(), request.uri().path())? {
                Endpoint::__Type__ => {
                    let headers = request.headers();
                    let user = self.bearer.authenticate_live(headers, &self.store).await?;
                    user.require_permission("__PERMISSION__")?;
                    Ok(__crate__(&user))
                }
            }
        })
        .await
    }
}

/// Returns the id of the user. Replace it with what the function does for the user.
fn __crate__(live: &LiveUser) -> Response {
    let response = __Type__Response {
        user_id: &live.user().id,
    };
    json(StatusCode::OK, &response)
}
