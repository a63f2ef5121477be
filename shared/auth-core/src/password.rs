//! Password hashes and the work of making and checking them.
//!
//! [`PasswordHash::parse`] is the gate: a stored string decides how much memory and time its own
//! verification takes, so one outside the bounds is an error and is never computed.

mod hash;
mod hasher;

pub use hash::{PasswordHash, PasswordHashError};
pub use hasher::{HashingError, PasswordHasher};
