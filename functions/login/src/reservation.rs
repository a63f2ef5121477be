//! An attempt to log in that is counted before its outcome is known.

use std::time::Duration;

use auth_core::{Attempt, AttemptRepository, Counter, Outcome, RepositoryError, UnixTime};
use tokio::time::timeout;
use tracing::warn;

use crate::error::SignInError;

/// How long a refused or undecided login waits for its attempt to be released.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(500);

/// The outcomes of a right password, which clears the failures of the pair.
pub(crate) const SUCCEEDED: [Outcome; 3] = [Outcome::Reset, Outcome::Released, Outcome::Released];

/// The outcomes of a wrong password.
pub(crate) const FAILED: [Outcome; 3] = [Outcome::Failed; 3];

/// An attempt that counts until it is settled, for 30 seconds at most.
pub(crate) struct Reservation<'a, S> {
    store: &'a S,
    attempt: Attempt,
    /// For each counter, the tickets that were never settled. They are removed along with this one.
    expired: [Vec<String>; 3],
}

impl<'a, S: AttemptRepository> Reservation<'a, S> {
    /// Reserves an attempt if none of its counters is full.
    pub(crate) async fn new(
        store: &'a S,
        attempt: Attempt,
        now: UnixTime,
    ) -> Result<Self, SignInError> {
        let mut reservation = Self {
            store,
            attempt,
            expired: Default::default(),
        };
        let ticket = &reservation.attempt.ticket;
        let reserve = async |counter: &Counter, expired: &mut Vec<String>| {
            let count = store.reserve_attempt(counter, ticket).await?;
            let load = count.load(now);
            *expired = load.expired;
            if load.attempts <= counter.limit {
                return Ok(());
            }
            Err(SignInError::TooManyAttempts {
                counter: counter.kind,
                retry_after: count.full_until(counter, now).since(now),
            })
        };
        let [pair, network, email] = &reservation.attempt.counters;
        let [pair_expired, network_expired, email_expired] = &mut reservation.expired;
        let reserved = tokio::join!(
            reserve(pair, pair_expired),
            reserve(network, network_expired),
            reserve(email, email_expired)
        );
        if let Err(error) = reserved.0.and(reserved.1).and(reserved.2) {
            reservation.release().await;
            return Err(error);
        }
        Ok(reservation)
    }

    /// Counts the outcome on each counter.
    pub(crate) async fn settle(&self, outcomes: [Outcome; 3]) -> Result<(), RepositoryError> {
        let settle = |i: usize| {
            let (counter, expired) = (&self.attempt.counters[i], &self.expired[i]);
            self.store
                .settle_attempt(counter, &self.attempt.ticket, expired, outcomes[i])
        };
        let (pair, network, email) = tokio::join!(settle(0), settle(1), settle(2));
        pair.and(network).and(email)
    }

    /// Releases an attempt that revealed nothing. If the store fails or is slow, this only logs a warning.
    pub(crate) async fn release(&self) {
        let settled = timeout(RELEASE_TIMEOUT, self.settle([Outcome::Released; 3])).await;
        match settled {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(cause = error.cause(), "attempt not settled"),
            Err(_elapsed) => warn!(cause = "timeout", "attempt not settled"),
        }
    }
}
