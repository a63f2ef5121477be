//! What a person types to sign in.

use crate::{
    email::{Email, EmailTooLong},
    secret::Secret,
};

/// The most bytes a password may have: enough for any passphrase, little enough to hash.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// A password as received: never trimmed, never cut, never printed.
#[derive(Debug, Clone)]
pub struct Password(Secret);

/// The password is longer than [`MAX_PASSWORD_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("password has more than {MAX_PASSWORD_BYTES} bytes")]
pub struct PasswordTooLong;

impl Password {
    /// Takes a password as it was typed.
    ///
    /// # Errors
    ///
    /// [`PasswordTooLong`] above [`MAX_PASSWORD_BYTES`] bytes of UTF-8.
    pub fn parse(password: &str) -> Result<Self, PasswordTooLong> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordTooLong);
        }
        Ok(Self(Secret::new(password.as_bytes().to_vec())))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// An address and a password, both within their limits.
#[derive(Debug, Clone)]
pub struct Credentials {
    email: Email,
    password: Password,
}

impl Credentials {
    /// Checks both limits; each result stands for itself, so that a caller can report both.
    ///
    /// # Errors
    ///
    /// What is too long, the address first.
    pub fn parse(
        email: &str,
        password: &str,
    ) -> Result<Self, (Option<EmailTooLong>, Option<PasswordTooLong>)> {
        match (Email::parse(email), Password::parse(password)) {
            (Ok(email), Ok(password)) => Ok(Self { email, password }),
            (email, password) => Err((email.err(), password.err())),
        }
    }

    /// The address.
    #[must_use]
    pub fn email(&self) -> &Email {
        &self.email
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &Password {
        &self.password
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_password() {
        let credentials = Credentials::parse("a@b.c", "hunter2").unwrap();
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    #[test]
    fn both_limits_are_reported_together() {
        let (email, password) =
            Credentials::parse(&"a".repeat(255), &"b".repeat(1025)).unwrap_err();
        assert!(email.is_some() && password.is_some());
        assert!(Credentials::parse(&"a".repeat(254), &"b".repeat(1024)).is_ok());
    }
}
