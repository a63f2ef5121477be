//! Where attempts are counted, apart from how.

use std::future::Future;

use super::{AttemptKind, Count, Counter, Outcome};
use crate::repository::RepositoryError;

/// Counts attempts: for `login` alone. A test double is
/// [`InMemoryAttemptRepository`](crate::InMemoryAttemptRepository).
pub trait AttemptRepository: Send + Sync {
    /// Adds a ticket to a counter, and returns what it stands at with it. Of any number at once, each
    /// sees those that came before.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell; the ticket may be there all the same.
    fn reserve(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> impl Future<Output = Result<Count, RepositoryError>> + Send;

    /// Takes a ticket from a counter, and counts its outcome; takes those with it that no longer count
    /// ([`Count::over`]). A ticket that is not there counts as nothing.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell whether it did.
    fn settle(
        &self,
        counter: &Counter,
        ticket: &str,
        over: &[String],
        outcome: Outcome,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// What a counter of an email stands at, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedAttempts {
    /// What it counts by.
    pub kind: AttemptKind,
    /// What it stands at.
    pub count: Count,
    /// When its window ends, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: u64,
}

/// Looks through the counters of emails: for operators.
pub trait AttemptDirectory: Send + Sync {
    /// The counters of an email, those of former windows included, in no order.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot answer.
    fn of_email(
        &self,
        email_mac: &str,
    ) -> impl Future<Output = Result<Vec<CountedAttempts>, RepositoryError>> + Send;

    /// Removes all counters of an email, and says how many there were.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store fails; some may be removed by then.
    fn clear_email(
        &self,
        email_mac: &str,
    ) -> impl Future<Output = Result<usize, RepositoryError>> + Send;
}
