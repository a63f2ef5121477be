//! The guard for axum 0.8: users as extractors, and errors as responses.
//!
//! A handler that takes a [`LoggedUser`] compiles only with a state that has a [`JwtBearer`], one that takes a
//! `LiveUser` only with a `LiveBearer`. This module depends on `axum-core` only.

use auth_core::JwtBearer;
use axum_core::{
    body::Body,
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Response},
};
use http::request::Parts;

#[cfg(feature = "live")]
use crate::guard::{LiveBearer, LiveUser};
use crate::{
    error::ApiError,
    guard::{Guard, LoggedUser},
    handler::respond_with,
};

/// Checks the token of the request. A refusal is the response.
impl<S> FromRequestParts<S> for LoggedUser
where
    S: Send + Sync,
    JwtBearer: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        JwtBearer::from_ref(state).check(&parts.headers).await
    }
}

/// Checks the token of the request, then its user and session in the store. A refusal is the response.
#[cfg(feature = "live")]
impl<S> FromRequestParts<S> for LiveUser
where
    S: Send + Sync,
    LiveBearer: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        LiveBearer::from_ref(state).check(&parts.headers).await
    }
}

/// With a live guard as their state, handlers can take either user.
#[cfg(feature = "live")]
impl FromRef<LiveBearer> for JwtBearer {
    fn from_ref(live: &LiveBearer) -> Self {
        live.bearer().clone()
    }
}

/// Logs the error, once, and returns its response. An error of a guard contains the guard's realm. For other errors
/// whose response has a challenge, set the realm with [`ApiError::in_realm`]; otherwise it is empty.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        respond_with(&self, "").map(Body::from)
    }
}
