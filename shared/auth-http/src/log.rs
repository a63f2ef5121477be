//! Logs why requests failed: each once, and never a secret.

use auth_core::{BearerError, RepositoryError, SigningError};

use crate::error::ApiError;

impl ApiError {
    /// Logs why the request failed, for a caller that turns the error into something else than its response:
    /// [`respond`](crate::respond), the extractors and the layer log it themselves, once. Failed logins and refreshes
    /// are not logged here, because the functions log their outcomes.
    pub fn log(&self) {
        let status = self.status().as_u16();
        match self {
            Self::InvalidCredentials(_)
            | Self::InvalidRefreshToken
            | Self::TooManyAttempts { .. } => {}
            Self::Bearer(BearerError::KeysUnavailable(_))
            | Self::Signing(SigningError::KeysUnavailable(_))
            | Self::DeadlineExceeded => tracing::error!(status, reason = %self, "unavailable"),
            Self::Bearer(_)
            | Self::SessionEnded
            | Self::Forbidden(_)
            | Self::Validation(_)
            | Self::ContentTooLarge
            | Self::NotFound
            | Self::MethodNotAllowed { .. } => tracing::info!(status, reason = %self, "refused"),
            Self::Repository(RepositoryError::Unavailable(cause)) => {
                tracing::error!(status, reason = %self, %cause, "unavailable");
            }
            Self::Repository(RepositoryError::Malformed(_))
            | Self::Hashing(_)
            | Self::Signing(_) => {
                tracing::error!(status, reason = %self, "failed");
            }
            Self::Failed(cause) => tracing::error!(status, reason = %self, %cause, "failed"),
            Self::Custom { status: own, .. } if own.is_server_error() => {
                tracing::error!(status, reason = %self, "failed");
            }
            Self::Custom { .. } => tracing::info!(status, reason = %self, "refused"),
            Self::InRealm { error, .. } => error.log(),
        }
    }
}
