//! Runs a handler on AWS Lambda: the only crate that imports `lambda_http`.
//!
//! A function's `main` starts its logs with [`init_logs`], reads its settings, ends with [`refuse`]
//! where they are bad, and hands its handler to [`run`].

mod event;
mod log;

use std::{convert::Infallible, future::Future, process::ExitCode};

use auth_core::SettingsError;
use auth_http::Response;
use event::PlainEvents;
use lambda_http::{Adapter, Request, service_fn};

pub use event::request;
pub use log::init as init_logs;

/// Ends a start whose settings were refused: one message on standard error, and a code for `main`
/// that is not zero.
#[must_use]
pub fn refuse(error: &SettingsError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

/// Serves events until Lambda ends the process. The code is for `main` to return.
pub async fn run<'a, H, F>(handler: H) -> ExitCode
where
    H: Fn(Request) -> F + Send + 'a,
    F: Future<Output = Response> + Send + 'a,
{
    let answers = service_fn(move |request| {
        let response = handler(request);
        async { Ok::<_, Infallible>(response.await) }
    });
    match lambda_runtime::run(PlainEvents::new(Adapter::from(answers))).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}
