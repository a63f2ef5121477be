//! An attempt to sign in, counted before anything is known of it.

use auth_core::{Attempt, AttemptKind, AttemptRepository, Counter, Outcome, RepositoryError};
use tracing::warn;

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
        self.settle(outcomes).await.into_iter().for_each(warn_of);
    }

    /// Nothing was learnt from the attempt.
    pub(crate) async fn give_back(self) {
        let settled = self.settle([Outcome::GivenBack; 3]).await;
        settled.into_iter().for_each(warn_of);
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

/// What could not be settled stops counting by itself, and is no reason to refuse a login.
fn warn_of(settled: Result<(), RepositoryError>) {
    let cause = match settled {
        Ok(()) => return,
        Err(RepositoryError::Unavailable(cause)) => cause.to_string(),
        Err(RepositoryError::Malformed(what)) => what,
    };
    warn!(cause, "attempt not settled");
}
