//! `GET /api/v1/me`: who is asking. The model of a guarded route.

use std::sync::Arc;

use auth_core::{
    Clock, Email, JwtBearer, KeySource, KeyUse, LoggedUser, Settings, SettingsError,
    SettingsReader, UserRepository,
};
use auth_http::{ApiError, Response, Route, answer, find, ok};
use http::Request;
use serde::Serialize;

/// What the function serves.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// The user of the token.
    Me,
}

/// Where it serves it.
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

/// The function: its guard and its users.
#[derive(Debug)]
pub struct Me<R> {
    bearer: JwtBearer,
    users: R,
}

/// Reads the function's settings: those of every function, and no more.
///
/// # Errors
///
/// [`SettingsError`] with every problem.
pub fn read_settings(mut reader: SettingsReader) -> Result<Settings, SettingsError> {
    let settings = Settings::read(&mut reader, KeyUse::Verify);
    reader.finish(settings)
}

impl<R: UserRepository> Me<R> {
    /// The function with these settings, keys and users.
    #[must_use]
    pub fn new(settings: Settings, keys: Arc<dyn KeySource>, users: R, clock: Clock) -> Self {
        Self {
            bearer: JwtBearer::new(keys, settings.tokens, clock),
            users,
        }
    }

    /// Answers a request, whatever it is.
    pub async fn handle<B>(&self, request: Request<B>) -> Response {
        answer(self.bearer.realm(), async {
            match find(&ROUTES, request.method(), request.uri().path())? {
                Endpoint::Me => {
                    let asking = self.bearer.authenticate(request.headers()).await?;
                    self.me(&asking).await
                }
            }
        })
        .await
    }

    /// The user as the repository knows it now, which may be other than the token says.
    async fn me(&self, asking: &LoggedUser) -> Result<Response, ApiError> {
        let email = Email::parse(asking.email()).map_err(|_| ApiError::UserGone)?;
        let user = self
            .users
            .find_by_email(&email)
            .await?
            .filter(|user| asking.is_still(user))
            .ok_or(ApiError::UserGone)?;
        ok(&MeResponse {
            id: &user.id,
            email: &user.email,
            roles: user.role_names(),
        })
    }
}
