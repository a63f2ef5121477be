//! Runs a handler for events other than API requests: any JSON in, any JSON out.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tracing::Instrument;

use crate::{StartError, ended, log};

/// An event was not handled. Lambda counts it as an error of the function, and its caller receives both parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventError {
    /// The name of the failure.
    pub kind: &'static str,
    /// What went wrong.
    pub reason: String,
}

impl From<EventError> for Diagnostic {
    fn from(error: EventError) -> Self {
        Self {
            error_type: error.kind.to_owned(),
            error_message: error.reason,
        }
    }
}

/// Serves events until Lambda ends the process. A panic becomes an error of the function. Its text is left out,
/// because it may repeat the input.
///
/// # Errors
///
/// [`StartError`] if the Lambda runtime ends.
pub async fn run_events<'a, H, F>(handler: H) -> Result<(), StartError>
where
    H: Fn(Value) -> F + Send + 'a,
    F: Future<Output = Result<Value, EventError>> + Send + 'a,
{
    let service = service_fn(|event: LambdaEvent<Value>| {
        // Only API Gateway sends one.
        let api_request_id = event.payload["requestContext"]["requestId"].as_str();
        let span = log::event_span(Some(&event.context), api_request_id);
        // A handler that panicked is dropped completely, so nothing sees the state that it left.
        // It is boxed, because the layers of the runtime would move its large future.
        let result = AssertUnwindSafe(Box::pin(handler(event.payload))).catch_unwind();
        async { result.await.unwrap_or_else(|_panic| Err(panicked())) }.instrument(span)
    });
    lambda_runtime::run(service)
        .await
        .map_err(|error| ended(&error))
}

fn panicked() -> EventError {
    EventError {
        kind: "Panic",
        reason: "the function panicked; its log has the location".to_owned(),
    }
}
