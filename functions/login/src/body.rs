//! The request and response bodies of the three endpoints.

use auth_core::{Email, IssuedTokens, MAX_EMAIL_CHARS, MAX_PASSWORD_BYTES, Password};
use auth_http::{ApiError, JsonBody};
use http::Request;
use serde::Serialize;

/// The body of a 200 (RFC 6749 section 5.1).
#[derive(Serialize)]
pub(crate) struct TokenResponse {
    #[serde(flatten)]
    pub(crate) tokens: IssuedTokens,
    pub(crate) token_type: &'static str,
    /// The lifetime of the access token in seconds.
    pub(crate) expires_in: u64,
}

pub(crate) fn credentials<B: AsRef<[u8]>>(
    request: &Request<B>,
) -> Result<(Email, Password), ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let limit = format_args!("{MAX_EMAIL_CHARS} characters");
    let email = body.text("email", Email::parse, limit);
    let limit = format_args!("{MAX_PASSWORD_BYTES} bytes");
    let password = body.text("password", Password::parse, limit);
    email.zip(password).ok_or_else(|| body.into_error())
}

pub(crate) fn refresh_token<B: AsRef<[u8]>>(request: &Request<B>) -> Result<String, ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("refresh_token");
    token.ok_or_else(|| body.into_error())
}

/// Returns the refresh token, and whether to end all sessions.
pub(crate) fn logout<B: AsRef<[u8]>>(request: &Request<B>) -> Result<(String, bool), ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("refresh_token");
    let all_sessions = body.flag("all_sessions");
    token.zip(all_sessions).ok_or_else(|| body.into_error())
}
