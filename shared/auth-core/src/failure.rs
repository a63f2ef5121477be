//! Errors of code that needs the feature `sign-in`. They exist without it too, so that auth-http has one mapping to
//! responses for all combinations of features.

use crate::{bearer::BearerError, key::KeysUnavailable, repository::RepositoryError};

/// A hash could not be computed, because no memory or no randomness was available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password hash could not be computed")]
pub struct HashingError;

/// Why a token could not be issued. Client input causes none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// No randomness was available, or the key did not sign.
    #[error("the token could not be signed")]
    Unavailable,
    /// A role of the user has a permission that is not a scope token (RFC 6749 section 3.3). With a
    /// space in it, one permission would read as two.
    #[error("a permission of the user is not a scope token")]
    Permission,
    /// The user has no id or no email, which every token contains.
    #[error("the user has no id or no email")]
    Unnamed,
    /// The user's roles make the token longer than the guard accepts.
    #[error("the user's roles do not fit into a token")]
    TooLong,
    /// The keys are unavailable.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
}

/// Why a live guard rejects a request.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The token is missing or invalid.
    #[error(transparent)]
    Bearer(#[from] BearerError),
    /// The token is valid, but its user is gone or disabled, or its session has ended.
    #[error("the token's user is gone or disabled, or its session has ended")]
    Ended,
    /// The store failed, so the token cannot be checked.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}
