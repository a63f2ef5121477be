//! Keys that may change, read again from time to time: a secret of AWS Secrets Manager, the published keys of the
//! table or of a URL, or those of the file store.
//!
//! [`CachedKeys`] is the same for all of them; a [`KeyDocument`] reads them. If the keys cannot be read,
//! the previous ones stay in use, for [`MAX_AGE`] at most: an outage signs no one out. Without keys, requests fail
//! with a 503, never a 401. [`super::DetachedKeys`] is for servers whose requests can be cancelled.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::lock;

use super::{KeyError, KeySet, KeySource, KeysFuture, KeysUnavailable};
use crate::time::{Clock, UnixTime};

/// The age at which keys are read again.
const REFRESH_AGE: Duration = Duration::from_mins(15);

/// The minimum time between two reads while there are usable keys.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// The age until which keys stay in use if they cannot be read again.
const MAX_AGE: Duration = Duration::from_hours(24);

/// Why no keys were read.
#[derive(Debug)]
pub enum ReadError {
    /// The keys cannot be read, for this reason. The same read may succeed later.
    Unreadable(String),
    /// The document does not contain usable keys.
    Rejected(KeyError),
    /// What was read is a valid set without usable keys, so that the previous ones are no longer valid either.
    Withdrawn(KeyError),
}

/// Keys that are read again on each call, as a whole.
pub trait KeyDocument: fmt::Debug + Send + Sync {
    /// The keys to verify or to sign with, or the published ones as they are.
    type Keys: fmt::Debug + Send + Sync;

    /// The minimum time between two reads while there are no usable keys.
    const PAUSE_WITHOUT_KEYS: Duration = Duration::ZERO;

    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// [`ReadError`], which the cache logs.
    fn read(&self) -> impl Future<Output = Result<Self::Keys, ReadError>> + Send;
}

/// The keys of a document.
#[derive(Debug)]
pub struct CachedKeys<T: KeyDocument> {
    document: T,
    clock: Clock,
    state: Mutex<State<T::Keys>>,
    /// Locked during a read, so that simultaneous requests share one.
    reading: lock::Mutex<()>,
}

#[derive(Debug)]
struct State<K> {
    loaded: Option<LoadedKeys<K>>,
    tried_at: UnixTime,
    has_failed: bool,
    /// The number of reads that have ended. A request that waited for one does not begin another.
    reads: u64,
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
            reads: 0,
        }
    }
}

impl<K> State<K> {
    /// Notes that a read begins: one that never ends has failed.
    fn begin_read(&mut self, now: UnixTime) {
        self.tried_at = now;
        self.has_failed = true;
    }

    fn usable(&self, now: UnixTime) -> Option<&LoadedKeys<K>> {
        let loaded = self.loaded.as_ref();
        loaded.filter(|loaded| now.since(loaded.read_at) < MAX_AGE)
    }

    /// Returns whether to read the keys now. Usable keys are read again once they are at least `age` old. Without
    /// usable keys, `pause` is the minimum time between two reads.
    fn is_due(&self, now: UnixTime, age: Duration, pause: Duration) -> bool {
        let since_last = now.since(self.tried_at);
        match self.usable(now) {
            Some(loaded) => now.since(loaded.read_at) >= age && since_last >= RETRY_INTERVAL,
            None => since_last >= pause,
        }
    }
}

impl State<KeySet> {
    /// Returns the keys except for those that have expired, even if they expired after the last read.
    fn keys(&self, now: UnixTime) -> Result<Arc<KeySet>, KeysUnavailable> {
        let LoadedKeys { keys, .. } = self.usable(now).ok_or(KeysUnavailable)?;
        let without_retired = keys.usable_at(now).map_err(|_| KeysUnavailable)?;
        Ok(without_retired.map_or_else(|| Arc::clone(keys), Arc::new))
    }
}

impl<T: KeyDocument> CachedKeys<T> {
    /// Returns a cache that has not read anything yet.
    #[must_use]
    pub fn new(document: T, clock: Clock) -> Self {
        Self {
            document,
            clock,
            state: Mutex::default(),
            reading: lock::Mutex::new(()),
        }
    }

    /// Reads the keys for the first time. A document that cannot be read may be readable later; one
    /// without usable keys is a mistake that must fail the start.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the document has no usable keys.
    pub async fn read_at_start(&self) -> Result<(), KeyError> {
        let _reading = self.reading.lock().await;
        self.read().await
    }

    async fn read(&self) -> Result<(), KeyError> {
        let now = self.clock.now();
        self.state().begin_read(now);
        let read = self.document.read().await;
        let mut state = self.state();
        state.reads += 1;
        match read {
            Ok(keys) => {
                state.has_failed = false;
                state.loaded = Some(LoadedKeys {
                    keys: Arc::new(keys),
                    read_at: now,
                });
                Ok(())
            }
            Err(ReadError::Unreadable(cause)) => {
                tracing::error!(cause, "keys not read");
                Ok(())
            }
            Err(ReadError::Rejected(error)) => {
                tracing::error!(cause = %error, "keys rejected");
                Err(error)
            }
            Err(ReadError::Withdrawn(error)) => {
                state.loaded = None;
                tracing::error!(cause = %error, "keys withdrawn");
                Err(error)
            }
        }
    }

    /// Reads the keys if they are at least `age` old. Only a request that cannot use the current keys waits for
    /// the read of another one.
    async fn read_if_due(&self, age: Duration) {
        let reads = self.state().reads;
        let must_wait = age.is_zero() || !self.has_usable_keys();
        let _reading = match self.reading.try_lock() {
            Some(reading) => reading,
            None if must_wait => self.reading.lock().await,
            None => return,
        };
        let has_waited = self.state().reads != reads;
        if self.is_due(age) && !has_waited {
            // A rejection is logged; the previous keys stay in use.
            let _ = self.read().await;
        }
    }

    fn is_due(&self, age: Duration) -> bool {
        let now = self.clock.now();
        self.state().is_due(now, age, T::PAUSE_WITHOUT_KEYS)
    }

    fn has_usable_keys(&self) -> bool {
        self.state().usable(self.clock.now()).is_some()
    }

    /// Returns the keys as they were read, after reading them again if they are due.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if no keys have been read, or not for too long.
    #[cfg(feature = "sign-in")]
    pub(crate) async fn document_keys(&self) -> Result<Arc<T::Keys>, KeysUnavailable> {
        self.read_if_due(REFRESH_AGE).await;
        let (state, now) = (self.state(), self.clock.now());
        let loaded = state.usable(now).ok_or(KeysUnavailable)?;
        Ok(Arc::clone(&loaded.keys))
    }

    /// Never held across an `await`.
    fn state(&self) -> MutexGuard<'_, State<T::Keys>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "tokio")]
impl<T: KeyDocument<Keys = KeySet>> CachedKeys<T> {
    /// Returns the keys if they need not be read now, without the task that a read needs.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        let is_due = self.is_due(REFRESH_AGE);
        let keys = self.state().keys(self.clock.now());
        keys.ok().filter(|_| !is_due)
    }
}

impl<T: KeyDocument<Keys = KeySet>> KeySource for CachedKeys<T> {
    fn keys(&self) -> KeysFuture<'_> {
        Box::pin(async {
            self.read_if_due(REFRESH_AGE).await;
            self.state().keys(self.clock.now())
        })
    }

    fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
        Box::pin(async {
            self.read_if_due(Duration::ZERO).await;
            let state = self.state();
            if state.has_failed {
                return Err(KeysUnavailable);
            }
            state.keys(self.clock.now())
        })
    }
}

#[cfg(test)]
mod tests;
