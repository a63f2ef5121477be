//! Where attempts are counted, apart from how.

use std::future::Future;

use super::{AttemptKind, Counter};
use crate::repository::RepositoryError;

/// Counts attempts: for `login` alone. A test double is
/// [`InMemoryAttemptRepository`](crate::InMemoryAttemptRepository).
pub trait AttemptRepository: Send + Sync {
    /// Counts one more, unless the counter is full. Whether it did.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell; it may have counted all the same.
    fn reserve(
        &self,
        counter: &Counter,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Counts one less, of those that were reserved.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell whether it did.
    fn give_back(
        &self,
        counter: &Counter,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// Sets a counter to none.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell whether it did.
    fn clear(&self, counter: &Counter) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// What a counter of an address stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedAttempts {
    /// What it counts by.
    pub kind: AttemptKind,
    /// The attempts.
    pub attempts: u32,
    /// When its window ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: u64,
}

/// Looks through the counters of addresses: for operators.
pub trait AttemptDirectory: Send + Sync {
    /// The counters of an address that stand above none at `now`, in no order.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot answer.
    fn of_email(
        &self,
        email_mac: &str,
        now: u64,
    ) -> impl Future<Output = Result<Vec<CountedAttempts>, RepositoryError>> + Send;

    /// Clears all counters of an address, and says how many there were.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store fails; some may be cleared by then.
    fn clear_email(
        &self,
        email_mac: &str,
    ) -> impl Future<Output = Result<usize, RepositoryError>> + Send;
}
