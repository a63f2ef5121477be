//! An attempt to sign in, counted before anything is known of it.

use std::time::Duration;

use auth_core::{Attempt, AttemptKind, AttemptRepository, Counter, Outcome, RepositoryError};
use tokio::time::timeout;
use tracing::warn;

/// How long a 429 or an undecided attempt waits until it is given back.
const GIVING_BACK: Duration = Duration::from_millis(500);

/// Why an attempt is not made.
#[derive(Debug)]
pub(crate) enum Denied {
    /// A counter is full.
    Full {
        /// The counter's kind.
        kind: AttemptKind,
        /// When it has room again, in seconds since 1970-01-01T00:00:00Z.
        until: u64,
    },
    /// The attempt could not be counted.
    Repository(RepositoryError),
}

/// A counted attempt. It counts until it is settled, or for half a minute.
pub(crate) struct Reservation<'a, A> {
    attempts: &'a A,
    attempt: &'a Attempt,
    /// For each counter the attempts that were never settled, to be taken out along with this one.
    over: [Vec<String>; 3],
}

impl<'a, A: AttemptRepository> Reservation<'a, A> {
    /// Counts an attempt on its three counters, if none of them is full.
    pub(crate) async fn new(
        attempts: &'a A,
        attempt: &'a Attempt,
        now: u64,
    ) -> Result<Self, Denied> {
        let mut reservation = Self {
            attempts,
            attempt,
            over: Default::default(),
        };
        let reserve = async |counter: &Counter, over: &mut Vec<String>| {
            let reserved = attempts.reserve(counter, &attempt.ticket).await;
            let count = reserved.map_err(Denied::Repository)?;
            *over = count.over(now);
            if count.attempts(now) <= counter.limit {
                return Ok(());
            }
            Err(Denied::Full {
                kind: counter.kind,
                until: count.full_until(counter, now),
            })
        };
        let [pair, network, email] = &mut reservation.over;
        let reserved = tokio::join!(
            reserve(&attempt.pair, pair),
            reserve(&attempt.network, network),
            reserve(&attempt.email, email),
        );
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
        self.settle(outcomes)
            .await
            .into_iter()
            .for_each(log_failure);
    }

    /// Nothing was learnt from the attempt. In an outage this fails as well, and is not waited for.
    pub(crate) async fn give_back(self) {
        let given_back = timeout(GIVING_BACK, self.settle([Outcome::GivenBack; 3])).await;
        match given_back {
            Ok(settled) => settled.into_iter().for_each(log_failure),
            Err(_elapsed) => warn!(cause = "it took too long", "attempt not settled"),
        }
    }

    async fn settle(&self, outcomes: [Outcome; 3]) -> [Result<(), RepositoryError>; 3] {
        let Attempt {
            ticket,
            pair,
            network,
            email,
        } = self.attempt;
        let settle = |counter, i: usize| {
            self.attempts
                .settle(counter, ticket, &self.over[i], outcomes[i])
        };
        tokio::join!(settle(pair, 0), settle(network, 1), settle(email, 2)).into()
    }
}

/// What could not be settled stops counting by itself, and is no reason to refuse a login.
fn log_failure(settled: Result<(), RepositoryError>) {
    if let Err(error) = settled {
        warn!(cause = error.cause(), "attempt not settled");
    }
}
