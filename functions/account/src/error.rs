//! The responses of flows that failed.

use auth_core::{PasswordRefusal, SelfServiceError, SourceNetwork, UnixTime};
use auth_http::{ApiError, ValidationError};
use http::StatusCode;
use serde_json::json;
use tracing::info;

/// The origin of a request. Refused requests can be grouped by it in the log.
pub(crate) struct Origin<'a> {
    pub(crate) network: &'a SourceNetwork,
    /// The id of the signed-in user; `None` if anyone may make the request.
    pub(crate) user_id: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// Returns the origin of a request that anyone may make.
    pub(crate) fn link(network: &'a SourceNetwork) -> Self {
        Self {
            network,
            user_id: None,
        }
    }
}

/// Logs why a flow failed, and returns the response. `password` is the member of the body with the new password,
/// which the policy may refuse. The cause of a failure is logged with the response.
pub(crate) fn respond_to(
    error: SelfServiceError,
    flow: &'static str,
    password: &'static str,
    origin: &Origin<'_>,
    now: UnixTime,
) -> ApiError {
    let (network, user_id) = (origin.network.prefix(), origin.user_id);
    info!(outcome = outcome(&error), flow, network, user_id, reason = %error, "account");
    match error {
        SelfServiceError::InvalidLink(_) => {
            ApiError::new(StatusCode::BAD_REQUEST, "Invalid or expired link")
        }
        SelfServiceError::Password(refusal) => refused(refusal, password),
        SelfServiceError::WrongPassword => {
            ApiError::InvalidCredentials("Invalid email or password")
        }
        SelfServiceError::TooManyAttempts { until } => ApiError::TooManyAttempts {
            retry_after: until.since(now),
        },
        SelfServiceError::ChangedRecently => {
            ApiError::new(StatusCode::CONFLICT, "Email was changed recently")
        }
        SelfServiceError::Ended => ApiError::SessionEnded,
        SelfServiceError::Repository(error) => error.into(),
        SelfServiceError::Hashing(error) => error.into(),
        SelfServiceError::Signing(error) => error.into(),
    }
}

/// Returns the name of an outcome, as it is logged.
fn outcome(error: &SelfServiceError) -> &'static str {
    match error {
        SelfServiceError::InvalidLink(_) => "InvalidLink",
        SelfServiceError::Password(_) => "PasswordRefused",
        SelfServiceError::WrongPassword => "WrongPassword",
        SelfServiceError::TooManyAttempts { .. } => "TooManyAttempts",
        SelfServiceError::ChangedRecently => "ChangedRecently",
        SelfServiceError::Ended => "Ended",
        SelfServiceError::Repository(_)
        | SelfServiceError::Hashing(_)
        | SelfServiceError::Signing(_) => "Failed",
    }
}

/// Returns the 422 for a password that the policy refuses. Pydantic has a message only for the first rule; for the
/// others, clients translate the name.
fn refused(refusal: PasswordRefusal, member: &'static str) -> ApiError {
    let rejection = format!("The password is rejected: {refusal}");
    let (kind, msg) = match refusal {
        PasswordRefusal::TooShort { min_chars } => (
            "string_too_short",
            format!("String should have at least {min_chars} characters"),
        ),
        PasswordRefusal::Context { .. } => ("password_context", rejection),
        PasswordRefusal::Common => ("password_common", rejection),
    };
    invalid(member, kind, msg)
}

/// Returns the 422 for an address that no email can be sent to.
pub(crate) fn invalid_email(member: &'static str) -> ApiError {
    invalid(
        member,
        "value_error",
        "value is not a valid email address".to_owned(),
    )
}

fn invalid(member: &'static str, kind: &'static str, msg: String) -> ApiError {
    ApiError::Validation(vec![ValidationError {
        kind,
        loc: vec![json!("body"), json!(member)],
        msg,
    }])
}
