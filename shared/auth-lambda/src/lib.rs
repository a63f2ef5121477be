//! Runs a handler on AWS Lambda: the only crate that imports `lambda_http`.
//!
//! A function's `main` starts its logs with [`init_logs`], reads its settings from [`environment`],
//! ends with [`refuse`] where they are bad, and hands its handler to [`run`].

mod deadline;
mod event;
mod log;

use std::{convert::Infallible, fmt::Display, future::Future, process::ExitCode};

use auth_core::SettingsReader;
use auth_http::Response;
use event::PlainEvents;
use lambda_http::{Adapter, Request, service_fn};

pub use event::request;
pub use log::init as init_logs;

/// What the Lambda runtime cannot do without. `cargo lambda watch` sets them too.
const RUNTIME_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// A reader of the process's environment. In a process that no Lambda runtime has started it has
/// a problem at once; [`run`] would panic there.
#[must_use]
pub fn environment() -> SettingsReader<'static> {
    let mut reader = SettingsReader::from_env();
    for name in RUNTIME_VARIABLES {
        if !reader.is_set(name) {
            reader.problem::<()>(
                name,
                "is set by AWS Lambda and by `cargo lambda watch`: start the function there",
            );
        }
    }
    reader
}

/// Ends a start that failed: one message on standard error, and a code for `main` that is not zero.
#[must_use]
pub fn refuse(error: &impl Display) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

/// Serves events until Lambda ends the process. A handler that is still at work shortly before
/// Lambda would end the request is dropped, and the answer is a 503. The code is for `main` to
/// return.
pub async fn run<'a, H, F>(handler: H) -> ExitCode
where
    H: Fn(Request) -> F + Send + 'a,
    F: Future<Output = Response> + Send + 'a,
{
    let answers = service_fn(move |mut request| {
        let left = deadline::time_left(&request);
        event::add_source(&mut request);
        let response = handler(request);
        async move { Ok::<_, Infallible>(deadline::within(left, response).await) }
    });
    match lambda_runtime::run(PlainEvents::new(Adapter::from(answers))).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}
