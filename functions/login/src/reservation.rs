//! An attempt to sign in, counted before anything is known of it.

use std::time::Duration;

use auth_core::{Attempt, AttemptKind, AttemptRepository, Counter, Outcome, RepositoryError};
use tokio::time::timeout;
use tracing::warn;

/// How long an answer waits until an attempt is settled that does not stay counted.
const SETTLING: Duration = Duration::from_millis(500);

/// Why an attempt is not made.
#[derive(Debug)]
pub(crate) enum Denied {
    /// A counter is full.
    Full {
        /// The counter's kind.
        kind: AttemptKind,
        /// When it begins anew, in seconds since 1970-01-01T00:00:00Z.
        until: u64,
    },
    /// The attempt could not be counted.
    Repository(RepositoryError),
}

/// A counted attempt. It counts until it is settled, or for half a minute.
pub(crate) struct Reservation<'a, A> {
    attempts: &'a A,
    attempt: &'a Attempt,
}

impl<'a, A: AttemptRepository> Reservation<'a, A> {
    /// Counts an attempt on its three counters, if none of them is full.
    pub(crate) async fn new(
        attempts: &'a A,
        attempt: &'a Attempt,
        now: u64,
    ) -> Result<Self, Denied> {
        let reserve = async |counter: &Counter| {
            let reserved = attempts.reserve(counter, &attempt.ticket).await;
            let count = reserved.map_err(Denied::Repository)?;
            if count.attempts(now) > counter.limit {
                return Err(Denied::Full {
                    kind: counter.kind,
                    until: counter.expires_at,
                });
            }
            Ok(())
        };
        let reserved = tokio::join!(
            reserve(&attempt.pair),
            reserve(&attempt.network),
            reserve(&attempt.email),
        );
        let reservation = Self { attempts, attempt };
        match reserved.0.and(reserved.1).and(reserved.2) {
            Ok(()) => Ok(reservation),
            Err(denied) => {
                reservation.give_back().await;
                Err(denied)
            }
        }
    }

    /// The attempt was wrong.
    pub(crate) async fn fail(self) -> Result<(), RepositoryError> {
        let [pair, network, email] = self.settle([Outcome::Failed; 3]).await;
        pair.and(network).and(email)
    }

    /// The attempt was right: its pair begins anew, and the others were no failures.
    pub(crate) async fn succeed(self) {
        let outcomes = [Outcome::Cleared, Outcome::GivenBack, Outcome::GivenBack];
        self.settle_soon(outcomes).await;
    }

    /// Nothing was learnt from the attempt.
    pub(crate) async fn give_back(self) {
        self.settle_soon([Outcome::GivenBack; 3]).await;
    }

    /// What is not settled stops counting by itself: no answer waits long for it, or is changed by it.
    async fn settle_soon(&self, outcomes: [Outcome; 3]) {
        let Ok(settled) = timeout(SETTLING, self.settle(outcomes)).await else {
            return warn!(cause = "it took too long", "attempt not settled");
        };
        for error in settled.into_iter().filter_map(Result::err) {
            let cause = match error {
                RepositoryError::Unavailable(cause) => cause.to_string(),
                RepositoryError::Malformed(what) => what,
            };
            warn!(cause, "attempt not settled");
        }
    }

    async fn settle(&self, outcomes: [Outcome; 3]) -> [Result<(), RepositoryError>; 3] {
        let Attempt {
            ticket,
            pair,
            network,
            email,
        } = self.attempt;
        let settle = |counter, outcome| self.attempts.settle(counter, ticket, outcome);
        tokio::join!(
            settle(pair, outcomes[0]),
            settle(network, outcomes[1]),
            settle(email, outcomes[2]),
        )
        .into()
    }
}
