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
#[derive(Debug)]
pub enum ApiError {
    /// The guard did not let the request through.
    Bearer(BearerError),
    /// The token is valid, but its user is gone or disabled.
    UserGone,
    /// A permission or role is missing.
    Forbidden(Forbidden),
    /// Email and password do not sign anybody in. The text is what the client reads.
    InvalidCredentials(&'static str),
    /// The body is JSON of a wrong shape, or no JSON.
    Validation(Vec<ValidationError>),
    /// The body is larger than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    ContentTooLarge,
    /// The function serves another path.
    NotFound,
    /// The function serves the path with other methods, as `Allow` lists them.
    MethodNotAllowed {
        /// The methods, separated by commas.
        allow: String,
    },
    /// Users or keys cannot be reached.
    Unavailable(RepositoryError),
    /// A password could not be hashed.
    Hashing(HashingError),
    /// A token could not be signed.
    Signing(SigningError),
    /// The answer could not be written as JSON.
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
            | Self::InvalidCredentials(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Validation(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable(RepositoryError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Hashing(_) | Self::Signing(_) | Self::Serialization(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
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
            Self::Validation(errors) => json!(errors),
            Self::ContentTooLarge => "Content Too Large".into(),
            Self::NotFound => "Not Found".into(),
            Self::MethodNotAllowed { .. } => "Method Not Allowed".into(),
            Self::Unavailable(_) => "Service temporarily unavailable".into(),
            Self::Hashing(_) | Self::Signing(_) | Self::Serialization(_) => {
                "Internal Server Error".into()
            }
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
            Self::Unavailable(_) => Some((RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())),
            Self::Validation(_)
            | Self::ContentTooLarge
            | Self::NotFound
            | Self::Hashing(_)
            | Self::Signing(_)
            | Self::Serialization(_) => None,
        }
    }
}

impl From<BearerError> for ApiError {
    fn from(error: BearerError) -> Self {
        Self::Bearer(error)
    }
}

impl From<Forbidden> for ApiError {
    fn from(error: Forbidden) -> Self {
        Self::Forbidden(error)
    }
}

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        Self::Unavailable(error)
    }
}

impl From<HashingError> for ApiError {
    fn from(error: HashingError) -> Self {
        Self::Hashing(error)
    }
}

impl From<SigningError> for ApiError {
    fn from(error: SigningError) -> Self {
        Self::Signing(error)
    }
}
