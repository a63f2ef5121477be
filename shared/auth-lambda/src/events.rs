//! Runs a handler for events other than API requests: any JSON in, any JSON out.

use std::future::Future;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use crate::{StartError, ended};

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

/// Serves events until Lambda ends the process.
///
/// # Errors
///
/// [`StartError`] if the Lambda runtime ends.
pub async fn run_events<'a, H, F>(handler: H) -> Result<(), StartError>
where
    H: Fn(Value) -> F + Send + 'a,
    F: Future<Output = Result<Value, EventError>> + Send + 'a,
{
    let service = service_fn(|event: LambdaEvent<Value>| handler(event.payload));
    lambda_runtime::run(service)
        .await
        .map_err(|error| ended(&error))
}
