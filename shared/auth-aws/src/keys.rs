//! Keys in AWS Secrets Manager, read again from time to time.
//!
//! A secret that cannot be read leaves the former keys in use, for [`KEPT_FOR`] at most: nobody is
//! signed out by an outage of Secrets Manager. Without keys there is an error, never a refusal.

use std::{
    error::Error,
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::{
    Algorithm, Clock, KeyError, KeySet, KeySource, KeyUse, KeysFuture, KeysUnavailable,
};
use aws_sdk_secretsmanager::Client;
use futures_util::FutureExt;
use tokio::sync::{Mutex, MutexGuard};

use crate::cause::cause;

/// Seconds after which keys are read again.
const REREAD_AFTER: u64 = 15 * 60;

/// Seconds between two reads while there are keys, whatever asks for them.
const RETRY_AFTER: u64 = 60;

/// Seconds for which keys stay in use when they cannot be read again.
const KEPT_FOR: u64 = 24 * 3600;

/// The secret holds no keys that can be used, and the start is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings refused:\n  {variable}: the secret is refused: {error}")]
pub struct KeysRefused {
    variable: &'static str,
    error: KeyError,
}

/// Something whose text is read anew on each call.
pub(crate) trait Text: fmt::Debug + Send + Sync {
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
}

impl Text for Secret {
    async fn read(&self) -> Result<String, String> {
        let read = self.client.get_secret_value().secret_id(&self.id).send();
        let value = read
            .boxed()
            .await
            .map_err(|error| cause(&error as &dyn Error))?;
        value.secret_string.ok_or("the secret is no text".into())
    }
}

/// The key set of a secret.
#[derive(Debug)]
pub(crate) struct SecretKeys<T> {
    secret: T,
    algorithm: Algorithm,
    key_use: KeyUse,
    clock: Clock,
    // Held during a read, so that requests at once wait for one read and share it.
    state: Mutex<State>,
    /// Reads that ended, well or not: who waited for one does not begin another.
    reads: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    kept: Option<Kept>,
    tried_at: u64,
    has_failed: bool,
}

#[derive(Debug)]
struct Kept {
    keys: Arc<KeySet>,
    read_at: u64,
}

impl State {
    fn usable(&self, now: u64) -> Option<&Kept> {
        let kept = self.kept.as_ref();
        kept.filter(|kept| now.saturating_sub(kept.read_at) < KEPT_FOR)
    }

    fn keys(&self, now: u64) -> Result<Arc<KeySet>, KeysUnavailable> {
        let usable = self.usable(now).ok_or(KeysUnavailable)?;
        Ok(Arc::clone(&usable.keys))
    }

    /// Whether keys that were read at least `age` seconds ago should be read now.
    fn is_due(&self, now: u64, age: u64) -> bool {
        self.usable(now).is_none_or(|kept| {
            now.saturating_sub(kept.read_at) >= age
                && now.saturating_sub(self.tried_at) >= RETRY_AFTER
        })
    }
}

impl<T: Text> SecretKeys<T> {
    pub(crate) fn new(secret: T, algorithm: Algorithm, key_use: KeyUse, clock: Clock) -> Self {
        Self {
            secret,
            algorithm,
            key_use,
            clock,
            state: Mutex::default(),
            reads: AtomicU64::new(0),
        }
    }

    /// Reads the keys for the first time. A secret that cannot be read may be readable later; one
    /// without usable keys is a mistake that a start should show.
    pub(crate) async fn read_at_start(&self) -> Result<(), KeysRefused> {
        let mut state = self.state.lock().await;
        let read = self.read(&mut state).await;
        read.map_err(|error| KeysRefused {
            variable: self.key_use.secret_variable(),
            error,
        })
    }

    async fn read(&self, state: &mut State) -> Result<(), KeyError> {
        let now = self.clock.now();
        state.tried_at = now;
        state.has_failed = true;
        let text = self.secret.read().await;
        self.reads.fetch_add(1, Ordering::Relaxed);
        let text = match text {
            Ok(text) => text,
            Err(cause) => {
                tracing::error!(cause, "keys not read");
                return Ok(());
            }
        };
        let keys = self.parse(&text).inspect_err(|error| {
            tracing::error!(cause = %error, "keys refused");
        })?;
        state.has_failed = false;
        state.kept = Some(Kept {
            keys: Arc::new(keys),
            read_at: now,
        });
        Ok(())
    }

    fn parse(&self, text: &str) -> Result<KeySet, KeyError> {
        KeySet::parse(text, self.algorithm)?.fit_for(self.key_use)
    }

    /// The state, after a read where keys that are at least `age` seconds old should be read.
    async fn read_if_due(&self, age: u64) -> (MutexGuard<'_, State>, u64) {
        let reads = self.reads.load(Ordering::Relaxed);
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let has_waited = self.reads.load(Ordering::Relaxed) != reads;
        if state.is_due(now, age) && !has_waited {
            // A refusal is logged; the former keys stay.
            let _ = self.read(&mut state).await;
        }
        (state, now)
    }
}

impl<T: Text> KeySource for SecretKeys<T> {
    fn keys(&self) -> KeysFuture<'_> {
        Box::pin(async {
            let (state, now) = self.read_if_due(REREAD_AFTER).await;
            state.keys(now)
        })
    }

    fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
        Box::pin(async {
            let (state, now) = self.read_if_due(0).await;
            if state.has_failed {
                return Err(KeysUnavailable);
            }
            state.keys(now)
        })
    }
}

#[cfg(test)]
mod tests;
