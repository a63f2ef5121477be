//! Users and their roles, as repositories hand them out.

use crate::password::PasswordHash;

/// A person who may sign in. It never carries the password hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id that tokens carry as `sub`; it stays when the address changes.
    pub id: String,
    /// The address as it was registered.
    pub email: String,
    /// A disabled user neither signs in nor is answered by `me`.
    pub disabled: bool,
    /// Raised by one to end all sessions and access tokens of the user: by a logout everywhere, a new
    /// password, and whoever disables the user.
    pub version: u64,
    /// What the user is.
    pub roles: Vec<Role>,
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role's id.
    pub id: String,
    /// The name that tokens carry in `roles`.
    pub name: String,
    /// A sentence for people.
    pub description: String,
    /// What the role allows; tokens carry them in `scope`. Words without spaces
    /// (RFC 6749 section 3.3).
    pub permissions: Vec<String>,
}

/// A user with the hash of the password: what a login needs, and nothing else gets.
#[derive(Debug, Clone)]
pub struct StoredUser {
    /// The user.
    pub user: User,
    /// The hash of the user's password.
    pub password_hash: PasswordHash,
}

impl User {
    /// The names of the roles, as tokens and `me` show them.
    #[must_use]
    pub fn role_names(&self) -> Vec<&str> {
        self.roles.iter().map(|role| role.name.as_str()).collect()
    }

    /// The permissions of all roles, sorted and each once.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_of_all_roles_are_sorted_and_stand_once() {
        let role = |name: &str, permissions: &[&str]| Role {
            id: name.into(),
            name: name.into(),
            description: String::new(),
            permissions: permissions.iter().map(ToString::to_string).collect(),
        };
        let user = User {
            id: "1".into(),
            email: "a@b.c".into(),
            disabled: false,
            version: 0,
            roles: vec![role("A", &["write", "read"]), role("B", &["read", "audit"])],
        };
        assert_eq!(user.permissions(), ["audit", "read", "write"]);
        assert_eq!(user.role_names(), ["A", "B"]);
    }
}
