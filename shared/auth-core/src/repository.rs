//! How stores fail, whatever they store.

use std::error::Error;

/// A store failed. It never means that the requested item does not exist.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The store cannot be reached, or failed. The same call may succeed later.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store contains something that this bundle did not write. It must be repaired by hand.
    #[error("a stored item cannot be read: {0}")]
    Malformed(String),
}

impl RepositoryError {
    /// Returns what went wrong, for logs and operators.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Unavailable(cause) => cause.to_string(),
            Self::Malformed(what) => what.clone(),
        }
    }
}
