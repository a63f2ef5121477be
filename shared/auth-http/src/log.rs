//! Logs why requests failed: each once, and never a secret.

use auth_core::{BearerError, RepositoryError, SigningError};

use crate::error::ApiError;

/// Logs why a request failed. Logins and refreshes log their outcomes themselves.
pub(crate) fn error(error: &ApiError) {
    let status = error.status().as_u16();
    match error {
        ApiError::InvalidCredentials(_)
        | ApiError::InvalidRefreshToken
        | ApiError::TooManyAttempts { .. } => {}
        ApiError::Bearer(BearerError::KeysUnavailable(_))
        | ApiError::Signing(SigningError::KeysUnavailable(_))
        | ApiError::DeadlineExceeded => tracing::error!(status, reason = %error, "unavailable"),
        ApiError::Bearer(_)
        | ApiError::SessionEnded
        | ApiError::Forbidden(_)
        | ApiError::Validation(_)
        | ApiError::ContentTooLarge
        | ApiError::NotFound
        | ApiError::MethodNotAllowed { .. } => tracing::info!(status, reason = %error, "refused"),
        ApiError::Repository(RepositoryError::Unavailable(cause)) => {
            tracing::error!(status, reason = %error, %cause, "unavailable");
        }
        ApiError::Repository(RepositoryError::Malformed(_))
        | ApiError::Hashing(_)
        | ApiError::Signing(_) => {
            tracing::error!(status, reason = %error, "failed");
        }
    }
}
