//! Keys in AWS Secrets Manager, read again from time to time.
//!
//! If the secret cannot be read, the previous keys stay in use, for [`MAX_AGE`] at most: an outage of Secrets
//! Manager signs no one out. Without keys, requests fail with a 503, never a 401.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Algorithm, Clock, KeyError, KeySet, KeySource, KeyUse, KeysFuture, KeysUnavailable,
    RepositoryError, UnixTime,
};
use aws_sdk_secretsmanager::Client;
use futures_util::FutureExt;
use tokio::sync::{Mutex, MutexGuard};

use crate::call_error::CallError;

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
    /// The file store cannot be used.
    #[error("AUTH_FILE: {}", .0.cause())]
    File(#[from] RepositoryError),
}

/// A text that is read again on each call.
pub(crate) trait KeyDocument: fmt::Debug + Send + Sync {
    fn read(&self) -> impl Future<Output = Result<String, String>> + Send;
}

/// A secret of Secrets Manager.
#[derive(Debug)]
pub(crate) struct Secret {
    client: Client,
    id: String,
}

impl Secret {
    pub(crate) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// Reads the value.
    pub(crate) async fn value(&self) -> Result<String, CallError> {
        let read = self.client.get_secret_value().secret_id(&self.id).send();
        let value = read.boxed().await?.secret_string;
        value.ok_or_else(|| CallError::other("the secret is not text"))
    }
}

impl KeyDocument for Secret {
    async fn read(&self) -> Result<String, String> {
        self.value().await.map_err(|error| error.to_string())
    }
}

/// The key set of a secret.
#[derive(Debug)]
pub(crate) struct SecretKeys<T> {
    document: T,
    algorithm: Algorithm,
    key_use: KeyUse,
    clock: Clock,
    /// Locked during a read, so that simultaneous requests share one read.
    state: Mutex<State>,
    /// The number of reads that have ended. A request that waited for one does not begin another.
    reads: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    loaded: Option<LoadedKeys>,
    tried_at: UnixTime,
    has_failed: bool,
}

#[derive(Debug)]
struct LoadedKeys {
    keys: Arc<KeySet>,
    read_at: UnixTime,
}

impl State {
    fn usable(&self, now: UnixTime) -> Option<&LoadedKeys> {
        let loaded = self.loaded.as_ref();
        loaded.filter(|loaded| now.since(loaded.read_at) < MAX_AGE)
    }

    fn keys(&self, now: UnixTime) -> Result<Arc<KeySet>, KeysUnavailable> {
        let usable = self.usable(now).ok_or(KeysUnavailable)?;
        Ok(Arc::clone(&usable.keys))
    }

    /// Returns whether keys that are at least `age` old should be read now.
    fn is_due(&self, now: UnixTime, age: Duration) -> bool {
        self.usable(now).is_none_or(|loaded| {
            now.since(loaded.read_at) >= age && now.since(self.tried_at) >= RETRY_INTERVAL
        })
    }
}

impl<T: KeyDocument> SecretKeys<T> {
    pub(crate) fn new(document: T, algorithm: Algorithm, key_use: KeyUse, clock: Clock) -> Self {
        Self {
            document,
            algorithm,
            key_use,
            clock,
            state: Mutex::default(),
            reads: AtomicU64::new(0),
        }
    }

    /// Reads the keys for the first time. A secret that cannot be read may be readable later; a secret
    /// without usable keys is a mistake that must fail the start.
    pub(crate) async fn read_at_start(&self) -> Result<(), KeySourceError> {
        let mut state = self.state.lock().await;
        let read = self.read(&mut state).await;
        read.map_err(|error| KeySourceError::Secret {
            variable: self.key_use.secret_variable(),
            error,
        })
    }

    async fn read(&self, state: &mut State) -> Result<(), KeyError> {
        let now = self.clock.now();
        state.tried_at = now;
        state.has_failed = true;
        let text = self.document.read().await;
        self.reads.fetch_add(1, Ordering::Relaxed);
        let text = match text {
            Ok(text) => text,
            Err(cause) => {
                tracing::error!(cause, "keys not read");
                return Ok(());
            }
        };
        let keys = self.parse(&text).inspect_err(|error| {
            tracing::error!(cause = %error, "keys rejected");
        })?;
        state.has_failed = false;
        state.loaded = Some(LoadedKeys {
            keys: Arc::new(keys),
            read_at: now,
        });
        Ok(())
    }

    fn parse(&self, text: &str) -> Result<KeySet, KeyError> {
        KeySet::parse_deployed(text, self.algorithm, self.key_use)
    }

    /// Reads the keys if they are at least `age` old, and returns the state and the time.
    async fn read_if_due(&self, age: Duration) -> (MutexGuard<'_, State>, UnixTime) {
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

impl<T: KeyDocument> KeySource for SecretKeys<T> {
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
