//! The user of a verified token. Only the guard creates a [`LoggedUser`], so a function that has one
//! as a parameter cannot be called without the guard.

use crate::id::SessionId;

/// The user of a request, as described by its token. With the feature `sign-in`,
/// `LiveUser` is the one as stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedUser {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) session_id: SessionId,
}

/// The user is authenticated but not allowed to do this (RFC 6750 section 3.1, `insufficient_scope`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not enough permissions")]
pub struct Forbidden {
    /// The missing permission; `None` if a role is missing.
    pub scope: Option<String>,
}

impl Forbidden {
    pub(crate) fn permission(permission: &str) -> Self {
        Self {
            scope: Some(permission.to_owned()),
        }
    }
}

impl LoggedUser {
    /// Returns the user's id, the `sub` of the token.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the address at the time when the token was issued.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Returns the names of the roles at the time when the token was issued.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Returns the permissions at the time when the token was issued, its `scope`.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Returns the session of the token, its `sid`.
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }

    /// Checks that the user has a permission.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] with the permission if the user does not have it.
    pub fn require_permission(&self, permission: &str) -> Result<(), Forbidden> {
        if self.permissions.iter().any(|own| own == permission) {
            return Ok(());
        }
        Err(Forbidden::permission(permission))
    }

    /// Checks that the user has a role.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] if the user does not have it.
    pub fn require_role(&self, role: &str) -> Result<(), Forbidden> {
        if self.roles.iter().any(|own| own == role) {
            return Ok(());
        }
        Err(Forbidden { scope: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> LoggedUser {
        LoggedUser {
            id: "1".into(),
            email: "a@b.c".into(),
            roles: vec!["Admin".into()],
            permissions: vec!["create".into(), "read".into()],
            session_id: SessionId::from_bytes([0; 16]),
        }
    }

    #[test]
    fn a_permission_and_a_role_that_the_user_has_pass() {
        assert_eq!(user().require_permission("read"), Ok(()));
        assert_eq!(user().require_role("Admin"), Ok(()));
    }

    #[test]
    fn a_missing_permission_or_part_of_a_name_does_not_pass() {
        for permission in ["delete", "rea", "read ", "READ", "create read", ""] {
            let error = user().require_permission(permission).unwrap_err();
            assert_eq!(error.scope.as_deref(), Some(permission));
        }
        for role in ["admin", "Adm", "", "Editor"] {
            assert_eq!(user().require_role(role), Err(Forbidden { scope: None }));
        }
    }
}
