//! Access to stored counters.

use std::future::Future;

use super::{AttemptKind, Count, Counter, Outcome};
use crate::{repository::RepositoryError, time::UnixTime};

/// Counts attempts. Only for `login`.
pub trait AttemptRepository: Send + Sync {
    /// Adds a ticket to a counter and returns its new value. Each of several concurrent calls sees the ones
    /// before it.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the ticket may have been added anyway.
    fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> impl Future<Output = Result<Count, RepositoryError>> + Send;

    /// Removes a ticket from a counter and counts its outcome. Also removes the `expired` tickets
    /// ([`Load::expired`](super::Load::expired)). If the ticket is not there, nothing is counted.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the outcome may have been counted anyway.
    fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        expired: &[String],
        outcome: Outcome,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// The value of a counter, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedAttempts {
    /// What the counter counts by.
    pub kind: AttemptKind,
    /// Its value.
    pub count: Count,
    /// When its window ends.
    pub expires_at: UnixTime,
}

/// Searches the counters of emails. For operators.
pub trait AttemptDirectory: Send + Sync {
    /// Returns the counters of an email, even those of earlier windows, in no particular order.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn list_attempts(
        &self,
        email_mac: &str,
    ) -> impl Future<Output = Result<Vec<CountedAttempts>, RepositoryError>> + Send;

    /// Deletes all counters of an email and returns their number.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; some counters may have been deleted.
    fn clear_attempts(
        &self,
        email_mac: &str,
    ) -> impl Future<Output = Result<usize, RepositoryError>> + Send;
}
