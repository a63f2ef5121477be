//! Why a login gets no tokens.

use std::time::Duration;

use auth_core::{AttemptKind, HashingError, RepositoryError, SigningError};

/// Why a login is refused. All three cost one password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownUser,
    DisabledUser,
    WrongPassword,
}

/// Why a login gets no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("login refused")]
    Refused {
        refusal: Refusal,
        user_id: Option<String>,
    },
    /// A counter is full. The password was not checked.
    #[error("too many attempts")]
    TooManyAttempts {
        counter: AttemptKind,
        retry_after: Duration,
    },
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Signing(#[from] SigningError),
}
