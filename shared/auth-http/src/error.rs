//! Every way in which a request can fail, with its status. `response` has the rest of the response.

mod response;

use std::{error::Error, time::Duration};

use auth_core::{BearerError, Forbidden, HashingError, LiveError, RepositoryError, SigningError};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

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
    /// An error of your own handler, created with [`ApiError::new`].
    #[error("the handler's own error")]
    Custom {
        /// The status of the response.
        status: StatusCode,
        /// The detail for the client. It is not logged.
        detail: Value,
    },
    /// Code behind the guard failed. The cause is logged, and the response is a 500.
    #[error("the handler failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// An error with the realm of the guard, created with [`ApiError::in_realm`].
    #[error("{error}")]
    InRealm {
        /// The protection space of the `WWW-Authenticate` header.
        realm: String,
        /// The error.
        error: Box<ApiError>,
    },
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
    /// Returns an error of your own handler, such as a 409. The body of its response is `{"detail": ...}`. The
    /// detail is not logged.
    pub fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self::Custom {
            status,
            detail: detail.into(),
        }
    }

    /// Adds the realm that a `WWW-Authenticate` header contains: [`JwtBearer::realm`](auth_core::JwtBearer::realm).
    #[must_use]
    pub fn in_realm(self, realm: &str) -> Self {
        Self::InRealm {
            realm: realm.to_owned(),
            error: Box::new(self),
        }
    }

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
            | Self::Signing(_)
            | Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Custom { status, .. } => *status,
            Self::InRealm { error, .. } => error.status(),
        }
    }
}
