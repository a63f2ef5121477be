//! Password hashes on a blocking thread, so that the deadline of the request can still be met.

use std::sync::Arc;

use auth_core::{HashPassword, HashingError, Password, PasswordHash, PasswordHasher};
use tokio::task::spawn_blocking;

/// Computes hashes. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hasher(Arc<PasswordHasher>);

impl Hasher {
    /// Returns how many hashes have been computed so far.
    pub(crate) fn computed(&self) -> u64 {
        self.0.computed()
    }
}

impl HashPassword for Hasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        let (password, hasher) = (password.clone(), Arc::clone(&self.0));
        let result = spawn_blocking(move || hasher.hash(&password)).await;
        result.unwrap_or(Err(HashingError))
    }

    async fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, HashingError> {
        let (password, hash, hasher) = (password.clone(), hash.clone(), Arc::clone(&self.0));
        let verified = spawn_blocking(move || hasher.verify(&password, Some(&hash))).await;
        verified.unwrap_or(Err(HashingError))
    }
}
