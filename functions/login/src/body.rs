//! The bodies of the three endpoints.

use auth_core::{Credentials, Email, MAX_EMAIL_CHARS, MAX_PASSWORD_BYTES, Password, TokenPair};
use auth_http::{ApiError, JsonBody};
use http::Request;
use serde::Serialize;

/// The body of a 200 (RFC 6749 section 5.1).
#[derive(Serialize)]
pub(crate) struct TokenResponse<'a> {
    access_token: &'a str,
    refresh_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
}

impl<'a> TokenResponse<'a> {
    pub(crate) fn new(tokens: &'a TokenPair, expires_in: u64) -> Self {
        Self {
            access_token: tokens.access_token.expose(),
            refresh_token: tokens.refresh_token.expose(),
            token_type: "Bearer",
            expires_in,
        }
    }
}

pub(crate) fn credentials<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Credentials, ApiError> {
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

pub(crate) fn refresh_token<B: AsRef<[u8]>>(request: &Request<B>) -> Result<String, ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("refresh_token");
    body.finish(token)
}

pub(crate) fn logout<B: AsRef<[u8]>>(request: &Request<B>) -> Result<(String, bool), ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("refresh_token");
    let all_sessions = body.flag("all_sessions");
    body.finish(token.zip(all_sessions))
}
