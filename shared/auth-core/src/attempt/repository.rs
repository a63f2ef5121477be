//! Access to stored counters.

use std::future::Future;

use super::{Count, Counter, NetworkCounter, Outcome, Stale};
use crate::repository::RepositoryError;

/// The result of [`AttemptRepository::reserve_attempt`], with the value of the counter after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// The ticket is in the counter.
    Done(Count),
    /// The counter has no room for the ticket.
    Refused(Count),
}

/// Counts attempts. For `login`, and for operators who look at them.
pub trait AttemptRepository: Send + Sync {
    /// Returns the value of a counter; the default if it is not stored.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn find_attempts(
        &self,
        counter: &Counter,
    ) -> impl Future<Output = Result<Count, RepositoryError>> + Send;

    /// Adds a ticket to a counter that has room ([`Count::has_room`]). Each of several concurrent calls sees the
    /// ones before it.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the ticket may have been added anyway.
    fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> impl Future<Output = Result<Reserved, RepositoryError>> + Send;

    /// Removes a ticket from a counter and counts its outcome, and removes what is stale. If the ticket is not
    /// there, nothing is changed.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the outcome may have been counted anyway.
    fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        stale: &Stale,
        outcome: Outcome,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// Counts a failure of a network. The call is not repeated if its response is lost, so that it counts once.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the failure may have been counted anyway.
    fn add_network_failure(
        &self,
        counter: &NetworkCounter,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// Clears counters. For operators.
pub trait AttemptDirectory: Send + Sync {
    /// Deletes a counter and returns whether it was stored.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the counter may have been deleted.
    fn clear_attempts(
        &self,
        counter: &Counter,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;
}
