//! Every way in which a request can fail, and the only mapping to responses: FastAPI's
//! `{"detail": ...}`.

use std::time::Duration;

use auth_core::{BearerError, Forbidden, HashingError, LiveError, RepositoryError, SigningError};
use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::response::{self, Response};

/// Seconds after which a client may retry while the service is unavailable.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Why a request failed. Causes are for logs; a client sees [`ApiError::status`], a fixed text and the
/// headers of RFC 6750.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The guard rejected the request.
    #[error(transparent)]
    Bearer(#[from] BearerError),
    /// The token is valid, but its user is gone or disabled, or its session has ended.
    #[error("the token's user is gone or disabled, or its session has ended")]
    SessionEnded,
    /// A permission or role is missing.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Email and password do not match an enabled user. The text is the detail for the client.
    #[error("login refused")]
    InvalidCredentials(&'static str),
    /// The refresh token is rejected.
    #[error("refresh token refused")]
    InvalidRefreshToken,
    /// Too many logins failed. The password of this one was not checked.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When the client may try again.
        retry_after: Duration,
    },
    /// The body is not JSON, or has the wrong structure.
    #[error("malformed body")]
    Validation(Vec<ValidationError>),
    /// The body is larger than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("body too large")]
    ContentTooLarge,
    /// The function does not serve the path.
    #[error("unknown path")]
    NotFound,
    /// The function serves the path only with the methods in `Allow`.
    #[error("method is not {allow}")]
    MethodNotAllowed {
        /// The methods, separated by commas.
        allow: String,
    },
    /// A store failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// A token could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The handler did not finish before Lambda would have ended the request.
    #[error("no response before the deadline")]
    DeadlineExceeded,
}

/// An error in a body, in Pydantic's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValidationError {
    /// Pydantic's name for the error.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The location: `"body"`, then the member or the offset in characters.
    pub loc: Vec<Value>,
    /// The error, for people. It never repeats the input, which may be a password.
    pub msg: String,
}

impl From<LiveError> for ApiError {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Bearer(error) => error.into(),
            LiveError::Ended => Self::SessionEnded,
            LiveError::Repository(error) => error.into(),
        }
    }
}

impl ApiError {
    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Bearer(BearerError::InvalidRequest) => StatusCode::BAD_REQUEST,
            Self::Bearer(
                BearerError::NotAuthenticated | BearerError::InvalidToken(_) | BearerError::Expired,
            )
            | Self::SessionEnded
            | Self::InvalidCredentials(_)
            | Self::InvalidRefreshToken => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Validation(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Bearer(BearerError::KeysUnavailable(_))
            | Self::Signing(SigningError::KeysUnavailable(_))
            | Self::Repository(RepositoryError::Unavailable(_))
            | Self::DeadlineExceeded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Repository(RepositoryError::Malformed(_))
            | Self::Hashing(_)
            | Self::Signing(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the response, with `realm` in its `WWW-Authenticate` header if it has one.
    pub(crate) fn response(&self, realm: &str) -> Response {
        let mut response = response::json(self.status(), &json!({ "detail": self.detail() }));
        if let Some((name, value)) = self.header(realm)
            && let Ok(value) = HeaderValue::try_from(value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn detail(&self) -> Value {
        match self {
            Self::Bearer(BearerError::NotAuthenticated) => "Not authenticated".into(),
            Self::Bearer(BearerError::InvalidRequest) => "Invalid request".into(),
            Self::Bearer(BearerError::InvalidToken(_)) => "Invalid token".into(),
            Self::Bearer(BearerError::Expired) => "Token has expired".into(),
            Self::SessionEnded => "User not found".into(),
            Self::Forbidden(_) => "Not enough permissions".into(),
            Self::InvalidCredentials(detail) => (*detail).into(),
            Self::InvalidRefreshToken => "Invalid refresh token".into(),
            Self::TooManyAttempts { .. } => "Too many attempts".into(),
            Self::Validation(errors) => json!(errors),
            Self::ContentTooLarge => "Content Too Large".into(),
            Self::NotFound => "Not Found".into(),
            Self::MethodNotAllowed { .. } => "Method Not Allowed".into(),
            Self::Bearer(BearerError::KeysUnavailable(_))
            | Self::Signing(SigningError::KeysUnavailable(_))
            | Self::Repository(RepositoryError::Unavailable(_))
            | Self::DeadlineExceeded => "Service temporarily unavailable".into(),
            Self::Repository(RepositoryError::Malformed(_))
            | Self::Hashing(_)
            | Self::Signing(_) => "Internal Server Error".into(),
        }
    }

    /// Returns the header that belongs to the status (RFC 6750 section 3, RFC 9110 sections 10.2.1 and 10.2.3).
    fn header(&self, realm: &str) -> Option<(HeaderName, String)> {
        let challenge = |rest: &str| {
            let value = format!("Bearer realm=\"{realm}\"{rest}");
            Some((WWW_AUTHENTICATE, value))
        };
        match self {
            Self::Bearer(BearerError::NotAuthenticated) | Self::InvalidCredentials(_) => {
                challenge("")
            }
            Self::Bearer(BearerError::InvalidRequest) => challenge(", error=\"invalid_request\""),
            Self::Bearer(BearerError::InvalidToken(_) | BearerError::Expired)
            | Self::SessionEnded => challenge(", error=\"invalid_token\""),
            Self::Forbidden(Forbidden { scope: Some(scope) }) => challenge(&format!(
                ", error=\"insufficient_scope\", scope=\"{scope}\""
            )),
            Self::Forbidden(Forbidden { scope: None }) => {
                challenge(", error=\"insufficient_scope\"")
            }
            Self::MethodNotAllowed { allow } => Some((ALLOW, allow.clone())),
            Self::Bearer(BearerError::KeysUnavailable(_))
            | Self::Signing(SigningError::KeysUnavailable(_))
            | Self::Repository(RepositoryError::Unavailable(_))
            | Self::DeadlineExceeded => Some((RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())),
            Self::TooManyAttempts { retry_after } => {
                Some((RETRY_AFTER, retry_after.as_secs().max(1).to_string()))
            }
            Self::Repository(RepositoryError::Malformed(_))
            | Self::InvalidRefreshToken
            | Self::Validation(_)
            | Self::ContentTooLarge
            | Self::NotFound
            | Self::Hashing(_)
            | Self::Signing(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{KeysUnavailable, TokenError};

    use super::*;

    fn respond(error: &ApiError) -> (u16, Value, Option<String>) {
        let response = error.response("api");
        let header = [WWW_AUTHENTICATE, ALLOW, RETRY_AFTER]
            .iter()
            .find_map(|name| response.headers().get(name))
            .map(|value| value.to_str().unwrap().to_owned());
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body["detail"].clone(), header)
    }

    #[test]
    fn every_error_has_its_response() {
        let scope = |scope: Option<&str>| Forbidden {
            scope: scope.map(str::to_owned),
        };
        let bearer = r#"Bearer realm="api""#;
        let with = |rest: &str| Some(format!("{bearer}, {rest}"));
        let challenge = Some(bearer.to_owned());
        let invalid_token = with(r#"error="invalid_token""#);
        for (error, status, detail, header) in [
            (
                BearerError::NotAuthenticated.into(),
                401,
                "Not authenticated",
                challenge.clone(),
            ),
            (
                BearerError::InvalidToken(TokenError::WrongSignature).into(),
                401,
                "Invalid token",
                invalid_token.clone(),
            ),
            (
                BearerError::Expired.into(),
                401,
                "Token has expired",
                invalid_token.clone(),
            ),
            (
                BearerError::InvalidRequest.into(),
                400,
                "Invalid request",
                with(r#"error="invalid_request""#),
            ),
            (ApiError::SessionEnded, 401, "User not found", invalid_token),
            (ApiError::InvalidCredentials("No"), 401, "No", challenge),
            (
                scope(Some("read")).into(),
                403,
                "Not enough permissions",
                with(r#"error="insufficient_scope", scope="read""#),
            ),
            (
                scope(None).into(),
                403,
                "Not enough permissions",
                with(r#"error="insufficient_scope""#),
            ),
            (
                ApiError::InvalidRefreshToken,
                401,
                "Invalid refresh token",
                None,
            ),
            (
                ApiError::TooManyAttempts {
                    retry_after: Duration::from_mins(15),
                },
                429,
                "Too many attempts",
                Some("900".into()),
            ),
            (ApiError::ContentTooLarge, 413, "Content Too Large", None),
            (ApiError::NotFound, 404, "Not Found", None),
            (
                ApiError::MethodNotAllowed {
                    allow: "GET".into(),
                },
                405,
                "Method Not Allowed",
                Some("GET".into()),
            ),
        ] {
            assert_eq!(respond(&error), (status, detail.into(), header));
        }
    }

    #[test]
    fn an_outage_is_a_503_and_a_fault_a_500() {
        for error in [
            RepositoryError::Unavailable("down".into()).into(),
            BearerError::from(KeysUnavailable).into(),
            SigningError::from(KeysUnavailable).into(),
            ApiError::DeadlineExceeded,
        ] {
            let detail = "Service temporarily unavailable".into();
            assert_eq!(respond(&error), (503, detail, Some("1".into())));
        }
        for error in [
            RepositoryError::Malformed("id".into()).into(),
            HashingError.into(),
            SigningError::Unavailable.into(),
        ] {
            assert_eq!(respond(&error), (500, "Internal Server Error".into(), None));
        }
    }

    #[test]
    fn a_scope_that_is_not_a_valid_header_does_not_change_the_status() {
        let forbidden = Forbidden {
            scope: Some("a\nb".into()),
        };
        assert_eq!(respond(&forbidden.into()).0, 403);
    }
}
