//! Guards as frameworks use them, and the users that they return, with the realm for refusals.
//!
//! Start at [`LoggedUser`], the user of a token. `live` has the user as stored now. Only the guards create them, so a
//! handler that has one as a parameter cannot be called without a guard.

#[cfg(feature = "live")]
mod live;

use std::{future::Future, ops::Deref};

use auth_core::{Forbidden, JwtBearer};
use http::HeaderMap;

use crate::error::ApiError;

#[cfg(feature = "live")]
pub use live::{LiveBearer, LiveUser};

/// A user and the realm of the guard that authenticated it. A refusal names the realm in its `WWW-Authenticate`
/// header (RFC 9110 section 11.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded<U> {
    user: U,
    realm: String,
}

/// The user of a request, as described by its token: [`auth_core::LoggedUser`], whose methods it has.
pub type LoggedUser = Guarded<auth_core::LoggedUser>;

impl<U> Deref for Guarded<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.user
    }
}

impl<U: Rights> Guarded<U> {
    /// Checks that the user has a permission.
    ///
    /// # Errors
    ///
    /// [`ApiError::Forbidden`] in the guard's realm if the user does not have it.
    pub fn require_permission(&self, permission: &str) -> Result<(), ApiError> {
        let checked = self.user.require_permission(permission);
        checked.map_err(|forbidden| ApiError::from(forbidden).in_realm(&self.realm))
    }

    /// Checks that the user has a role.
    ///
    /// # Errors
    ///
    /// [`ApiError::Forbidden`] in the guard's realm if the user does not have it.
    pub fn require_role(&self, role: &str) -> Result<(), ApiError> {
        let checked = self.user.require_role(role);
        checked.map_err(|forbidden| ApiError::from(forbidden).in_realm(&self.realm))
    }
}

/// A user with permissions and roles.
pub trait Rights {
    /// Checks that the user has a permission.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] with the permission if the user does not have it.
    fn require_permission(&self, permission: &str) -> Result<(), Forbidden>;

    /// Checks that the user has a role.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] if the user does not have it.
    fn require_role(&self, role: &str) -> Result<(), Forbidden>;
}

impl Rights for auth_core::LoggedUser {
    fn require_permission(&self, permission: &str) -> Result<(), Forbidden> {
        self.require_permission(permission)
    }

    fn require_role(&self, role: &str) -> Result<(), Forbidden> {
        self.require_role(role)
    }
}

/// A level of guarding: [`JwtBearer`] checks the token, `LiveBearer` also the user and the session.
pub trait Guard: Clone + Send + Sync + 'static {
    /// The user that the guard returns.
    type User: Rights + Clone + Send + Sync + 'static;

    /// Checks the bearer token of a request and returns its user.
    ///
    /// # Errors
    ///
    /// [`ApiError`] in the guard's realm.
    fn check(
        &self,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Guarded<Self::User>, ApiError>> + Send;
}

impl Guard for JwtBearer {
    type User = auth_core::LoggedUser;

    async fn check(&self, headers: &HeaderMap) -> Result<LoggedUser, ApiError> {
        guarded(self.realm(), self.authenticate(headers).await)
    }
}

/// Adds the realm to the user or to the error.
fn guarded<U>(realm: &str, user: Result<U, impl Into<ApiError>>) -> Result<Guarded<U>, ApiError> {
    match user {
        Ok(user) => Ok(Guarded {
            user,
            realm: realm.to_owned(),
        }),
        Err(error) => Err(error.into().in_realm(realm)),
    }
}
