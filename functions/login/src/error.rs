//! Why a login gets no tokens.

use std::time::Duration;

use auth_core::{HashingError, RepositoryError, SigningError, UnixTime};

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
        counter: &'static str,
        retry_after: Duration,
    },
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl SignInError {
    /// Returns the error of a counter that is full until a time.
    pub(crate) fn too_many(counter: &'static str, until: UnixTime, now: UnixTime) -> Self {
        Self::TooManyAttempts {
            counter,
            retry_after: until.since(now),
        }
    }
}
