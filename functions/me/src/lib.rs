//! `GET /api/v1/me` returns the user of a token. The model of a guarded route.

use std::sync::Arc;

use auth_core::{
    Clock, Email, JwtBearer, KeySource, KeyUse, LoggedUser, Settings, SettingsError,
    SettingsReader, UserRepository,
};
use auth_http::{ApiError, Response, Route, find_endpoint, json, respond};
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

impl<S: UserRepository> Me<S> {
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
                    let user = self.bearer.authenticate(request.headers()).await?;
                    self.me(&user).await
                }
            }
        })
        .await
    }

    /// Returns the user as stored now, which may differ from the token.
    async fn me(&self, user: &LoggedUser) -> Result<Response, ApiError> {
        let email = Email::parse(user.email()).map_err(|_| ApiError::UserGone)?;
        let stored = self.store.find_by_email(&email).await?;
        let stored = stored
            .filter(|stored| user.is_valid_for(stored))
            .ok_or(ApiError::UserGone)?;
        let response = MeResponse {
            id: &stored.id,
            email: &stored.email,
            roles: stored.roles.iter().map(|role| &*role.name).collect(),
        };
        Ok(json(StatusCode::OK, &response))
    }
}
