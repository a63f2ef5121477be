//! Why requests were not fulfilled, for the logs: each once, and never a secret.

use crate::error::ApiError;

/// Logs why a request was not fulfilled. A login logs its own outcome.
pub(crate) fn refusal(error: &ApiError) {
    let status = error.status().as_u16();
    match error {
        ApiError::InvalidCredentials(_) => {}
        ApiError::Bearer(reason) => tracing::info!(status, %reason, "refused"),
        ApiError::Unavailable(reason) => {
            let cause = std::error::Error::source(reason).map(ToString::to_string);
            tracing::error!(status, %reason, cause, "unavailable");
        }
        ApiError::Hashing(reason) => tracing::error!(status, %reason, "failed"),
        ApiError::Signing(reason) => tracing::error!(status, %reason, "failed"),
        ApiError::Serialization(reason) => tracing::error!(status, %reason, "failed"),
        ApiError::UserGone
        | ApiError::Forbidden(_)
        | ApiError::Validation(_)
        | ApiError::ContentTooLarge
        | ApiError::NotFound
        | ApiError::MethodNotAllowed { .. } => tracing::info!(status, "refused"),
    }
}
