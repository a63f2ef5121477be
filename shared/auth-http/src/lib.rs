//! What the functions say over HTTP: the one place that knows status codes and JSON error bodies.
//!
//! A function finds its endpoint with [`find`], reads its body with [`JsonBody`], returns
//! [`ok`] or an [`ApiError`], and wraps it all in [`answer()`], which turns errors into
//! answers and a panic into a plain 500.

mod answer;
mod body;
mod error;
mod log;
mod route;

pub use answer::{Response, answer, deadline_exceeded, no_content, ok};
pub use body::{JsonBody, MAX_BODY_BYTES};
pub use error::{ApiError, ValidationError};
pub use route::{Route, find};
