//! Sends a result to a presigned URL, such as the response URL of a custom resource.

use std::{env, time::Duration};

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};

use crate::{call_error::CallError, cause::cause, http};

/// The number of attempts.
const MAX_ATTEMPTS: u32 = 3;

/// The time limit of an attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// An HTTP client for such results, with the same roots as the calls to AWS.
#[derive(Debug)]
pub struct Callback(Connector);

impl Callback {
    /// Returns a client that trusts the roots that the environment requires.
    #[must_use]
    pub fn from_env() -> Self {
        Self(http::connector(|name| env::var(name).ok()))
    }

    /// Puts `body` to `url`. The URL is a secret, so no error contains it.
    ///
    /// # Errors
    ///
    /// [`CallError`] of the last attempt.
    pub async fn put(&self, url: &str, body: &str) -> Result<(), CallError> {
        let mut result = self.put_once(url, body).await;
        for _ in 1..MAX_ATTEMPTS {
            if result.is_ok() {
                break;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
            result = self.put_once(url, body).await;
        }
        result
    }

    async fn put_once(&self, url: &str, body: &str) -> Result<(), CallError> {
        // No content type: the signature of the URL covers an empty one.
        let mut request: HttpRequest = HttpRequest::new(body.to_owned().into());
        let invalid = || CallError::other("the URL is not valid");
        request.set_method("PUT").map_err(|_| invalid())?;
        request.set_uri(url).map_err(|_| invalid())?;
        let status = tokio::time::timeout(ATTEMPT_TIMEOUT, self.0.call(request))
            .await
            .map_err(|_| CallError::other("no response in time"))?
            .map_err(|error| CallError::other(cause(&error)))?
            .status();
        if status.is_success() {
            return Ok(());
        }
        let status = status.as_u16();
        Err(CallError::other(format!("the status is {status}")))
    }
}
