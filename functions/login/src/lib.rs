//! `login`: tokens for an email and a password, new tokens for a refresh token, and logouts.
//!
//! Start at [`Login::handle`]. The rule of a login is in `sign_in`; refreshes and logouts are in `sessions`.

mod error;
mod reservation;
mod sessions;
mod settings;
mod sign_in;

use std::sync::Arc;

use auth_core::{
    AttemptCounters, AttemptRepository, Clock, CredentialRepository, Email, IssuedTokens,
    KeySource, MAX_EMAIL_CHARS, MAX_PASSWORD_BYTES, Password, PasswordHasher, SessionRepository,
    Sessions, TokenIssuer, UserRepository,
};
use auth_http::{ApiError, JsonBody, Response, Route, find_endpoint, json, respond};
use error::{Refusal, SignInError};
use http::{Request, StatusCode};
use serde::Serialize;
use tracing::info;

pub use settings::{LoginErrors, LoginSettings};

/// The endpoints of the function.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// Returns tokens for an email and a password.
    Login,
    /// Returns new tokens for a refresh token.
    Refresh,
    /// Ends one session or all sessions of a user.
    Logout,
}

/// The routes of the endpoints.
pub const ROUTES: [Route<Endpoint>; 3] = [
    Route {
        method: "POST",
        path: "/api/v1/login",
        endpoint: Endpoint::Login,
    },
    Route {
        method: "POST",
        path: "/api/v1/refresh",
        endpoint: Endpoint::Refresh,
    },
    Route {
        method: "POST",
        path: "/api/v1/logout",
        endpoint: Endpoint::Logout,
    },
];

/// The access to stored data that the function needs.
pub trait LoginStore:
    UserRepository + CredentialRepository + SessionRepository + AttemptRepository
{
}

impl<S> LoginStore for S where
    S: UserRepository + CredentialRepository + SessionRepository + AttemptRepository
{
}

/// The keys of the function.
#[derive(Debug)]
pub struct LoginKeys {
    /// Sign access tokens. Other functions may have these keys too.
    pub access_tokens: Arc<dyn KeySource>,
    /// Create refresh tokens and the keys of counters. Only this function has them.
    pub refresh_tokens: Arc<dyn KeySource>,
}

/// The body of a 200 (RFC 6749 section 5.1).
#[derive(Serialize)]
struct TokenResponse {
    #[serde(flatten)]
    tokens: IssuedTokens,
    token_type: &'static str,
    /// The lifetime of the access token in seconds.
    expires_in: u64,
}

/// The function.
#[derive(Debug)]
pub struct Login<S> {
    store: S,
    sessions: Sessions,
    counters: AttemptCounters,
    hasher: Arc<PasswordHasher>,
    clock: Clock,
    errors: LoginErrors,
    realm: String,
    expires_in: u64,
}

impl<S: LoginStore> Login<S> {
    /// Returns the function with these settings, keys and store.
    #[must_use]
    pub fn new(settings: LoginSettings, keys: LoginKeys, store: S, clock: Clock) -> Self {
        let tokens = settings.common.tokens;
        let refresh_keys = keys.refresh_tokens;
        Self {
            store,
            counters: AttemptCounters::new(Arc::clone(&refresh_keys), settings.limits),
            hasher: Arc::default(),
            errors: settings.errors,
            realm: tokens.audience.clone(),
            expires_in: tokens.expiration.as_secs(),
            sessions: Sessions::new(
                refresh_keys,
                TokenIssuer::new(keys.access_tokens, tokens, clock.clone()),
                settings.sessions.rules,
                clock.clone(),
            ),
            clock,
        }
    }

    /// Handles a request. Reads the [`SourceNetwork`](auth_core::SourceNetwork) from the request's
    /// extensions.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response {
        respond(&self.realm, async {
            let (method, path) = (request.method(), request.uri().path());
            let tokens = match find_endpoint(&ROUTES, method, path)? {
                Endpoint::Login => self.login(&request).await?,
                Endpoint::Refresh => self.refresh(&request).await?,
                Endpoint::Logout => return self.logout(&request).await,
            };
            let response = TokenResponse {
                tokens,
                token_type: "Bearer",
                expires_in: self.expires_in,
            };
            Ok(json(StatusCode::OK, &response))
        })
        .await
    }

    /// Returns how many password hashes have been computed so far, for tests of what a refused login costs.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.hasher.computed()
    }

    /// Logs a user in, and logs the outcome. The cause of a failure is logged with the response.
    async fn login<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Result<IssuedTokens, ApiError> {
        let (email, password) = credentials(request)?;
        let network = request.extensions().get().cloned().unwrap_or_default();
        let error = match self.sign_in(&email, &password, &network).await {
            Ok((issued, stored)) => {
                let (user_id, session_id) = (&issued.session.user_id, &issued.session.id);
                info!(outcome = "Success", user_id, %session_id, "login");
                if !stored.password_hash.is_current() {
                    self.renew_hash(&email, &password, &stored).await;
                }
                return Ok(issued);
            }
            Err(error) => error,
        };
        match error {
            SignInError::Refused { refusal, user_id } => {
                info!(outcome = ?refusal, user_id, "login");
                Err(ApiError::InvalidCredentials(self.detail(refusal)))
            }
            SignInError::TooManyAttempts {
                counter,
                retry_after,
            } => {
                info!(
                    outcome = "TooManyAttempts",
                    counter = counter.name(),
                    "login"
                );
                Err(ApiError::TooManyAttempts { retry_after })
            }
            SignInError::Repository(error) => Err(failed(error)),
            SignInError::Hashing(error) => Err(failed(error)),
            SignInError::Signing(error) => Err(failed(error)),
        }
    }

    /// Returns the text for the client: the same for all reasons, unless the tutorial's two texts are
    /// configured.
    fn detail(&self, refusal: Refusal) -> &'static str {
        match (self.errors, refusal) {
            (LoginErrors::Uniform, _) => "Invalid email or password",
            (LoginErrors::Distinct, Refusal::UnknownUser | Refusal::DisabledUser) => {
                "User not found"
            }
            (LoginErrors::Distinct, Refusal::WrongPassword) => "Invalid password",
        }
    }
}

fn failed(error: impl Into<ApiError>) -> ApiError {
    info!(outcome = "Failed", "login");
    error.into()
}

fn credentials<B: AsRef<[u8]>>(request: &Request<B>) -> Result<(Email, Password), ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let limit = format_args!("{MAX_EMAIL_CHARS} characters");
    let email = body.text("email", Email::parse, limit);
    let limit = format_args!("{MAX_PASSWORD_BYTES} bytes");
    let password = body.text("password", Password::parse, limit);
    email.zip(password).ok_or_else(|| body.into_error())
}
