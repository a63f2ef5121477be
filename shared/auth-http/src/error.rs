//! Every way a request can fail, and the one mapping to an answer: FastAPI's `{"detail": ...}`.

use auth_core::{BearerError, Forbidden, HashingError, RepositoryError, SigningError};
use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::{Response, with_body};

/// Seconds after which a client may ask an unavailable service again.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Why a request was not fulfilled. Causes are for logs; a client sees [`ApiError::status`],
/// a fixed text and the headers of RFC 6750.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The guard did not let the request through.
    #[error(transparent)]
    Bearer(#[from] BearerError),
    /// The token is valid, but its user is gone, disabled or signed out everywhere since.
    #[error("the token's user is gone, disabled or signed out everywhere")]
    UserGone,
    /// A permission or role is missing.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Email and password do not sign anybody in. The text is what the client reads.
    #[error("login refused")]
    InvalidCredentials(&'static str),
    /// The refresh token is not taken.
    #[error("refresh token refused")]
    InvalidRefreshToken,
    /// Too many logins failed; this one was not looked at.
    #[error("too many attempts")]
    TooManyAttempts {
        /// Seconds after which one will be looked at again.
        retry_after: u64,
    },
    /// The body is JSON of a wrong shape, or no JSON.
    #[error("malformed body")]
    Validation(Vec<ValidationError>),
    /// The body is larger than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("body too large")]
    ContentTooLarge,
    /// The function serves another path.
    #[error("another path")]
    NotFound,
    /// The function serves the path with other methods, as `Allow` lists them.
    #[error("another method than {allow}")]
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
    /// The request could not be answered before Lambda would have ended it.
    #[error("no answer before the deadline")]
    DeadlineExceeded,
    /// The answer could not be written as JSON.
    #[error("the answer could not be written: {0}")]
    Serialization(serde_json::Error),
}

/// One thing that is wrong with a body, in Pydantic's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValidationError {
    /// Pydantic's name for the error.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where: `"body"`, then the member or the offset in characters.
    pub loc: Vec<Value>,
    /// What, for people. The input itself is never repeated: it may be a password.
    pub msg: String,
}

impl ApiError {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Bearer(BearerError::InvalidRequest) => StatusCode::BAD_REQUEST,
            Self::Bearer(
                BearerError::NotAuthenticated | BearerError::InvalidToken(_) | BearerError::Expired,
            )
            | Self::UserGone
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
            | Self::Signing(_)
            | Self::Serialization(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer, with `realm` in its `WWW-Authenticate` header where it has one.
    #[must_use]
    pub fn into_response(self, realm: &str) -> Response {
        let body = json!({ "detail": self.detail() }).to_string();
        let mut response = with_body(self.status(), body);
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
            Self::UserGone => "User not found".into(),
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
            | Self::Signing(_)
            | Self::Serialization(_) => "Internal Server Error".into(),
        }
    }

    /// The header that goes with the status (RFC 6750 section 3, RFC 9110 sections 10.2.1 and 10.2.3).
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
            Self::Bearer(BearerError::InvalidToken(_) | BearerError::Expired) | Self::UserGone => {
                challenge(", error=\"invalid_token\"")
            }
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
            Self::TooManyAttempts { retry_after } => Some((RETRY_AFTER, retry_after.to_string())),
            Self::Repository(RepositoryError::Malformed(_))
            | Self::InvalidRefreshToken
            | Self::Validation(_)
            | Self::ContentTooLarge
            | Self::NotFound
            | Self::Hashing(_)
            | Self::Signing(_)
            | Self::Serialization(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{KeysUnavailable, Rejection};

    use super::*;

    fn answer(error: ApiError) -> (u16, Value, Option<String>) {
        let response = error.into_response("api");
        let header = [WWW_AUTHENTICATE, ALLOW, RETRY_AFTER]
            .iter()
            .find_map(|name| response.headers().get(name))
            .map(|value| value.to_str().unwrap().to_owned());
        let body: Value = serde_json::from_str(response.body()).unwrap();
        (response.status().as_u16(), body["detail"].clone(), header)
    }

    #[test]
    fn every_error_has_its_answer() {
        let scope = |scope: Option<&str>| Forbidden {
            scope: scope.map(str::to_owned),
        };
        let bearer = r#"Bearer realm="api""#;
        let with = |rest: &str| Some(format!("{bearer}, {rest}"));
        let plain = Some(bearer.to_owned());
        let invalid_token = with(r#"error="invalid_token""#);
        for (error, status, detail, header) in [
            (
                BearerError::NotAuthenticated.into(),
                401,
                "Not authenticated",
                plain.clone(),
            ),
            (
                BearerError::InvalidToken(Rejection::WrongSignature).into(),
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
            (ApiError::UserGone, 401, "User not found", invalid_token),
            (ApiError::InvalidCredentials("No"), 401, "No", plain),
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
                ApiError::TooManyAttempts { retry_after: 900 },
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
            assert_eq!(answer(error), (status, detail.into(), header));
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
            assert_eq!(answer(error), (503, detail, Some("1".into())));
        }
        for error in [
            RepositoryError::Malformed("id".into()).into(),
            HashingError.into(),
            SigningError::Unavailable.into(),
        ] {
            assert_eq!(answer(error), (500, "Internal Server Error".into(), None));
        }
    }

    #[test]
    fn a_scope_that_fits_in_no_header_leaves_the_status() {
        let forbidden = Forbidden {
            scope: Some("a\nb".into()),
        };
        assert_eq!(answer(forbidden.into()).0, 403);
    }
}
