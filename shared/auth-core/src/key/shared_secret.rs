//! No two uses of a function may have the same HMAC secret.

use std::sync::Arc;

use super::{KeySet, KeySource, KeyUse};

/// Two kinds of keys have the same secret, so anyone who may read one could forge what the other protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: the secret has the same key as {}", .0.secret_variable(), .1.secret_variable())]
pub struct SharedSecret(KeyUse, KeyUse);

/// Checks that no two of these kinds of keys have the same secret, even under different names. Keys that are not
/// available now are not compared.
///
/// # Errors
///
/// [`SharedSecret`] names the first two.
pub async fn check_distinct(
    sources: impl IntoIterator<Item = (KeyUse, &Arc<dyn KeySource>)>,
) -> Result<(), SharedSecret> {
    let mut read: Vec<(KeyUse, Arc<KeySet>)> = Vec::new();
    for (key_use, source) in sources {
        let Ok(keys) = source.keys().await else {
            continue;
        };
        let mut others = read.iter();
        if let Some((other, _)) = others.find(|(_, other)| keys.shares_secret_with(other)) {
            return Err(SharedSecret(key_use, *other));
        }
        read.push((key_use, keys));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Key, key::KeysFuture, key::KeysUnavailable};

    /// An outage.
    #[derive(Debug)]
    struct NoKeys;

    impl KeySource for NoKeys {
        fn keys(&self) -> KeysFuture<'_> {
            Box::pin(async { Err(KeysUnavailable) })
        }
    }

    fn source(first: u8) -> Arc<dyn KeySource> {
        let secret: Vec<u8> = (first..first + 32).collect();
        KeySet::from(Key::from_secret(&secret, Algorithm::HS256).unwrap()).into()
    }

    #[tokio::test]
    async fn two_uses_with_one_secret_are_named() {
        let (one, other, same) = (source(0), source(32), source(0));
        let none: Arc<dyn KeySource> = Arc::new(NoKeys);
        let distinct = [(KeyUse::Sign, &one), (KeyUse::Counters, &other)];
        assert_eq!(check_distinct(distinct).await, Ok(()));
        let unavailable = [(KeyUse::Sign, &none), (KeyUse::Counters, &one)];
        assert_eq!(check_distinct(unavailable).await, Ok(()));
        let shared = [
            (KeyUse::Verify, &one),
            (KeyUse::Counters, &other),
            (KeyUse::Actions, &same),
        ];
        let error = check_distinct(shared).await.unwrap_err();
        let expected = "ACTION_KEY_SECRET_ID: the secret has the same key as JWT_KEYS_SECRET_ID";
        assert_eq!(error.to_string(), expected);
    }
}
