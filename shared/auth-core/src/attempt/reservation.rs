//! An attempt that is counted before its outcome is known.

use tracing::warn;

use super::{AttemptRepository, Attempts, Counter, Full, Outcome, Reserved, Stale, Subject};
use crate::{failure::SigningError, repository::RepositoryError, time::UnixTime};

/// Why an attempt is not reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The counter has no room.
    #[error("too many attempts")]
    Full(Full),
    /// The store failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// No randomness is available.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// An attempt that counts until it is settled, for 30 seconds at most.
#[derive(Debug)]
pub struct Reservation<'a, S> {
    store: &'a S,
    counter: &'a Counter,
    ticket: String,
    /// What the counter contains that no longer counts. It is removed along with the ticket.
    stale: Stale,
}

impl<'a, S: AttemptRepository> Reservation<'a, S> {
    /// Reserves an attempt in a counter. One that is known to be full is read again first, so a refusal costs no write.
    ///
    /// # Errors
    ///
    /// [`ReserveError::Full`] if the counter has no room; [`ReserveError::Repository`] if the store fails;
    /// [`ReserveError::Signing`] without randomness.
    pub async fn new(
        store: &'a S,
        attempts: &Attempts,
        counter: &'a Counter,
        now: UnixTime,
    ) -> Result<Self, ReserveError> {
        let refused = |full: Full| {
            attempts.remember_full(counter, full, now);
            ReserveError::Full(full)
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
            if let Err(error) = reservation.settle(Outcome::Released).await {
                // The attempt soon stops counting.
                warn!(cause = error.cause(), "attempt not settled");
            }
            return Err(refused(full));
        }
        Ok(reservation)
    }

    /// Returns the subject of the counter.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.counter.subject
    }

    /// Counts the outcome.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the outcome may have been counted anyway.
    pub async fn settle(&self, outcome: Outcome) -> Result<(), RepositoryError> {
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
            store
                .settle_attempt(counter, expired, &stale, Outcome::Released)
                .await?;
            store.reserve_attempt(counter, ticket).await
        }
        _ => Ok(reserved),
    }
}
