//! The bundle over HTTP: the only place that knows status codes and JSON error bodies.
//!
//! A function finds its endpoint with [`find_endpoint`], parses its body with [`JsonBody`], and returns
//! [`json()`] or an [`ApiError`], all inside [`respond`], which turns errors and panics into responses.

mod body;
mod error;
mod handler;
mod log;
mod response;

pub use body::{JsonBody, MAX_BODY_BYTES};
pub use error::{ApiError, ValidationError};
pub use handler::{Route, deadline_exceeded, find_endpoint, respond};
pub use response::{Response, json, no_content};
