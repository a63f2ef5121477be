//! `login`: tokens for an email and a password, new tokens for a refresh token, and logouts.
//!
//! Start at [`Login::handle`]. The rule of a login is in `sign_in`; refreshes and logouts are in `sessions`.

mod error;
mod keys;
mod reservation;
mod sessions;
mod settings;
mod sign_in;

use std::sync::Arc;

use auth_core::{
    AttemptRepository, Attempts, Clock, CredentialRepository, DeviceToken, Email, IssuedTokens,
    MAX_EMAIL_CHARS, MAX_PASSWORD_BYTES, NoticeRepository, Password, PasswordHasher,
    SessionRepository, Sessions, SourceNetwork, TokenIssuer, UserRepository,
};
use auth_http::{ApiError, JsonBody, Response, Route, find_endpoint, json, respond};
use error::{Refusal, SignInError};
use http::{Request, StatusCode};
use serde::Serialize;
use tracing::info;

pub use keys::LoginKeys;
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
    UserRepository + CredentialRepository + SessionRepository + AttemptRepository + NoticeRepository
{
}

impl<S> LoginStore for S where
    S: UserRepository
        + CredentialRepository
        + SessionRepository
        + AttemptRepository
        + NoticeRepository
{
}

/// The body of a 200 (RFC 6749 section 5.1).
#[derive(Serialize)]
struct TokenResponse {
    #[serde(flatten)]
    tokens: IssuedTokens,
    token_type: &'static str,
    /// The lifetime of the access token in seconds.
    expires_in: u64,
    /// Only after a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<DeviceToken>,
}

/// The body of a login.
pub(crate) struct Credentials {
    email: Email,
    password: Password,
    device_token: Option<String>,
}

/// The function.
#[derive(Debug)]
pub struct Login<S> {
    store: S,
    sessions: Sessions,
    attempts: Attempts,
    hasher: Arc<PasswordHasher>,
    clock: Clock,
    errors: LoginErrors,
    sends_notices: bool,
    realm: String,
    expires_in: u64,
}

impl<S: LoginStore> Login<S> {
    /// Returns the function with these settings, keys and store.
    #[must_use]
    pub fn new(settings: LoginSettings, keys: LoginKeys, store: S, clock: Clock) -> Self {
        let tokens = settings.common.tokens;
        let device_lifetime = settings.sessions.rules.expiration;
        Self {
            store,
            attempts: Attempts::new(keys.counters, settings.attempts.limits, device_lifetime),
            hasher: Arc::default(),
            errors: settings.errors,
            sends_notices: settings.sends_notices,
            realm: tokens.audience.clone(),
            expires_in: tokens.expiration.as_secs(),
            sessions: Sessions::new(
                keys.refresh_tokens,
                TokenIssuer::new(keys.access_tokens, tokens, clock.clone()),
                settings.sessions.rules,
                clock.clone(),
            ),
            clock,
        }
    }

    /// Handles a request. Reads the [`SourceNetwork`] from the request's
    /// extensions.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response {
        respond(&self.realm, async {
            let (method, path) = (request.method(), request.uri().path());
            let (tokens, device_token) = match find_endpoint(&ROUTES, method, path)? {
                Endpoint::Login => self.login(&request).await?,
                Endpoint::Refresh => (self.refresh(&request).await?, None),
                Endpoint::Logout => return self.logout(&request).await,
            };
            // A token does not outlive its session.
            let end = tokens.session.absolute_expires_at;
            let expires_in = self.expires_in.min(end.since(self.clock.now()).as_secs());
            let response = TokenResponse {
                tokens,
                token_type: "Bearer",
                expires_in,
                device_token,
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
    async fn login<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<(IssuedTokens, Option<DeviceToken>), ApiError> {
        let credentials = credentials(request)?;
        let network: SourceNetwork = request.extensions().get().cloned().unwrap_or_default();
        let device_token = credentials.device_token.as_deref();
        let now = self.clock.now();
        let attempt = self
            .attempts
            .begin(&credentials.email, &network, device_token, now);
        let attempt = attempt.await?;
        match self.sign_in(&credentials, &attempt, now).await {
            Ok(signed_in) => {
                let session = &signed_in.issued.session;
                let (user_id, session_id) = (&session.user_id, &session.id);
                info!(outcome = "Success", user_id, %session_id, "login");
                if !signed_in.stored.password_hash.is_current() {
                    self.renew_hash(&credentials, &signed_in.stored).await;
                }
                Ok((signed_in.issued, Some(signed_in.device_token)))
            }
            Err(error) => Err(self.refuse(error, &network.prefix(), attempt.email_mac())),
        }
    }

    /// Logs why a login gets no tokens, and returns the response.
    fn refuse(&self, error: SignInError, network: &str, email_mac: &str) -> ApiError {
        let failed = |error: ApiError| {
            info!(outcome = "Failed", network, email_mac, "login");
            error
        };
        match error {
            SignInError::Refused { refusal, user_id } => {
                info!(outcome = ?refusal, user_id, network, email_mac, "login");
                ApiError::InvalidCredentials(self.detail(refusal))
            }
            SignInError::TooManyAttempts {
                counter,
                retry_after,
            } => {
                let outcome = "TooManyAttempts";
                info!(outcome, counter, network, email_mac, "login");
                ApiError::TooManyAttempts { retry_after }
            }
            SignInError::Repository(error) => failed(error.into()),
            SignInError::Hashing(error) => failed(error.into()),
            SignInError::Signing(error) => failed(error.into()),
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

fn credentials<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Credentials, ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let limit = format_args!("{MAX_EMAIL_CHARS} characters");
    let email = body.text("email", Email::parse, limit);
    let limit = format_args!("{MAX_PASSWORD_BYTES} bytes");
    let password = body.text("password", Password::parse, limit);
    let device_token = body.optional_string("device_token");
    match (email, password, device_token) {
        (Some(email), Some(password), Some(device_token)) => Ok(Credentials {
            email,
            password,
            device_token,
        }),
        _ => Err(body.into_error()),
    }
}
