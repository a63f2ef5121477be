//! What a person types to sign in.

use crate::{email::Email, secret::Secret};

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
    /// What was typed into the two fields.
    #[must_use]
    pub fn new(email: Email, password: Password) -> Self {
        Self { email, password }
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
        let password = Password::parse("hunter2").unwrap();
        let credentials = Credentials::new(Email::parse("a@b.c").unwrap(), password);
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert!(Password::parse(&"é".repeat(512)).is_ok());
        assert!(Password::parse(&"é".repeat(513)).is_err());
    }
}
