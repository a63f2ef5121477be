//! Users, their roles and their email addresses.
//!
//! [`LoggedUser`] is the user of a verified token. With the feature `sign-in`, `User` is the one that a store has now.

mod logged_user;
#[cfg(feature = "sign-in")]
mod repository;
#[cfg(feature = "sign-in")]
mod stored;

pub use logged_user::{Forbidden, LoggedUser};
#[cfg(feature = "sign-in")]
pub use repository::{
    DirectoryError, PageKey, UserChange, UserDirectory, UserPage, UserRepository,
};
#[cfg(feature = "sign-in")]
pub use stored::{Email, EmailTooLong, MAX_EMAIL_CHARS, Role, StoredUser, User};
