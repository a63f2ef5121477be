//! The bundle over HTTP: the only place that knows status codes and JSON error bodies.
//!
//! A function finds its endpoint with [`find_endpoint`], parses its body with [`JsonBody`], and returns
//! [`json()`] or an [`ApiError`], all inside [`respond`], which turns errors and panics into responses.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `axum` | `LoggedUser` is an extractor of axum 0.8, and [`ApiError`] is a response |
//! | `tower` | `GuardLayer`, which guards any service |
//! | `live` | `LiveUser` and `LiveBearer` for axum and tower, which also look up the user and the session |
//! | `jwks-url` | `guard_from_env`, which also accepts keys at a URL (`JWT_JWKS_URL`) |
//!
//! No feature is on by default. `Guarded` makes `LoggedUser` and `LiveUser` from the types of auth-core with these
//! names: it adds the realm, which refusals contain.

#[cfg(feature = "axum")]
mod axum;
mod body;
mod document;
mod error;
#[cfg(any(feature = "axum", feature = "tower"))]
mod guard;
mod handler;
#[cfg(feature = "jwks-url")]
mod jwks_url;
#[cfg(feature = "tower")]
mod layer;
mod log;
mod response;

pub use body::{JsonBody, MAX_BODY_BYTES};
pub use document::{Document, hash_document};
pub use error::{ApiError, ValidationError};
#[cfg(any(feature = "axum", feature = "tower"))]
pub use guard::{Guard, Guarded, LoggedUser, Rights};
#[cfg(all(feature = "live", any(feature = "axum", feature = "tower")))]
pub use guard::{LiveBearer, LiveUser};
pub use handler::{Route, deadline_exceeded, find_endpoint, respond};
#[cfg(feature = "jwks-url")]
pub use jwks_url::{GuardError, guard_from, guard_from_env};
#[cfg(feature = "tower")]
pub use layer::{GuardLayer, GuardService};
pub use response::{Response, accepted, json, no_content};
