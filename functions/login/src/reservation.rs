//! An attempt to log in that is counted before its outcome is known.

use std::time::Duration;

use auth_core::{
    Attempt, AttemptRepository, Attempts, Counter, NetworkCounter, Outcome, RepositoryError,
    ReserveError, Subject, UnixTime,
};
use tokio::time::timeout;
use tracing::warn;

use crate::error::SignInError;

/// How long an undecided login waits for its attempt to be released.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(500);

/// An attempt that counts until it is settled, for 30 seconds at most.
pub(crate) struct Reservation<'a, S> {
    store: &'a S,
    reserved: auth_core::Reservation<'a, S>,
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
        let reserved = auth_core::Reservation::new(store, attempts, counter, now).await;
        let reserved = reserved.map_err(|error| match error {
            ReserveError::Full(full) => {
                SignInError::too_many(counter.subject.name(), full.until(), now)
            }
            ReserveError::Repository(error) => error.into(),
            ReserveError::Signing(error) => error.into(),
        })?;
        Ok(Self { store, reserved })
    }

    /// Returns whether the attempt is counted as that of a known device.
    pub(crate) fn is_from_known_device(&self) -> bool {
        self.reserved.subject() == Subject::Devices
    }

    /// Counts a wrong password.
    pub(crate) async fn fail(&self, network: &NetworkCounter) -> Result<(), RepositoryError> {
        let (settled, counted) = tokio::join!(
            self.reserved.settle(Outcome::Failed),
            self.store.add_network_failure(network)
        );
        settled.and(counted)
    }

    /// Forgets the failures of the source after a right password.
    pub(crate) async fn succeed(&self) -> Result<(), RepositoryError> {
        self.reserved.settle(Outcome::Succeeded).await
    }

    /// Releases an attempt that revealed nothing. If the store fails or is slow, this only logs a warning.
    pub(crate) async fn release(&self) {
        match timeout(RELEASE_TIMEOUT, self.reserved.settle(Outcome::Released)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(cause = error.cause(), "attempt not settled"),
            Err(_elapsed) => warn!(cause = "timeout", "attempt not settled"),
        }
    }
}
