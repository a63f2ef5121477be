//! Email addresses as keys of users.

use std::fmt;

/// The most characters an address may have. RFC 5321 section 4.5.3.1.3 allows 254 octets between
/// its brackets; characters are what a person counts, and what the answer speaks of.
pub const MAX_EMAIL_CHARS: usize = 254;

/// An address in lower case, the form in which users are stored and found.
///
/// Only ASCII letters are lowered: beyond them two different addresses would share a key (the
/// Kelvin sign lowers to `k`). The syntax is not checked: an address that names no user finds none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// The address is longer than [`MAX_EMAIL_CHARS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("email has more than {MAX_EMAIL_CHARS} characters")]
pub struct EmailTooLong;

impl Email {
    /// Takes an address as it was typed.
    ///
    /// # Errors
    ///
    /// [`EmailTooLong`] above [`MAX_EMAIL_CHARS`] characters.
    pub fn parse(address: &str) -> Result<Self, EmailTooLong> {
        if address.chars().count() > MAX_EMAIL_CHARS {
            return Err(EmailTooLong);
        }
        Ok(Self(address.to_ascii_lowercase()))
    }

    /// The address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_tell_two_addresses_apart() {
        assert_eq!(
            Email::parse("John.Doe@Example.com").unwrap(),
            Email::parse("john.doe@example.COM").unwrap()
        );
        assert_ne!(
            Email::parse("\u{212a}@example.com").unwrap(),
            Email::parse("k@example.com").unwrap()
        );
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(Email::parse(&"é".repeat(MAX_EMAIL_CHARS)).is_ok());
        assert_eq!(
            Email::parse(&"a".repeat(MAX_EMAIL_CHARS + 1)),
            Err(EmailTooLong)
        );
    }
}
