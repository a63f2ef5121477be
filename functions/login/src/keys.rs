//! The three kinds of keys of the function. No two may have the same secret.

use std::sync::Arc;

use auth_core::{KeySet, KeySource, KeyUse};

/// The keys of the function.
#[derive(Debug)]
pub struct LoginKeys {
    /// Sign access tokens. Other functions may have these keys too.
    pub access_tokens: Arc<dyn KeySource>,
    /// Issue and verify refresh tokens. Only this function has them.
    pub refresh_tokens: Arc<dyn KeySource>,
    /// Name counters, and issue and verify device tokens. Operators who clear attempts have them too.
    pub counters: Arc<dyn KeySource>,
}

/// Two kinds of keys have the same secret, so anyone who may read one could forge what the other protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: the secret has the same key as {}", .0.secret_variable(), .1.secret_variable())]
pub struct SharedSecret(KeyUse, KeyUse);

impl LoginKeys {
    /// Checks that no two kinds of keys have the same secret, even under different names. Keys that are not
    /// available now are not compared.
    ///
    /// # Errors
    ///
    /// [`SharedSecret`] names the first two.
    pub async fn check_distinct(&self) -> Result<(), SharedSecret> {
        let sources = [
            (KeyUse::Sign, &self.access_tokens),
            (KeyUse::Sessions, &self.refresh_tokens),
            (KeyUse::Counters, &self.counters),
        ];
        let mut read: Vec<(KeyUse, Arc<KeySet>)> = Vec::new();
        for (key_use, source) in sources {
            if let Ok(keys) = source.keys().await {
                let same = read
                    .iter()
                    .find(|(_, other)| keys.shares_secret_with(other));
                if let Some((other, _)) = same {
                    return Err(SharedSecret(key_use, *other));
                }
                read.push((key_use, keys));
            }
        }
        Ok(())
    }
}
