//! Where keys come from while a process lives: fixed ones, or a store that may change them.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::key_set::KeySet;

/// The keys cannot be had now. The source has logged why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys cannot be read")]
pub struct KeysUnavailable;

/// What a [`KeySource`] answers.
pub type KeysFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<KeySet>, KeysUnavailable>> + Send + 'a>>;

/// Hands out the key set that is to be used now. A [`KeySet`] itself is one that never changes.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The keys to sign and verify with.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] where there is no key set that may still be used.
    fn keys(&self) -> KeysFuture<'_>;

    /// The keys again, for a token that names a key they did not have. A source whose keys may have
    /// changed reads them anew, as often as it can afford.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] where the source cannot tell whether there is such a key.
    fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
        self.keys()
    }
}

#[derive(Debug)]
struct Fixed(Arc<KeySet>);

impl KeySource for Fixed {
    fn keys(&self) -> KeysFuture<'_> {
        let keys = Arc::clone(&self.0);
        Box::pin(async { Ok(keys) })
    }
}

impl From<KeySet> for Arc<dyn KeySource> {
    fn from(keys: KeySet) -> Self {
        Arc::new(Fixed(Arc::new(keys)))
    }
}
