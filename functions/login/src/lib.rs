//! `login`: tokens for an email and a password, new tokens for a refresh token, and the end of
//! sessions.
//!
//! Start at [`Login::handle`]; the rule of a login is in `sign_in`, that of sessions in
//! [`auth_core::Sessions`], the settings in `settings`.

mod body;
mod reservation;
mod settings;
mod sign_in;

use std::sync::Arc;

use auth_core::{
    AttemptCounters, AttemptRepository, Clock, CredentialRepository, Credentials,
    InvalidRefreshToken, KeySource, PasswordHasher, RefreshError, Refreshed, SessionRepository,
    Sessions, SourceNetwork, TokenIssuer, TokenPair, UserRepository,
};
use auth_http::{ApiError, Response, Route, answer, find, no_content, ok};
use body::TokenResponse;
use http::Request;
use sign_in::{Refusal, SignInError};
use tracing::{info, warn};

pub use settings::{LoginErrors, LoginSettings};

/// What the function serves.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// Tokens for an email and a password.
    Login,
    /// Tokens for a refresh token.
    Refresh,
    /// The end of one session, or of all of a user.
    Logout,
}

/// Where it serves it.
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

/// What the function keeps its state in.
#[derive(Debug, Clone)]
pub struct Stores<U, S, A> {
    /// The users.
    pub users: U,
    /// Their sessions.
    pub sessions: S,
    /// Their failed logins.
    pub attempts: A,
}

/// What the function makes tokens with.
#[derive(Debug)]
pub struct LoginKeys {
    /// For access tokens: other functions may hold these keys too.
    pub access_tokens: Arc<dyn KeySource>,
    /// For refresh tokens: this function's own.
    pub refresh_tokens: Arc<dyn KeySource>,
}

/// The function: its stores, its keys and how it words a refusal.
#[derive(Debug)]
pub struct Login<U, S, A> {
    users: U,
    sessions: Sessions<S>,
    attempts: A,
    counters: AttemptCounters,
    hasher: Arc<PasswordHasher>,
    clock: Clock,
    errors: LoginErrors,
    realm: String,
    expires_in: u64,
}

impl<U, S, A> Login<U, S, A>
where
    U: CredentialRepository + UserRepository,
    S: SessionRepository,
    A: AttemptRepository,
{
    /// The function with these settings, keys and stores.
    #[must_use]
    pub fn new(
        settings: LoginSettings,
        keys: LoginKeys,
        stores: Stores<U, S, A>,
        clock: Clock,
    ) -> Self {
        let tokens = settings.common.tokens;
        let refresh_keys = keys.refresh_tokens;
        Self {
            users: stores.users,
            attempts: stores.attempts,
            counters: AttemptCounters::new(Arc::clone(&refresh_keys), settings.limits),
            hasher: Arc::default(),
            errors: settings.errors,
            realm: tokens.audience.clone(),
            expires_in: tokens.expiration,
            sessions: Sessions::new(
                stores.sessions,
                refresh_keys,
                TokenIssuer::new(keys.access_tokens, tokens, clock.clone()),
                settings.sessions.rules,
                clock.clone(),
            ),
            clock,
        }
    }

    /// Answers a request, whatever it is. Where it comes from is the [`SourceNetwork`] among its
    /// extensions.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response {
        answer(&self.realm, async {
            match find(&ROUTES, request.method(), request.uri().path())? {
                Endpoint::Login => {
                    let network = request.extensions().get().copied();
                    self.login(&body::credentials(&request)?, network.unwrap_or_default())
                        .await
                }
                Endpoint::Refresh => self.refresh(&body::refresh_token(&request)?).await,
                Endpoint::Logout => {
                    let (token, all_sessions) = body::logout(&request)?;
                    self.logout(&token, all_sessions).await
                }
            }
        })
        .await
    }

    /// How many password hashes were computed so far: a test can tell that a refusal cost one, or
    /// none.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.hasher.computed()
    }

    async fn login(
        &self,
        credentials: &Credentials,
        network: SourceNetwork,
    ) -> Result<Response, ApiError> {
        let tokens = self.sign_in(credentials, &network).await;
        self.granted(&tokens.map_err(|error| self.login_error(error))?)
    }

    async fn refresh(&self, token: &str) -> Result<Response, ApiError> {
        let refreshed = self.sessions.refresh(&self.users, token).await;
        let Refreshed { tokens, session } = refreshed.map_err(refresh_error)?;
        let (user_id, session_id) = (&session.user_id, &session.id);
        info!(outcome = "Success", user_id, %session_id, "refresh");
        self.granted(&tokens)
    }

    /// A token that is not taken has nothing left to end, and that is what was asked for
    /// (RFC 7009 section 2.2).
    async fn logout(&self, token: &str, all_sessions: bool) -> Result<Response, ApiError> {
        let ended = if all_sessions {
            let ended = self.sessions.end_all(&self.users, token).await;
            ended.map(|session| Some(session.id))
        } else {
            self.sessions.end(token).await
        };
        match ended {
            Ok(Some(session_id)) => info!(%session_id, all_sessions, "logout"),
            Ok(None) => {}
            Err(RefreshError::Invalid(why)) => log_invalid(why, "logout"),
            Err(error) => return Err(refresh_error(error)),
        }
        Ok(no_content())
    }

    fn granted(&self, tokens: &TokenPair) -> Result<Response, ApiError> {
        ok(&TokenResponse::new(tokens, self.expires_in))
    }

    fn login_error(&self, error: SignInError) -> ApiError {
        match error {
            SignInError::Refused(refusal) => ApiError::InvalidCredentials(self.detail(refusal)),
            SignInError::TooManyAttempts(retry_after) => ApiError::TooManyAttempts { retry_after },
            SignInError::Repository(error) => error.into(),
            SignInError::Hashing(error) => error.into(),
            SignInError::Signing(error) => error.into(),
        }
    }

    /// What the client reads: one text for all, unless the tutorial's two are asked for.
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

fn refresh_error(error: RefreshError) -> ApiError {
    match error {
        RefreshError::Invalid(why) => {
            log_invalid(why, "refresh");
            ApiError::InvalidRefreshToken
        }
        RefreshError::Repository(error) => error.into(),
        RefreshError::Signing(error) => error.into(),
    }
}

/// Logs why a refresh token was not taken. One that was used twice is a theft, or a client that kept
/// an old one: somebody should look.
fn log_invalid(why: InvalidRefreshToken, endpoint: &str) {
    if let InvalidRefreshToken::Reused(session_id) = why {
        warn!(%session_id, endpoint, "refresh token reused, session revoked");
    } else {
        info!(outcome = "Refused", reason = %why, endpoint, "refresh token");
    }
}
