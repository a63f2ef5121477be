//! The guard as a tower layer, for any service.
//!
//! Start at [`GuardLayer`]. It reads only the headers of a request, never its body.

use std::{
    mem,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, Request};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    error::ApiError,
    guard::{Guard, Guarded},
    handler::respond_with,
};

/// Puts the user of each request into its extensions, or responds itself.
///
/// With a [`JwtBearer`](auth_core::JwtBearer), the extension is a [`LoggedUser`](crate::LoggedUser); with a
/// `LiveBearer`, a `LiveUser`.
#[derive(Debug, Clone)]
pub struct GuardLayer<G> {
    guard: G,
    required: Vec<Right>,
}

#[derive(Debug, Clone, Copy)]
enum Right {
    Permission(&'static str),
    Role(&'static str),
}

impl<G: Guard> GuardLayer<G> {
    /// Returns a layer that lets every authenticated user pass.
    #[must_use]
    pub fn new(guard: G) -> Self {
        Self {
            guard,
            required: Vec::new(),
        }
    }

    /// Lets only users with this permission pass.
    #[must_use]
    pub fn require_permission(mut self, permission: &'static str) -> Self {
        self.required.push(Right::Permission(permission));
        self
    }

    /// Lets only users with this role pass.
    #[must_use]
    pub fn require_role(mut self, role: &'static str) -> Self {
        self.required.push(Right::Role(role));
        self
    }

    async fn authorize(&self, headers: &HeaderMap) -> Result<Guarded<G::User>, ApiError> {
        let user = self.guard.check(headers).await?;
        for right in &self.required {
            match right {
                Right::Permission(permission) => user.require_permission(permission)?,
                Right::Role(role) => user.require_role(role)?,
            }
        }
        Ok(user)
    }
}

impl<S, G: Guard> Layer<S> for GuardLayer<G> {
    type Service = GuardService<S, G>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind a [`GuardLayer`].
#[derive(Debug, Clone)]
pub struct GuardService<S, G> {
    inner: S,
    layer: GuardLayer<G>,
}

impl<S, G, B, R> Service<Request<B>> for GuardService<S, G>
where
    S: Service<Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    G: Guard,
    B: Send + 'static,
    R: From<Vec<u8>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that `poll_ready` has found ready is the one to call; its clone may not be.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        let (mut parts, body) = request.into_parts();
        Box::pin(async move {
            match layer.authorize(&parts.headers).await {
                Ok(user) => {
                    parts.extensions.insert(user);
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(error) => Ok(respond_with(&error, "").map(R::from)),
            }
        })
    }
}
