//! Access to stored users: one trait per right.
//!
//! A function asks for the traits that it needs and no others: `login` reads users and renews password hashes, the
//! operator's tool does the rest. `me` reads users through [`LiveRepository`](crate::LiveRepository). The IAM roles
//! are divided in the same way.

use std::future::Future;

use super::{Email, Role, StoredUser, User};
use crate::{password::PasswordHash, repository::RepositoryError, time::UnixTime};

/// Reads users.
pub trait UserRepository: Send + Sync {
    /// Finds the user of an address, even a disabled one.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails. `Ok(None)` only means that there is no such user.
    fn find_by_email(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Option<User>, RepositoryError>> + Send;
}

/// Why a user was not added, changed or deleted. Unless the store failed, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The address already has a user.
    #[error("the user already exists")]
    AlreadyExists,
    /// The address has no user.
    #[error("the user does not exist")]
    NotFound,
    /// The store failed; the change may have been made anyway.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// A change to a user.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// Disables or enables the user.
    Disabled(bool),
    /// Sets the password, by its hash.
    Password(PasswordHash),
    /// Replaces all roles.
    Roles(Vec<Role>),
    /// Only ends all sessions and access tokens.
    EndSessions,
}

impl UserChange {
    /// Returns whether the change raises the user's version, which ends all sessions and access tokens:
    /// those of a disabled user, and those that began with another password.
    #[must_use]
    pub fn ends_sessions(&self) -> bool {
        match self {
            Self::Disabled(disabled) => *disabled,
            Self::Password(_) | Self::EndSessions => true,
            Self::Roles(_) => false,
        }
    }
}

/// Where a page of users ended, in a form that only the store understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey(pub String);

/// Some of the users, in no particular order: as [`User`], or as [`StoredUser`] with their hashes.
#[derive(Debug, Clone)]
pub struct UserPage<U = User> {
    /// The users of the page. It may be empty without being the last.
    pub users: Vec<U>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<PageKey>,
}

/// Administers users. For operators, never for a function with a route.
pub trait UserDirectory: Send + Sync {
    /// Adds a user. If two calls add the same address at once, one succeeds.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::AlreadyExists`] if the address already has a user.
    fn add_user(
        &self,
        user: &StoredUser,
    ) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Changes a user and returns the changed user.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NotFound`] if the address has no user.
    fn change_user(
        &self,
        email: &Email,
        change: UserChange,
    ) -> impl Future<Output = Result<User, DirectoryError>> + Send;

    /// Deletes a user permanently at `now`. The address is free, but links that were sent before no longer add a user
    /// with it.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NotFound`] if the address has no user.
    fn delete_user(
        &self,
        email: &Email,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Returns a page of users: the first one, or the one `after` an earlier page.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn list_users(
        &self,
        after: Option<PageKey>,
    ) -> impl Future<Output = Result<UserPage, RepositoryError>> + Send;
}
