//! The rules of each flow, as functions of a store. They know nothing about HTTP.
//!
//! Callers first check the form of the request and, for a signed-in user, run the live guard. Checks run in this order:
//! token, password policy, write. A write is conditional; if it is refused, the flow reads again and succeeds if it
//! finds its own mark, because then an earlier attempt of the same request was written.

mod check;
mod deletion;
mod email;
mod error;
mod password;
mod sessions;
mod sign_up;
mod undo;

use std::future::Future;

use super::{ActionTokens, AskContent, AskRepository, Asked};
use crate::{
    attempt::Attempts,
    failure::HashingError,
    network::SourceNetwork,
    password::{Password, PasswordHash, PasswordHasher, PasswordPolicy},
    time::Clock,
    user::{Email, Role},
};

pub use error::{InvalidLink, SelfServiceError};
pub use sessions::OwnSession;

/// How often a move or a deletion is tried if other changes of the user, such as the renewal of a hash, intervene.
const MAX_TRIES: u32 = 4;

/// Computes hashes. A function does it on a blocking thread, so that the deadline of the request can still be met.
pub trait HashPassword: Send + Sync {
    /// Hashes a new password ([`PasswordHasher::hash`]).
    ///
    /// # Errors
    ///
    /// [`HashingError`] if no memory or no randomness is available.
    fn hash(
        &self,
        password: &Password,
    ) -> impl Future<Output = Result<PasswordHash, HashingError>> + Send;

    /// Checks a password ([`PasswordHasher::verify`]).
    ///
    /// # Errors
    ///
    /// [`HashingError`] if the memory cannot be allocated.
    fn verify(
        &self,
        password: &Password,
        hash: &PasswordHash,
    ) -> impl Future<Output = Result<bool, HashingError>> + Send;
}

/// Computes on the caller's thread.
impl HashPassword for PasswordHasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        Self::hash(self, password)
    }

    async fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, HashingError> {
        Self::verify(self, password, Some(hash))
    }
}

/// What the settings decide.
#[derive(Debug, Clone)]
pub struct SelfServiceRules {
    /// Which passwords are accepted.
    pub policy: PasswordPolicy,
    /// Whether anyone may sign up. Otherwise, only invitations add users.
    pub is_sign_up_open: bool,
    /// The roles of users who sign up.
    pub sign_up_roles: Vec<Role>,
}

/// The flows.
#[derive(Debug)]
pub struct SelfService<H> {
    tokens: ActionTokens,
    attempts: Attempts,
    hasher: H,
    rules: SelfServiceRules,
    clock: Clock,
}

impl<H: HashPassword> SelfService<H> {
    /// Returns the flows. `attempts` names the counters.
    #[must_use]
    pub fn new(
        tokens: ActionTokens,
        attempts: Attempts,
        hasher: H,
        rules: SelfServiceRules,
        clock: Clock,
    ) -> Self {
        Self {
            tokens,
            attempts,
            hasher,
            rules,
            clock,
        }
    }

    /// Asks for an email with a link that confirms a sign-up. Reads no user.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Repository`] or [`SelfServiceError::Signing`].
    pub async fn ask_sign_up(
        &self,
        store: &impl AskRepository,
        email: &Email,
        network: &SourceNetwork,
    ) -> Result<Asked, SelfServiceError> {
        self.ask(store, email, AskContent::SignUp, network).await
    }

    /// Asks for an email with a link that sets a new password. Reads no user.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Repository`] or [`SelfServiceError::Signing`].
    pub async fn ask_reset(
        &self,
        store: &impl AskRepository,
        email: &Email,
        network: &SourceNetwork,
    ) -> Result<Asked, SelfServiceError> {
        self.ask(store, email, AskContent::Reset, network).await
    }

    async fn ask(
        &self,
        store: &impl AskRepository,
        email: &Email,
        content: AskContent,
        network: &SourceNetwork,
    ) -> Result<Asked, SelfServiceError> {
        let now = self.clock.now();
        let mail = [(email.clone(), content)];
        let (asks, limits) = self.attempts.prepare_asks(mail, Some(network), now).await?;
        Ok(store.put_asks(&asks, &limits, now).await?)
    }
}

#[cfg(test)]
mod tests;
