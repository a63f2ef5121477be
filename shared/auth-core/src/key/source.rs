//! Where keys come from while a process lives: fixed ones, or a store in which they may change.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use super::KeySet;

/// The keys are unavailable at the moment. The source has logged why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys cannot be read")]
pub struct KeysUnavailable;

/// The result of a [`KeySource`].
pub type KeysFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<KeySet>, KeysUnavailable>> + Send + 'a>>;

/// Returns the key set to use now. A [`KeySet`] converts into a source that never changes.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// Returns the keys to sign and verify with.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if no key set may be used at the moment.
    fn keys(&self) -> KeysFuture<'_>;

    /// Returns the keys again, for a token signed with a key that was not among them. A source whose
    /// keys may have changed reads them again, as often as it can afford.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if the source cannot find out whether there is such a key.
    fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
        self.keys()
    }
}

impl KeySource for Arc<KeySet> {
    fn keys(&self) -> KeysFuture<'_> {
        let keys = Self::clone(self);
        Box::pin(async { Ok(keys) })
    }
}

impl From<KeySet> for Arc<dyn KeySource> {
    fn from(keys: KeySet) -> Self {
        Arc::new(Arc::new(keys))
    }
}
