//! The guard that looks up the user and the session of each token. Start at [`LiveBearer`].

use std::{fmt, sync::Arc};

use auth_core::{Forbidden, JwtBearer, LiveError, LiveRepository};
use futures_util::future::BoxFuture;
use http::HeaderMap;

use super::{Guard, Guarded, Rights, guarded};
use crate::error::ApiError;

/// The user of a request, as stored now: [`auth_core::LiveUser`], whose methods it has.
pub type LiveUser = Guarded<auth_core::LiveUser>;

impl Rights for auth_core::LiveUser {
    fn require_permission(&self, permission: &str) -> Result<(), Forbidden> {
        self.require_permission(permission)
    }

    fn require_role(&self, role: &str) -> Result<(), Forbidden> {
        self.require_role(role)
    }
}

/// A [`JwtBearer`] with the store in which it looks up users and sessions.
#[derive(Clone)]
pub struct LiveBearer {
    bearer: JwtBearer,
    store: Arc<dyn Lookup>,
}

impl LiveBearer {
    /// Returns a live guard on a store.
    #[must_use]
    pub fn new(bearer: JwtBearer, store: impl LiveRepository + 'static) -> Self {
        Self {
            bearer,
            store: Arc::new(store),
        }
    }

    /// Returns the guard that checks only the token.
    #[must_use]
    pub fn bearer(&self) -> &JwtBearer {
        &self.bearer
    }
}

impl Guard for LiveBearer {
    type User = auth_core::LiveUser;

    async fn check(&self, headers: &HeaderMap) -> Result<LiveUser, ApiError> {
        let user = self.store.authenticate(&self.bearer, headers).await;
        guarded(self.bearer.realm(), user)
    }
}

impl fmt::Debug for LiveBearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("LiveBearer");
        fields.field("bearer", &self.bearer).finish_non_exhaustive()
    }
}

/// A [`LiveRepository`] of any type, so that handlers need not name it.
trait Lookup: Send + Sync {
    fn authenticate<'a>(
        &'a self,
        bearer: &'a JwtBearer,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, Result<auth_core::LiveUser, LiveError>>;
}

impl<R: LiveRepository> Lookup for R {
    fn authenticate<'a>(
        &'a self,
        bearer: &'a JwtBearer,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, Result<auth_core::LiveUser, LiveError>> {
        Box::pin(bearer.authenticate_live(headers, self))
    }
}
