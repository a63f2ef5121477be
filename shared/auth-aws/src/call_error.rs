//! Why a call to AWS failed, in terms that an operator can act on.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::cause::cause;

/// The error codes with which AWS services refuse a caller.
const REFUSALS: [&str; 12] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The error codes with which AWS asks the caller to retry later, if the status is not a 5xx.
const OVERLOADS: [&str; 5] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
];

/// What precedes the name of a permission in AWS's messages.
const BEFORE_PERMISSION: &str = "not authorized to perform: ";

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// AWS was not reached, did not respond in time, or is overloaded. The same call may succeed later.
    Unreachable,
    /// A permission is missing, or there are no valid credentials.
    Refused,
    /// No region is configured.
    NoRegion,
    /// Anything else, such as a table that does not exist.
    Other,
}

/// A call to AWS failed. Of a response, `Display` repeats only AWS's error message.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct CallError {
    kind: FailureKind,
    text: String,
    missing_permission: Option<String>,
}

impl CallError {
    /// Returns an error that does not come from the SDK.
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Other,
            text: text.into(),
            missing_permission: None,
        }
    }

    /// Returns the kind of the failure.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Returns the permission that AWS says is missing, such as `dynamodb:GetItem`.
    #[must_use]
    pub fn missing_permission(&self) -> Option<&str> {
        self.missing_permission.as_deref()
    }
}

impl<E: Error + ProvideErrorMetadata + 'static> From<SdkError<E>> for CallError {
    fn from(error: SdkError<E>) -> Self {
        let kind = kind(&error);
        let message = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::message);
        let missing_permission = message.and_then(permission).map(str::to_owned);
        let text = match (kind, &missing_permission, message) {
            (FailureKind::Refused, Some(permission), Some(message)) => {
                format!("the permission {permission} is missing: {message}")
            }
            (FailureKind::Refused, None, Some(message)) => message.to_owned(),
            (FailureKind::Refused, _, None) => {
                format!("there are no valid credentials: {}", cause(&error))
            }
            (FailureKind::NoRegion, _, _) => "no region: use --region or AWS_REGION".into(),
            (FailureKind::Unreachable | FailureKind::Other, _, _) => cause(&error),
        };
        Self {
            kind,
            text,
            missing_permission,
        }
    }
}

fn kind<E: Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> FailureKind {
    match error {
        SdkError::ServiceError(failed) => {
            let code = failed.err().code().unwrap_or_default();
            if REFUSALS.contains(&code) {
                FailureKind::Refused
            } else if OVERLOADS.contains(&code) || failed.raw().status().is_server_error() {
                FailureKind::Unreachable
            } else {
                FailureKind::Other
            }
        }
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => FailureKind::Unreachable,
        // The SDK's clients export no types for this error and for the last one.
        error if cause(error).contains("Missing Region") => FailureKind::NoRegion,
        // Before credentials: a profile with a role gets them from another service.
        error if is_unreachable(error) => FailureKind::Unreachable,
        // All messages about credentials contain the word.
        error if cause(error).contains("credential") => FailureKind::Refused,
        _ => FailureKind::Other,
    }
}

/// Returns whether the error or one of its causes is a connection that failed or timed out.
fn is_unreachable(error: &(dyn Error + 'static)) -> bool {
    let connection = error.downcast_ref::<ConnectorError>();
    connection.is_some_and(|error| error.is_io() || error.is_timeout())
        || error.source().is_some_and(is_unreachable)
}

/// Returns the permission that a message from AWS names.
fn permission(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(BEFORE_PERMISSION)?;
    let permission = rest.split_whitespace().next()?.trim_end_matches('.');
    permission.contains(':').then_some(permission)
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
    use aws_sdk_dynamodb::{
        Client,
        config::{Credentials, SharedCredentialsProvider, http::HttpResponse},
        error::ErrorMetadata,
        operation::get_item::GetItemError,
    };

    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> CallError {
        let metadata = ErrorMetadata::builder().code(code).message(message).build();
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        SdkError::service_error(GetItemError::generic(metadata), response).into()
    }

    #[test]
    fn a_refusal_names_the_missing_permission() {
        let message = "User: arn:aws:iam::123456789012:user/jane is not authorized to perform: \
                       dynamodb:GetItem on resource: arn:aws:dynamodb:eu-central-1:123456789012:table/users \
                       because no identity-based policy allows the dynamodb:GetItem action";
        let error = refused(400, "AccessDeniedException", message);
        assert_eq!(error.kind(), FailureKind::Refused);
        assert_eq!(error.missing_permission(), Some("dynamodb:GetItem"));
        let text = error.to_string();
        assert!(
            text.starts_with("the permission dynamodb:GetItem is missing: User: arn"),
            "{text}"
        );
    }

    #[test]
    fn an_expired_token_is_a_refusal_without_a_permission() {
        let error = refused(
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        );
        assert_eq!(error.kind(), FailureKind::Refused);
        assert_eq!(error.missing_permission(), None);
        assert!(error.to_string().contains("is expired"), "{error}");
    }

    #[test]
    fn an_overloaded_or_failing_service_is_unreachable_and_other_errors_are_not() {
        for (status, code, kind) in [
            (400, "ThrottlingException", FailureKind::Unreachable),
            (500, "InternalServerError", FailureKind::Unreachable),
            (503, "", FailureKind::Unreachable),
            (400, "ResourceNotFoundException", FailureKind::Other),
            (400, "ValidationException", FailureKind::Other),
        ] {
            assert_eq!(refused(status, code, "no").kind(), kind, "{code}");
        }
    }

    fn config() -> aws_config::SdkConfig {
        let credentials = Credentials::new("local", "local", None, None, "tests");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // No one listens on the discard port.
            .endpoint_url("http://127.0.0.1:9")
            .region(Region::new("eu-central-1"))
            .retry_config(RetryConfig::disabled())
            .build()
    }

    #[tokio::test]
    async fn a_refused_connection_is_unreachable() {
        let called = Client::new(&config()).list_tables().send().await;
        let error = CallError::from(called.unwrap_err());
        assert_eq!(error.kind(), FailureKind::Unreachable, "{error}");
    }

    #[tokio::test]
    async fn a_missing_region_is_reported_with_its_remedy() {
        let mut config = config().into_builder();
        config.set_region(None).set_endpoint_url(None);
        let called = Client::new(&config.build()).list_tables().send().await;
        let error = CallError::from(called.unwrap_err());
        assert_eq!(error.kind(), FailureKind::NoRegion, "{error}");
        assert_eq!(error.to_string(), "no region: use --region or AWS_REGION");
    }

    #[tokio::test]
    async fn missing_credentials_are_a_refusal() {
        let config = config()
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(
                aws_config::profile::ProfileFileCredentialsProvider::builder()
                    .profile_name("a profile that does not exist")
                    .build(),
            ));
        let called = Client::new(&config.build()).list_tables().send().await;
        let error = CallError::from(called.unwrap_err());
        assert_eq!(error.kind(), FailureKind::Refused, "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with("there are no valid credentials: "),
            "{text}"
        );
    }
}
