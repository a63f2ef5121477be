//! Where users are kept: one trait for each kind of access, and the implementation in memory.
//!
//! A function takes the traits of what it does and no more: `me` reads users, `login` reads and
//! renews password hashes, the operator's tool does the rest. The rights of their roles in AWS are
//! divided in the same way.

mod memory;

use std::{error::Error, future::Future};

pub use memory::InMemoryUserRepository;

use crate::{
    email::Email,
    password::PasswordHash,
    user::{Role, StoredUser, User},
};

/// A store could not answer. Never a sign that what it was asked for does not exist.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The store cannot be reached, or answered with a failure of its own. The same call may
    /// go through later.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store holds something that this bundle has not written. Nothing but a repair helps.
    #[error("a stored item cannot be read: {0}")]
    Malformed(String),
}

impl RepositoryError {
    /// What went wrong, for logs and operators.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Unavailable(cause) => cause.to_string(),
            Self::Malformed(what) => what.clone(),
        }
    }
}

/// Reads users. A test double is [`InMemoryUserRepository`].
pub trait UserRepository: Send + Sync {
    /// The user of an address, disabled ones included.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell; `Ok(None)` only where there is no such user.
    fn find_by_email(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Option<User>, RepositoryError>> + Send;
}

/// Reads users with their password hashes, renews a hash, and ends sessions: for `login` alone.
pub trait CredentialRepository: Send + Sync {
    /// The user of an address with the password hash, disabled ones included.
    ///
    /// # Errors
    ///
    /// As [`UserRepository::find_by_email`].
    fn find_with_password(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Option<StoredUser>, RepositoryError>> + Send;

    /// Puts `new` in the place of `old`, a hash of the same password. Whether it did: where the
    /// user has another hash by now, that one is of a newer password and stays.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell.
    fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Ends all sessions and access tokens of the user of an address, by raising the user's version.
    /// Where the address has another user, or the user another version by now, that is done already.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell whether it did.
    fn end_sessions(
        &self,
        email: &Email,
        id: &str,
        version: u64,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// Why a user was not added, changed or deleted. Nothing was changed, unless the store failed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The address has a user already.
    #[error("the user exists already")]
    AlreadyExists,
    /// The address has no user.
    #[error("there is no such user")]
    NotFound,
    /// The store could not answer; a change may have been made all the same.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// One thing to change about a user.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// Whether the user is kept from signing in.
    Disabled(bool),
    /// The password, by its hash.
    Password(PasswordHash),
    /// All roles, in place of the former ones.
    Roles(Vec<Role>),
    /// Nothing but the end of all sessions and access tokens.
    EndSessions,
}

impl UserChange {
    /// Whether the change ends all sessions and access tokens of the user, by raising the user's
    /// version: a disabled user's, and those that were begun with another password.
    #[must_use]
    pub fn ends_sessions(&self) -> bool {
        match self {
            Self::Disabled(disabled) => *disabled,
            Self::Password(_) | Self::EndSessions => true,
            Self::Roles(_) => false,
        }
    }
}

/// Where a page of users ended: the store's own mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey(pub String);

/// Some of the users, in no order that a caller may rely on.
#[derive(Debug, Clone)]
pub struct UserPage {
    /// The users of the page; it may be empty and not the last.
    pub users: Vec<User>,
    /// Where the next page begins; `None` behind the last.
    pub next: Option<PageKey>,
}

/// Administers users: for operators, never for a function that the world can call.
pub trait UserDirectory: Send + Sync {
    /// Adds a user. Of two that add one address at once, one does.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::AlreadyExists`] where the address has a user, whoever it is.
    fn add(&self, user: &StoredUser) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Changes one thing about a user and returns the user as changed.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NotFound`] where the address has no user.
    fn change(
        &self,
        email: &Email,
        change: UserChange,
    ) -> impl Future<Output = Result<User, DirectoryError>> + Send;

    /// Deletes a user for good.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NotFound`] where the address has no user.
    fn delete(&self, email: &Email) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Some users: the first ones, or those `after` a former page.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot answer.
    fn page(
        &self,
        after: Option<PageKey>,
    ) -> impl Future<Output = Result<UserPage, RepositoryError>> + Send;
}
