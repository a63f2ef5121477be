//! `GET /api/v1/me` returns the user of a token. The model of a guarded route.

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
    /// Returns the user of the token.
    Me,
}

/// The routes of the endpoints.
pub const ROUTES: [Route<Endpoint>; 1] = [Route {
    method: "GET",
    path: "/api/v1/me",
    endpoint: Endpoint::Me,
}];

/// The body of a 200.
#[derive(Serialize)]
struct MeResponse<'a> {
    id: &'a str,
    email: &'a str,
    roles: Vec<&'a str>,
}

/// The function.
#[derive(Debug)]
pub struct Me<S> {
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

impl<S: LiveRepository> Me<S> {
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
                Endpoint::Me => {
                    let headers = request.headers();
                    let user = self.bearer.authenticate_live(headers, &self.store).await?;
                    Ok(me(&user))
                }
            }
        })
        .await
    }
}

/// Returns the user as stored now, which may differ from the token.
fn me(live: &LiveUser) -> Response {
    let user = live.user();
    let response = MeResponse {
        id: &user.id,
        email: &user.email,
        roles: user.roles.iter().map(|role| &*role.name).collect(),
    };
    json(StatusCode::OK, &response)
}
