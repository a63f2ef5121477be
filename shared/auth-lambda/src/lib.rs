//! Runs services and handlers on AWS Lambda. The only crate that imports `lambda_http` and `lambda_runtime`.
//!
//! A function's `main` starts its logs with [`init_logs`], reads its settings from [`environment`], passes
//! its handler to [`run_handler`], or a tower service such as an axum router to [`run`], and returns [`StartError`]
//! if anything fails.

mod deadline;
mod event;
mod events;
mod log;
mod service;

use std::{convert::Infallible, error::Error, fmt, future::Future};

use auth_core::SettingsReader;
use auth_http::Response;
use event::SanitizedEvents;
use lambda_http::{Adapter, Body, Request, service_fn};
use log::RequestLine;
use tracing::Instrument;

pub use event::request;
pub use events::{EventError, run_events};
pub use log::init as init_logs;
pub use service::run;

/// The variables that the Lambda runtime requires. `cargo lambda watch` sets these variables too.
const RUNTIME_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// The function did not start, or ended. Any error converts into it and is logged at that moment, because
/// with JSON logs Lambda drops lines in any other format.
pub struct StartError;

impl<E: Error> From<E> for StartError {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            reason = format!("{reason}: {error}");
            source = error.source();
        }
        tracing::error!(reason, "the function did not start");
        Self
    }
}

/// What Rust prints when `main` returns the error.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function ended; the log says why")
    }
}

/// Returns a reader of the environment. Outside of Lambda and `cargo lambda watch` it reports a problem,
/// because [`run_handler`] would panic there.
#[must_use]
pub fn environment() -> SettingsReader<'static> {
    let mut reader = SettingsReader::from_env();
    for name in RUNTIME_VARIABLES {
        if !reader.is_set(name) {
            reader.problem::<()>(
                name,
                "is set by AWS Lambda and by `cargo lambda watch`: start the function with one of them",
            );
        }
    }
    reader
}

/// Serves events until Lambda ends the process. A handler that has not finished shortly before Lambda would
/// end the request is dropped, and the response is a 503.
///
/// # Errors
///
/// [`StartError`] if the Lambda runtime ends.
pub async fn run_handler<'a, H, F>(handler: H) -> Result<(), StartError>
where
    H: Fn(Request) -> F + Send + 'a,
    F: Future<Output = Response> + Send + 'a,
{
    let is_local = log::is_local();
    if is_local {
        log::started();
    }
    let service = service_fn(move |mut request| {
        let (time_left, span) = (deadline::time_left(&request), log::request_span(&request));
        let line = is_local.then(|| RequestLine::begin(&request));
        event::add_source_network(&mut request);
        let response = handler(request);
        async move {
            let response = deadline::respond_in(time_left, response).await;
            if let Some(line) = line {
                line.end(response.status());
            }
            Ok::<_, Infallible>(response.map(Body::from))
        }
        .instrument(span)
    });
    let service = SanitizedEvents::new(Adapter::from(service));
    lambda_runtime::run(service)
        .await
        .map_err(|error| ended(&error))
}

/// Logs why the Lambda runtime ended.
fn ended(error: &lambda_runtime::Error) -> StartError {
    tracing::error!(error, "the Lambda runtime ended");
    StartError
}
