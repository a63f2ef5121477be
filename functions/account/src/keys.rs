//! The three kinds of keys of the function. No two may have the same secret.

use std::sync::Arc;

use auth_core::{KeySource, KeyUse, SharedSecret, check_distinct};

/// The keys of the function.
#[derive(Debug)]
pub struct AccountKeys {
    /// Verify access tokens.
    pub access_tokens: Arc<dyn KeySource>,
    /// Name counters and asks. `login` has them too.
    pub counters: Arc<dyn KeySource>,
    /// Verify the tokens of links. `mailer` issues them.
    pub actions: Arc<dyn KeySource>,
}

impl AccountKeys {
    /// Checks that no two kinds of keys have the same secret. Keys that are not available now are not compared.
    ///
    /// # Errors
    ///
    /// [`SharedSecret`] names the first two.
    pub async fn check_distinct(&self) -> Result<(), SharedSecret> {
        check_distinct([
            (KeyUse::Verify, &self.access_tokens),
            (KeyUse::Counters, &self.counters),
            (KeyUse::Actions, &self.actions),
        ])
        .await
    }
}
