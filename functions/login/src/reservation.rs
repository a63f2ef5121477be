//! An attempt to sign in, counted before anything is known of it.

use auth_core::{Attempt, AttemptKind, AttemptRepository, Counter, RepositoryError};
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

impl Denied {
    fn full(counter: &Counter) -> Self {
        Self::Full {
            kind: counter.kind,
            until: counter.expires_at,
        }
    }
}

/// A counted attempt. It stays counted, unless it is given back or succeeds.
pub(crate) struct Reservation<'a, A> {
    attempts: &'a A,
    attempt: &'a Attempt,
}

impl<'a, A: AttemptRepository> Reservation<'a, A> {
    /// Counts an attempt on all of its counters, or on none.
    pub(crate) async fn new(attempts: &'a A, attempt: &'a Attempt) -> Result<Self, Denied> {
        let [pair, network, email] = attempt.counters().map(|counter| attempts.reserve(counter));
        let outcomes: [_; 3] = tokio::join!(pair, network, email).into();
        let (mut counted, mut denied) = ([None; 3], None);
        for (i, (counter, outcome)) in attempt.counters().into_iter().zip(outcomes).enumerate() {
            match outcome {
                Ok(true) => counted[i] = Some(counter),
                // That a counter is full is certain, whatever else failed.
                Ok(false) => denied = Some(Denied::full(counter)),
                Err(error) => denied = denied.or(Some(Denied::Repository(error))),
            }
        }
        let Some(denied) = denied else {
            return Ok(Self { attempts, attempt });
        };
        let [pair, network, email] = counted.map(|counter| give_back(attempts, counter));
        tokio::join!(pair, network, email);
        Err(denied)
    }

    /// Gives the attempt back: nothing was learnt from it.
    pub(crate) async fn give_back(self) {
        let [pair, network, email] = self.attempt.counters();
        tokio::join!(
            give_back(self.attempts, Some(pair)),
            give_back(self.attempts, Some(network)),
            give_back(self.attempts, Some(email)),
        );
    }

    /// The attempt was right: its pair begins anew, and the others were not failures.
    pub(crate) async fn succeed(self) {
        let clear = async {
            let cleared = self.attempts.clear(&self.attempt.pair).await;
            cleared.unwrap_or_else(warn_of);
        };
        tokio::join!(
            clear,
            give_back(self.attempts, Some(&self.attempt.network)),
            give_back(self.attempts, Some(&self.attempt.email)),
        );
    }
}

/// A failure leaves the attempt counted until its window ends, and is no reason to refuse a login.
async fn give_back(attempts: &impl AttemptRepository, counter: Option<&Counter>) {
    if let Some(counter) = counter {
        attempts.give_back(counter).await.unwrap_or_else(warn_of);
    }
}

fn warn_of(error: RepositoryError) {
    let cause = match error {
        RepositoryError::Unavailable(cause) => cause.to_string(),
        RepositoryError::Malformed(what) => what,
    };
    warn!(cause, "attempt not given back");
}
