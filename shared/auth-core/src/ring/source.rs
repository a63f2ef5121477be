//! Where the published keys come from while a process runs, for those that serve them to others.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use super::PublishedKeys;
use crate::key::{CachedKeys, KeyDocument, KeysUnavailable};

/// The result of a [`PublishedSource`].
pub type PublishedFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<PublishedKeys>, KeysUnavailable>> + Send + 'a>>;

/// Provides the published keys. [`PublishedKeys`] converts into a source that never changes.
pub trait PublishedSource: fmt::Debug + Send + Sync {
    /// Returns the published keys, among them those that may no longer be used: callers must check their `until`, as
    /// [`PublishedKeys::usable`] and [`PublishedKeys::jwks`] do.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if no keys have been read, or not for too long.
    fn published(&self) -> PublishedFuture<'_>;
}

impl PublishedSource for Arc<PublishedKeys> {
    fn published(&self) -> PublishedFuture<'_> {
        let keys = Self::clone(self);
        Box::pin(async { Ok(keys) })
    }
}

impl From<PublishedKeys> for Arc<dyn PublishedSource> {
    fn from(keys: PublishedKeys) -> Self {
        Arc::new(Arc::new(keys))
    }
}

impl<T: KeyDocument<Keys = PublishedKeys>> PublishedSource for CachedKeys<T> {
    fn published(&self) -> PublishedFuture<'_> {
        Box::pin(self.document_keys())
    }
}
