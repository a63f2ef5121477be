//! Where the private and the public set are stored. Each is one value, replaced only if it has not changed.

use super::{KeyRing, PublishedKeys};
use crate::repository::RepositoryError;

/// What a repository contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value; `None` if there is none yet.
    pub contents: Option<T>,
    /// Identifies the state of the repository, also one without a value. `None` if nothing was ever stored.
    pub version: Option<String>,
}

/// Reads and replaces the private set.
pub trait PrivateKeyRepository: Send + Sync {
    /// Reads the ring.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails, or if it contains something else.
    fn load_ring(&self)
    -> impl Future<Output = Result<Versioned<KeyRing>, RepositoryError>> + Send;

    /// Replaces the ring if the repository still has the version. Returns `false` if it has another one, and changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails. If only its response was lost, the ring may have been replaced.
    fn replace_ring(
        &self,
        version: Option<&str>,
        ring: &KeyRing,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;
}

/// Reads and replaces the public set.
pub trait PublishedKeyRepository: Send + Sync {
    /// Reads the published keys.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails, or if it contains something else.
    fn load_published(
        &self,
    ) -> impl Future<Output = Result<Versioned<PublishedKeys>, RepositoryError>> + Send;

    /// Replaces the published keys if the repository still has the version. Returns `false` if it has another one, and
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails. If only its response was lost, the keys may have been replaced.
    fn replace_published(
        &self,
        version: Option<&str>,
        keys: &PublishedKeys,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;
}
