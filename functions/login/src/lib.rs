//! `login`: tokens for an email and a password, new tokens for a refresh token, and logouts.
//!
//! Start at [`Login::handle`]. The rule of a login is in `sign_in`, that of sessions in
//! [`auth_core::Sessions`].

mod body;
mod reservation;
mod settings;
mod sign_in;

use std::sync::Arc;

use auth_core::{
    AttemptCounters, AttemptRepository, Clock, CredentialRepository, InvalidRefreshToken,
    IssuedTokens, KeySource, PasswordHasher, RefreshError, SessionRepository, Sessions,
    TokenIssuer, UserRepository,
};
use auth_http::{ApiError, Response, Route, find_endpoint, json, no_content, respond};
use body::TokenResponse;
use http::{Request, StatusCode};
use sign_in::{Refusal, SignInError};
use tracing::{info, warn};

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
    /// Make refresh tokens and the keys of counters. Only this function has them.
    pub refresh_tokens: Arc<dyn KeySource>,
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

    /// Handles a request. Its [`SourceNetwork`](auth_core::SourceNetwork) is one of its extensions.
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

    /// Returns how many password hashes were computed so far, for tests of what a refusal costs.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.hasher.computed()
    }

    /// Signs a user in, and logs the outcome. The cause of a failure is logged with the response.
    async fn login<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Result<IssuedTokens, ApiError> {
        let (email, password) = body::credentials(request)?;
        let network = request.extensions().get().cloned().unwrap_or_default();
        let error = match self.sign_in(&email, &password, &network).await {
            Ok(issued) => {
                let (user_id, session_id) = (&issued.session.user_id, &issued.session.id);
                info!(outcome = "Success", user_id, %session_id, "login");
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

    /// Returns the text for the client: the same for all reasons, unless the tutorial's two are configured.
    fn detail(&self, refusal: Refusal) -> &'static str {
        match (self.errors, refusal) {
            (LoginErrors::Uniform, _) => "Invalid email or password",
            (LoginErrors::Distinct, Refusal::UnknownUser | Refusal::DisabledUser) => {
                "User not found"
            }
            (LoginErrors::Distinct, Refusal::WrongPassword) => "Invalid password",
        }
    }

    async fn refresh<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<IssuedTokens, ApiError> {
        let token = body::refresh_token(request)?;
        match self.sessions.refresh(&self.store, &token).await {
            Ok(issued) => {
                let (user_id, session_id) = (&issued.session.user_id, &issued.session.id);
                info!(outcome = "Success", user_id, %session_id, "refresh");
                Ok(issued)
            }
            Err(RefreshError::Invalid(reason)) => {
                log_invalid_token(&reason, "refresh");
                Err(ApiError::InvalidRefreshToken)
            }
            Err(RefreshError::Repository(error)) => Err(error.into()),
            Err(RefreshError::Signing(error)) => Err(error.into()),
        }
    }

    /// Ends sessions. If the token is not valid, there is nothing left to end, which is what the client
    /// asked for (RFC 7009 section 2.2).
    async fn logout<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Result<Response, ApiError> {
        let (token, all_sessions) = body::logout(request)?;
        let ended = if all_sessions {
            let ended = self.sessions.end_all(&self.store, &token).await;
            ended.map(|session| Some(session.id))
        } else {
            self.sessions.end(&self.store, &token).await
        };
        match ended {
            Ok(Some(session_id)) => info!(%session_id, all_sessions, "logout"),
            Ok(None) => {}
            Err(RefreshError::Invalid(reason)) => log_invalid_token(&reason, "logout"),
            Err(RefreshError::Repository(error)) => return Err(error.into()),
            Err(RefreshError::Signing(error)) => return Err(error.into()),
        }
        Ok(no_content())
    }
}

fn failed(error: impl Into<ApiError>) -> ApiError {
    info!(outcome = "Failed", "login");
    error.into()
}

/// Logs why a refresh token is rejected. A reused token means a theft, or a client that kept an old token:
/// worth a warning.
fn log_invalid_token(reason: &InvalidRefreshToken, endpoint: &str) {
    if let InvalidRefreshToken::Reused(session_id) = reason {
        warn!(%session_id, endpoint, "refresh token reused, session revoked");
    } else {
        info!(outcome = "Refused", %reason, endpoint, "refresh token");
    }
}
