//! Logs what changed, one line for each change and key. A line has the `kid`, never a key.

use std::future::Future;

use auth_core::{KeyChangeError, KeyState, PublishedKeyRepository};
use tracing::info;

use crate::Keys;

impl<P: PublishedKeyRepository> Keys<P> {
    /// Makes a change and logs what it changed, even if the change fails after its first write.
    pub(crate) async fn logged<T>(
        &self,
        change: impl Future<Output = Result<T, KeyChangeError>>,
    ) -> Result<T, KeyChangeError> {
        let before = self.keeper.load().await?;
        let result = change.await;
        // The change itself is done: if this read fails, only the lines are missing.
        if let Ok(after) = self.keeper.load().await {
            log(&before, &after);
        }
        result
    }
}

fn log(before: &KeyState, after: &KeyState) {
    log_private(before, after);
    log_published(before, after);
}

fn log_private(before: &KeyState, after: &KeyState) {
    let Some(ring) = &after.ring else {
        return;
    };
    let old = before.ring.as_ref();
    for kid in ring.keys().map(auth_core::PrivateJwk::kid) {
        if !old.is_some_and(|old| old.contains(kid)) {
            info!(kid, "key created");
        }
    }
    for kid in ring.revoked() {
        if !old.is_some_and(|old| old.revoked().contains(kid)) {
            info!(kid, "key revoked");
        }
    }
    let (kid, previous) = (ring.active().kid(), old.map(|old| old.active().kid()));
    if previous != Some(kid) {
        info!(kid, previous, "key became active");
    }
}

fn log_published(before: &KeyState, after: &KeyState) {
    for key in after.published.iter() {
        let kid = key.jwk().kid();
        let old = before.published.find(kid);
        if old.is_none() {
            info!(kid, "key published");
        }
        if let Some(until) = key.until()
            && old.and_then(auth_core::PublishedKey::until).is_none()
        {
            info!(kid, until = until.as_secs(), "key retired");
        }
    }
    for key in before.published.iter() {
        let kid = key.jwk().kid();
        if after.published.find(kid).is_none() {
            info!(kid, "key unpublished");
        }
    }
}
