//! Where users are kept: a trait for the ways of asking, and the implementation in memory.

mod memory;

use std::{error::Error, future::Future};

pub use memory::InMemoryUserRepository;

use crate::{
    email::Email,
    user::{StoredUser, User},
};

/// The user store could not answer. Never a sign that a user does not exist.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The store cannot be reached, or answered with a failure of its own. The same call may
    /// go through later.
    #[error("the user store cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
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

    /// The same with the password hash: for logins alone.
    ///
    /// # Errors
    ///
    /// As [`UserRepository::find_by_email`].
    fn find_with_password(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Option<StoredUser>, RepositoryError>> + Send;
}
