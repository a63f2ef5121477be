//! Why a flow failed.

use crate::{
    account::InvalidAction,
    attempt::ReserveError,
    failure::{HashingError, SigningError},
    key::KeysUnavailable,
    password::PasswordRefusal,
    repository::RepositoryError,
    time::UnixTime,
};

/// Why a link does nothing. The reason is for logs, never for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLink {
    /// Not a token of this bundle and of this kind. The store was not queried.
    #[error("malformed, of another kind, or with a wrong MAC")]
    Forged,
    /// The link was sent too long ago. The store was not queried.
    #[error("expired")]
    Expired,
    /// The link was used, or the state that it was bound to has changed.
    #[error("used, or bound to a state that has changed")]
    Changed,
    /// The address is held for another user, or was when the link was sent.
    #[error("the address is held")]
    Held,
}

/// Why a flow failed. Nothing was changed, unless the store failed or a reset found no keys for the counters that it
/// clears. After either, repeat the request.
#[derive(Debug, thiserror::Error)]
pub enum SelfServiceError {
    /// The link does nothing.
    #[error(transparent)]
    InvalidLink(#[from] InvalidLink),
    /// The policy refuses the new password. The link stays valid.
    #[error(transparent)]
    Password(#[from] PasswordRefusal),
    /// The current password is wrong. The attempt was counted.
    #[error("the current password is wrong")]
    WrongPassword,
    /// The counter of attempts is full. The password was not checked.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When the counter has room again.
        until: UnixTime,
    },
    /// The address was changed less than [`HOLD`](crate::HOLD) ago.
    #[error("the email was changed recently")]
    ChangedRecently,
    /// The user or the session has changed since the live guard read it: the request is no longer authenticated.
    #[error("the user or the session has changed")]
    Ended,
    /// The store failed; the change may have been made anyway. Repeat the request to find out.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// No hash could be computed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// No key or no randomness is available.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Returns the error for a write that other changes of the user kept preventing.
pub(super) fn keeps_changing() -> SelfServiceError {
    RepositoryError::Unavailable("the user keeps changing".into()).into()
}

impl From<InvalidAction> for SelfServiceError {
    fn from(error: InvalidAction) -> Self {
        match error {
            InvalidAction::Forged => InvalidLink::Forged.into(),
            InvalidAction::Expired => InvalidLink::Expired.into(),
            InvalidAction::KeysUnavailable(error) => error.into(),
        }
    }
}

impl From<ReserveError> for SelfServiceError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Full(full) => Self::TooManyAttempts {
                until: full.until(),
            },
            ReserveError::Repository(error) => error.into(),
            ReserveError::Signing(error) => error.into(),
        }
    }
}

impl From<KeysUnavailable> for SelfServiceError {
    fn from(error: KeysUnavailable) -> Self {
        SigningError::from(error).into()
    }
}
