//! The three kinds of keys of the function. No two may have the same secret.

use std::sync::Arc;

use auth_core::{KeySource, KeyUse, SharedSecret, check_distinct};

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

impl LoginKeys {
    /// Checks that no two kinds of keys have the same secret. Keys that are not available now are not compared.
    ///
    /// # Errors
    ///
    /// [`SharedSecret`] names the first two.
    pub async fn check_distinct(&self) -> Result<(), SharedSecret> {
        check_distinct([
            (KeyUse::Sign, &self.access_tokens),
            (KeyUse::Sessions, &self.refresh_tokens),
            (KeyUse::Counters, &self.counters),
        ])
        .await
    }
}
