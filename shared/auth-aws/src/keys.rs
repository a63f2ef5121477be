//! The sources of keys that may change: a secret of AWS Secrets Manager, the published keys of the table, or the file
//! store. [`auth_core::CachedKeys`] decides how often they are read.
//!
//! `document` reads them; `ring` replaces the private set.

pub(crate) mod document;
mod ring;

use auth_core::{KeyError, RepositoryError, SettingsError};

pub use ring::SecretRing;

/// Why the keys that the settings name cannot be used. The start fails.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The settings of a guard are invalid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The secret does not contain usable keys.
    #[error("invalid settings:\n  {variable}: the secret is rejected: {error}")]
    Secret {
        /// The variable that names the secret.
        variable: &'static str,
        /// The reason.
        error: KeyError,
    },
    /// The table does not contain usable public keys.
    #[error("invalid settings:\n  JWT_KEYS_TABLE: the published keys are rejected: {0}")]
    Table(KeyError),
    /// The file store cannot be used.
    #[error("AUTH_FILE: {}", .0.cause())]
    File(RepositoryError),
}

/// Without a source, because the message has its cause.
impl From<RepositoryError> for KeySourceError {
    fn from(error: RepositoryError) -> Self {
        Self::File(error)
    }
}

impl KeySourceError {
    /// Returns the error for a file with unusable keys.
    pub(crate) fn file(error: &KeyError) -> Self {
        Self::File(RepositoryError::Malformed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_variable() {
        for (error, start) in [
            (
                KeySourceError::Secret {
                    variable: "JWT_KEYS_SECRET_ID",
                    error: KeyError::KnownSecret,
                },
                "JWT_KEYS_SECRET_ID: the secret is rejected: is a published secret",
            ),
            (
                KeySourceError::Table(KeyError::EmptySet),
                "JWT_KEYS_TABLE: the published keys are rejected: the set is empty",
            ),
        ] {
            assert_eq!(error.to_string(), format!("invalid settings:\n  {start}"));
        }
    }
}
