//! An attempt to log in that is counted before its outcome is known.

use std::time::Duration;

use auth_core::{
    AttemptRepository, Counter, Outcome, RepositoryError, SigningError, UnixTime, new_ticket,
};
use tokio::time::timeout;
use tracing::warn;

use crate::sign_in::SignInError;

/// How long a refused or undecided login waits until its attempt is released.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(500);

/// An attempt on its three counters: of the pair, the network and the email. It counts until it is settled,
/// for 30 seconds at most.
pub(crate) struct Reservation<'a, S> {
    store: &'a S,
    counters: [Counter; 3],
    ticket: String,
    /// For each counter, the tickets that were never settled. They are removed along with this one.
    expired: [Vec<String>; 3],
}

impl<'a, S: AttemptRepository> Reservation<'a, S> {
    /// Reserves an attempt if none of the counters is full.
    pub(crate) async fn new(
        store: &'a S,
        counters: [Counter; 3],
        now: UnixTime,
    ) -> Result<Self, SignInError> {
        let mut reservation = Self {
            store,
            counters,
            ticket: new_ticket(now).ok_or(SigningError::Unavailable)?,
            expired: Default::default(),
        };
        let [pair, network, email] = &reservation.counters;
        let reserve = async |counter: &Counter| {
            let count = store.reserve_attempt(counter, &reservation.ticket).await?;
            let load = count.load(now);
            if load.attempts <= counter.limit {
                return Ok(load.expired);
            }
            Err(SignInError::TooManyAttempts {
                counter: counter.kind,
                retry_after: count.full_until(counter, now).since(now),
            })
        };
        let reserved = tokio::join!(reserve(pair), reserve(network), reserve(email));
        match reserved {
            (Ok(pair), Ok(network), Ok(email)) => {
                reservation.expired = [pair, network, email];
                Ok(reservation)
            }
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                reservation.release().await;
                Err(error)
            }
        }
    }

    /// Counts a wrong password.
    pub(crate) async fn fail(self) -> Result<(), RepositoryError> {
        let [pair, network, email] = self.settle([Outcome::Failed; 3]).await;
        pair.and(network).and(email)
    }

    /// Forgets the earlier failures of the pair after a right password.
    pub(crate) async fn succeed(self) {
        let outcomes = [Outcome::Reset, Outcome::Released, Outcome::Released];
        self.settle(outcomes)
            .await
            .into_iter()
            .for_each(warn_if_failed);
    }

    /// Releases an attempt that revealed nothing. If the store fails, this does not wait for it.
    pub(crate) async fn release(self) {
        let settled = timeout(RELEASE_TIMEOUT, self.settle([Outcome::Released; 3])).await;
        match settled {
            Ok(settled) => settled.into_iter().for_each(warn_if_failed),
            Err(_elapsed) => warn!(cause = "timeout", "attempt not settled"),
        }
    }

    async fn settle(&self, outcomes: [Outcome; 3]) -> [Result<(), RepositoryError>; 3] {
        let settle = |i: usize| {
            let (counter, expired) = (&self.counters[i], &self.expired[i]);
            self.store
                .settle_attempt(counter, &self.ticket, expired, outcomes[i])
        };
        tokio::join!(settle(0), settle(1), settle(2)).into()
    }
}

/// An attempt that was not settled soon stops counting, so it is no reason to refuse a login.
fn warn_if_failed(settled: Result<(), RepositoryError>) {
    if let Err(error) = settled {
        warn!(cause = error.cause(), "attempt not settled");
    }
}
