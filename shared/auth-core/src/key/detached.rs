//! Cached keys whose reads go on if the request that began them is cancelled.

use std::sync::Arc;

use super::{CachedKeys, KeyDocument, KeySet, KeySource, KeysFuture, KeysUnavailable};

/// Cached keys that are read in tasks of tokio. Otherwise, clients that disconnect at the right time could keep revoked
/// keys in use: each cancelled read delays the next one by a minute. A function on AWS Lambda needs only
/// [`CachedKeys`], because it does not notice that a client disconnects.
#[derive(Debug)]
pub struct DetachedKeys<T: KeyDocument>(Arc<CachedKeys<T>>);

impl<T: KeyDocument<Keys = KeySet> + 'static> DetachedKeys<T> {
    /// Returns the keys of a cache.
    #[must_use]
    pub fn new(keys: Arc<CachedKeys<T>>) -> Self {
        Self(keys)
    }

    /// Reads the keys in a task, which outlives the request.
    fn spawn(
        &self,
        read: impl for<'a> FnOnce(&'a CachedKeys<T>) -> KeysFuture<'a> + Send + 'static,
    ) -> KeysFuture<'static> {
        let keys = Arc::clone(&self.0);
        Box::pin(async move {
            let task = tokio::spawn(async move { read(&keys).await });
            task.await.unwrap_or(Err(KeysUnavailable))
        })
    }
}

impl<T: KeyDocument<Keys = KeySet> + 'static> KeySource for DetachedKeys<T> {
    fn keys(&self) -> KeysFuture<'_> {
        match self.0.current() {
            Some(keys) => Box::pin(async { Ok(keys) }),
            None => self.spawn(CachedKeys::keys),
        }
    }

    fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
        self.spawn(CachedKeys::keys_for_unknown_kid)
    }
}
