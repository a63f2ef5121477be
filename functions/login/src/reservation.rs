//! An attempt to log in that is counted before its outcome is known.

use std::time::Duration;

use auth_core::{
    Attempt, AttemptRepository, Attempts, Counter, Full, NetworkCounter, Outcome, RepositoryError,
    Reserved, SigningError, Stale, Subject, UnixTime,
};
use tokio::time::timeout;
use tracing::warn;

use crate::error::SignInError;

/// How long a refused or undecided login waits for its attempt to be released.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(500);

/// An attempt that counts until it is settled, for 30 seconds at most.
pub(crate) struct Reservation<'a, S> {
    store: &'a S,
    counter: &'a Counter,
    ticket: String,
    /// What the counter contains that no longer counts. It is removed along with the ticket.
    stale: Stale,
}

impl<'a, S: AttemptRepository> Reservation<'a, S> {
    /// Reserves an attempt in the counter of the known devices or, if that has no room, in that of the email, which
    /// a full network may not use.
    pub(crate) async fn new(
        store: &'a S,
        attempts: &Attempts,
        attempt: &'a Attempt,
        is_network_full: bool,
        now: UnixTime,
    ) -> Result<Self, SignInError> {
        if let Some(known) = &attempt.known_device {
            match Self::in_counter(store, attempts, &known.counter, now).await {
                // If there is no room, a known device is treated like a stranger.
                Err(SignInError::TooManyAttempts { .. }) => {}
                reserved => return reserved,
            }
        }
        if is_network_full {
            let network = &attempt.network_counter;
            return Err(SignInError::too_many("network", network.window_ends, now));
        }
        Self::in_counter(store, attempts, &attempt.email_counter, now).await
    }

    async fn in_counter(
        store: &'a S,
        attempts: &Attempts,
        counter: &'a Counter,
        now: UnixTime,
    ) -> Result<Self, SignInError> {
        let refused = |full: Full| {
            attempts.remember_full(counter, full, now);
            SignInError::too_many(counter.subject.name(), full.until(), now)
        };
        if attempts.is_known_full(counter) {
            let count = store.find_attempts(counter).await?;
            count.check_failures(counter).map_err(refused)?;
            attempts.forget_full(counter);
        }
        let ticket = counter.ticket(now).ok_or(SigningError::Unavailable)?;
        let count = match reserve(store, counter, &ticket, now).await? {
            Reserved::Done(count) => count,
            Reserved::Refused(count) => return Err(refused(count.refusal(counter, now))),
        };
        let reservation = Self {
            store,
            counter,
            ticket,
            stale: count.stale(counter, now),
        };
        if let Err(full) = count.check_reserved(counter, now) {
            reservation.release().await;
            return Err(refused(full));
        }
        Ok(reservation)
    }

    /// Returns whether the attempt is counted as that of a known device.
    pub(crate) fn is_from_known_device(&self) -> bool {
        self.counter.subject == Subject::Devices
    }

    /// Counts a wrong password.
    pub(crate) async fn fail(&self, network: &NetworkCounter) -> Result<(), RepositoryError> {
        let (settled, counted) = tokio::join!(
            self.settle(Outcome::Failed),
            self.store.add_network_failure(network)
        );
        settled.and(counted)
    }

    /// Forgets the failures of the source after a right password.
    pub(crate) async fn succeed(&self) -> Result<(), RepositoryError> {
        self.settle(Outcome::Succeeded).await
    }

    /// Releases an attempt that revealed nothing. If the store fails or is slow, this only logs a warning.
    pub(crate) async fn release(&self) {
        match timeout(RELEASE_TIMEOUT, self.settle(Outcome::Released)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(cause = error.cause(), "attempt not settled"),
            Err(_elapsed) => warn!(cause = "timeout", "attempt not settled"),
        }
    }

    async fn settle(&self, outcome: Outcome) -> Result<(), RepositoryError> {
        self.store
            .settle_attempt(self.counter, &self.ticket, &self.stale, outcome)
            .await
    }
}

/// Adds a ticket to a counter. If only attempts that were never settled leave no room, they are removed first.
async fn reserve(
    store: &impl AttemptRepository,
    counter: &Counter,
    ticket: &str,
    now: UnixTime,
) -> Result<Reserved, RepositoryError> {
    let reserved = store.reserve_attempt(counter, ticket).await?;
    let Reserved::Refused(count) = &reserved else {
        return Ok(reserved);
    };
    let stale = count.stale(counter, now);
    match stale.tickets.first() {
        Some(expired) if count.check_failures(counter).is_ok() => {
            let removed = store.settle_attempt(counter, expired, &stale, Outcome::Released);
            removed.await?;
            store.reserve_attempt(counter, ticket).await
        }
        _ => Ok(reserved),
    }
}
