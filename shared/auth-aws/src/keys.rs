//! Keys that may change, read again from time to time: a secret of AWS Secrets Manager, the published keys of the
//! table, or those of the file store.
//!
//! [`CachedKeys`] is the same for all of them; `document` has how each is read, `ring` how the private set is
//! replaced. If the keys cannot be read, the previous ones stay in use, for [`MAX_AGE`] at most: an outage signs no
//! one out. Without keys, requests fail with a 503, never a 401.

pub(crate) mod document;
mod ring;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Clock, KeyError, KeySet, KeySource, KeysFuture, KeysUnavailable, PublishedFuture,
    PublishedKeys, PublishedSource, RepositoryError, UnixTime,
};
use tokio::sync::{Mutex, MutexGuard};

use document::{KeyDocument, ReadError};
pub use ring::SecretRing;

/// The age at which keys are read again.
const REFRESH_AGE: Duration = Duration::from_mins(15);

/// The minimum time between two reads while there are usable keys.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// The age until which keys stay in use if they cannot be read again.
const MAX_AGE: Duration = Duration::from_hours(24);

/// Why the keys that the settings name cannot be used. The start fails.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The secret does not contain usable keys.
    #[error("invalid settings:\n  {variable}: the secret is rejected: {error}")]
    Secret {
        /// The variable that names the secret.
        variable: &'static str,
        /// The reason.
        error: KeyError,
    },
    /// The table does not contain usable public keys.
    #[error("invalid settings:\n  JWT_KEYS_TABLE: the published keys are rejected: {0}")]
    Table(KeyError),
    /// The file store cannot be used.
    #[error("AUTH_FILE: {}", .0.cause())]
    File(RepositoryError),
}

/// Without a source, because the message has its cause.
impl From<RepositoryError> for KeySourceError {
    fn from(error: RepositoryError) -> Self {
        Self::File(error)
    }
}

impl KeySourceError {
    /// Returns the error for a file with unusable keys.
    pub(crate) fn file(error: &KeyError) -> Self {
        Self::File(RepositoryError::Malformed(error.to_string()))
    }
}

/// The keys of a document.
#[derive(Debug)]
pub(crate) struct CachedKeys<T: KeyDocument> {
    document: T,
    clock: Clock,
    /// Locked during a read, so that simultaneous requests share one read.
    state: Mutex<State<T::Keys>>,
    /// The number of reads that have ended. A request that waited for one does not begin another.
    reads: AtomicU64,
}

#[derive(Debug)]
struct State<K> {
    loaded: Option<LoadedKeys<K>>,
    tried_at: UnixTime,
    has_failed: bool,
}

#[derive(Debug)]
struct LoadedKeys<K> {
    keys: Arc<K>,
    read_at: UnixTime,
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self {
            loaded: None,
            tried_at: UnixTime::default(),
            has_failed: false,
        }
    }
}

impl<K> State<K> {
    fn usable(&self, now: UnixTime) -> Option<&LoadedKeys<K>> {
        let loaded = self.loaded.as_ref();
        loaded.filter(|loaded| now.since(loaded.read_at) < MAX_AGE)
    }

    /// Returns whether keys that are at least `age` old should be read now.
    fn is_due(&self, now: UnixTime, age: Duration) -> bool {
        self.usable(now).is_none_or(|loaded| {
            now.since(loaded.read_at) >= age && now.since(self.tried_at) >= RETRY_INTERVAL
        })
    }
}

impl State<KeySet> {
    /// Returns the keys without those that have been retired for long enough, also if that was after the last read.
    fn keys(&self, now: UnixTime) -> Result<Arc<KeySet>, KeysUnavailable> {
        let LoadedKeys { keys, .. } = self.usable(now).ok_or(KeysUnavailable)?;
        let without_retired = keys.usable_at(now).map_err(|_| KeysUnavailable)?;
        Ok(without_retired.map_or_else(|| Arc::clone(keys), Arc::new))
    }
}

impl<T: KeyDocument> CachedKeys<T> {
    pub(crate) fn new(document: T, clock: Clock) -> Self {
        Self {
            document,
            clock,
            state: Mutex::default(),
            reads: AtomicU64::new(0),
        }
    }

    /// Reads the keys for the first time. A document that cannot be read may be readable later; one
    /// without usable keys is a mistake that must fail the start.
    pub(crate) async fn read_at_start(&self) -> Result<(), KeyError> {
        let mut state = self.state.lock().await;
        self.read(&mut state).await
    }

    async fn read(&self, state: &mut State<T::Keys>) -> Result<(), KeyError> {
        let now = self.clock.now();
        state.tried_at = now;
        state.has_failed = true;
        let read = self.document.read().await;
        self.reads.fetch_add(1, Ordering::Relaxed);
        let keys = match read {
            Ok(keys) => keys,
            Err(ReadError::Unreadable(cause)) => {
                tracing::error!(cause, "keys not read");
                return Ok(());
            }
            Err(ReadError::Rejected(error)) => {
                tracing::error!(cause = %error, "keys rejected");
                return Err(error);
            }
        };
        state.has_failed = false;
        state.loaded = Some(LoadedKeys {
            keys: Arc::new(keys),
            read_at: now,
        });
        Ok(())
    }

    /// Reads the keys if they are at least `age` old, and returns the state and the time.
    async fn read_if_due(&self, age: Duration) -> (MutexGuard<'_, State<T::Keys>>, UnixTime) {
        let reads = self.reads.load(Ordering::Relaxed);
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let has_waited = self.reads.load(Ordering::Relaxed) != reads;
        if state.is_due(now, age) && !has_waited {
            // A rejection is logged; the previous keys stay in use.
            let _ = self.read(&mut state).await;
        }
        (state, now)
    }
}

impl<T: KeyDocument<Keys = PublishedKeys>> PublishedSource for CachedKeys<T> {
    fn published(&self) -> PublishedFuture<'_> {
        Box::pin(async {
            let (state, now) = self.read_if_due(REFRESH_AGE).await;
            let loaded = state.usable(now).ok_or(KeysUnavailable)?;
            Ok(Arc::clone(&loaded.keys))
        })
    }
}

impl<T: KeyDocument<Keys = KeySet>> KeySource for CachedKeys<T> {
    fn keys(&self) -> KeysFuture<'_> {
        Box::pin(async {
            let (state, now) = self.read_if_due(REFRESH_AGE).await;
            state.keys(now)
        })
    }

    fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
        Box::pin(async {
            let (state, now) = self.read_if_due(Duration::ZERO).await;
            if state.has_failed {
                return Err(KeysUnavailable);
            }
            state.keys(now)
        })
    }
}

#[cfg(test)]
mod tests;
