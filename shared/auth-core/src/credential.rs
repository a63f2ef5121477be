//! Access to stored password hashes, for a function that checks passwords and for an operator who moves users.

use std::future::Future;

use crate::{
    attempt::NetworkCounter,
    password::PasswordHash,
    repository::RepositoryError,
    user::{Email, PageKey, StoredUser, UserPage},
};

/// Reads users with their password hashes, renews a hash, and ends sessions. Only for `login`.
pub trait CredentialRepository: Send + Sync {
    /// Finds the user of an address, even a disabled one, with the password hash, and the number of failures of a
    /// network, in one step.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn find_for_login(
        &self,
        email: &Email,
        network: &NetworkCounter,
    ) -> impl Future<Output = Result<(Option<StoredUser>, u32), RepositoryError>> + Send;

    /// Replaces `old` with `new`, a hash of the same password, and returns whether it did. It does not if the
    /// user has another hash by now, which belongs to a newer password.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Ends all sessions and access tokens of the user of an address by raising the user's version. If the stored
    /// version is another one, there is nothing left to do: the sessions have ended, or the address belongs to
    /// another user, whose version is another random number.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the sessions may have ended anyway.
    fn end_sessions(
        &self,
        email: &Email,
        version: u64,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// Lists users with their password hashes. For operators who move users to another store.
pub trait CredentialDirectory: Send + Sync {
    /// Returns a page of users with their hashes: the first one, or the one `after` an earlier page.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn list_credentials(
        &self,
        after: Option<PageKey>,
    ) -> impl Future<Output = Result<UserPage<StoredUser>, RepositoryError>> + Send;
}
