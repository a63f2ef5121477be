//! Stored users, their roles and their email addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{id::random_bytes, password::PasswordHash};

/// The size of a new user's version: that of the integers that JSON carries exactly (RFC 8259 section 6).
const VERSION_BITS: u32 = 53;

/// A person who can log in. It never contains the password hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id, the `sub` of tokens. It stays the same when the address changes.
    pub id: String,
    /// The address as it was registered.
    pub email: String,
    /// A disabled user can neither log in nor use `me`.
    pub disabled: bool,
    /// Raised to end all sessions and access tokens of the user: by a logout everywhere, by a new password,
    /// and by disabling the user.
    #[serde(default)]
    pub version: u64,
    /// The user's roles.
    pub roles: Vec<Role>,
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The role's id.
    pub id: String,
    /// The name, as it appears in the `roles` of tokens.
    pub name: String,
    /// A sentence for people to read.
    pub description: String,
    /// What the role allows, part of the `scope` of tokens. Words without spaces (RFC 6749
    /// section 3.3).
    pub permissions: Vec<String>,
}

/// A user with the password hash: what a login reads, and nothing else does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredUser {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// The hash of the user's password.
    pub password_hash: PasswordHash,
}

impl User {
    /// Returns the version of a new user: one that no earlier user with the same address and id had.
    /// Otherwise that user's tokens would become valid again. It is random and below 2^53, so that every
    /// reader of JSON keeps it exactly. `None` if no randomness is available.
    #[must_use]
    pub fn first_version() -> Option<u64> {
        let random = random_bytes().map(u64::from_ne_bytes);
        random.map(|random| random >> (u64::BITS - VERSION_BITS))
    }

    /// Returns the permissions of all roles, sorted and without duplicates.
    #[must_use]
    pub fn permissions(&self) -> Vec<&str> {
        let mut permissions: Vec<&str> = self
            .roles
            .iter()
            .flat_map(|role| role.permissions.iter().map(String::as_str))
            .collect();
        permissions.sort_unstable();
        permissions.dedup();
        permissions
    }
}

/// The maximum length of an address in characters. RFC 5321 section 4.5.3.1.3 allows 254 octets
/// between its brackets; characters are what a person counts and what the response mentions.
pub const MAX_EMAIL_CHARS: usize = 254;

/// An address in lower case, the form in which users are stored and found.
///
/// Only ASCII letters are lowered: beyond ASCII, two different addresses could share a key (the Kelvin
/// sign lowers to `k`). The syntax is not checked: an invalid address does not find a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Email(pub(crate) String);

/// The address is longer than [`MAX_EMAIL_CHARS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("email has more than {MAX_EMAIL_CHARS} characters")]
pub struct EmailTooLong;

impl Email {
    /// Parses an address as it was typed.
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

    /// Returns the address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = EmailTooLong;

    fn try_from(address: String) -> Result<Self, Self::Error> {
        Self::parse(&address)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn permissions_of_all_roles_are_sorted_and_unique() {
        let role = |permissions: &[&str]| Role {
            id: String::new(),
            name: String::new(),
            description: String::new(),
            permissions: permissions.iter().map(ToString::to_string).collect(),
        };
        let user = User {
            id: "1".into(),
            email: "a@b.c".into(),
            disabled: false,
            version: 0,
            roles: vec![role(&["write", "read"]), role(&["read", "audit"])],
        };
        assert_eq!(user.permissions(), ["audit", "read", "write"]);
    }

    #[test]
    fn a_first_version_is_random_and_below_2_to_the_53() {
        let versions: BTreeSet<u64> = (0..1_000).map(|_| User::first_version().unwrap()).collect();
        assert_eq!(versions.len(), 1_000, "no two are the same");
        let all_bits = versions.iter().fold(0, |bits, version| bits | version);
        assert_eq!(all_bits, (1 << 53) - 1, "every bit is used");
    }

    #[test]
    fn addresses_that_differ_only_in_ascii_case_are_equal() {
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
