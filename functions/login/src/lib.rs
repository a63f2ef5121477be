//! `POST /api/v1/login`: an access token for an email and a password.
//!
//! Start at [`Login::handle`]; the rule is in `sign_in`, the settings in `settings`.

mod settings;
mod sign_in;

use std::sync::Arc;

use auth_core::{
    Clock, CredentialRepository, Credentials, Email, KeySource, MAX_EMAIL_CHARS,
    MAX_PASSWORD_BYTES, Password, TokenIssuer,
};
use auth_http::{ApiError, JsonBody, Response, Route, answer, find, ok};
use http::Request;
use serde::Serialize;
use sign_in::{Refusal, SignIn, SignInError};

pub use settings::{LoginErrors, LoginSettings};

/// What the function serves.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// A token for an email and a password.
    Login,
}

/// Where it serves it.
pub const ROUTES: [Route<Endpoint>; 1] = [Route {
    method: "POST",
    path: "/api/v1/login",
    endpoint: Endpoint::Login,
}];

/// The body of a 200 (RFC 6749 section 5.1).
#[derive(Serialize)]
struct LoginResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
}

/// The function: its users, its keys and how it words a refusal.
#[derive(Debug)]
pub struct Login<R> {
    sign_in: SignIn<R>,
    errors: LoginErrors,
    realm: String,
}

impl<R: CredentialRepository> Login<R> {
    /// The function with these settings, keys and users.
    #[must_use]
    pub fn new(settings: LoginSettings, keys: Arc<dyn KeySource>, users: R, clock: Clock) -> Self {
        let LoginSettings { common, errors } = settings;
        Self {
            realm: common.tokens.audience.clone(),
            sign_in: SignIn {
                users,
                hasher: Arc::default(),
                issuer: TokenIssuer::new(keys, common.tokens, clock),
            },
            errors,
        }
    }

    /// Answers a request, whatever it is.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response {
        answer(&self.realm, async {
            match find(&ROUTES, request.method(), request.uri().path())? {
                Endpoint::Login => self.login(&credentials(&request)?).await,
            }
        })
        .await
    }

    async fn login(&self, credentials: &Credentials) -> Result<Response, ApiError> {
        let token = self.sign_in.sign_in(credentials).await;
        let token = token.map_err(|error| self.api_error(error))?;
        ok(&LoginResponse {
            access_token: token.expose(),
            token_type: "Bearer",
            expires_in: self.sign_in.issuer.expires_in(),
        })
    }

    fn api_error(&self, error: SignInError) -> ApiError {
        match error {
            SignInError::Refused(refusal) => ApiError::InvalidCredentials(self.detail(refusal)),
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

fn credentials<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Credentials, ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let email = body.text(
        "email",
        Email::parse,
        format_args!("{MAX_EMAIL_CHARS} characters"),
    );
    let password = body.text(
        "password",
        Password::parse,
        format_args!("{MAX_PASSWORD_BYTES} bytes"),
    );
    let credentials = email
        .zip(password)
        .map(|(email, password)| Credentials::new(email, password));
    body.finish(credentials)
}
