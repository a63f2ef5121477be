//! Why an event fails.

use auth_aws::CallError;
use auth_core::{KeyChangeError, ProbeError, Refusal, RepositoryError};

/// An event was not handled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The function does not know the event.
    #[error(
        "unknown event: expected a custom resource, a step of a rotation, or {{\"action\": \"list\" | \"rotate\" | \
         \"revoke\" | \"repair\" | \"check\"}} with its members"
    )]
    Event,
    /// The rotation is about another secret.
    #[error("the event names a secret other than JWT_KEYS_SECRET_ID")]
    OtherSecret,
    /// The rotation has no keys yet.
    #[error("version {0} has no pending keys: createSecret must run first")]
    NoPending(String),
    /// The keys were changed after the rotation began.
    #[error("the keys were changed after this rotation began, and its pending version was dropped")]
    Stale,
    /// A change failed.
    #[error(transparent)]
    Change(#[from] KeyChangeError),
    /// A pending version cannot be read or stored.
    #[error("the pending version cannot be read or stored: {}", .0.cause())]
    Pending(#[from] RepositoryError),
    /// A token signed with a key would be rejected.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The stores respond, but too slowly for `CloudFormation`.
    #[error("the secret or the table responds too slowly; the next deploy tries again")]
    TooSlow,
    /// `CloudFormation` did not receive the result.
    #[error("CloudFormation did not receive the result: {0}")]
    Callback(#[source] CallError),
}

impl KeysError {
    /// Returns the name of the failure, which operators and their tools can compare.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Event => "UnknownEvent",
            Self::OtherSecret => "OtherSecret",
            Self::NoPending(_) => "NoPending",
            Self::Stale => "Stale",
            Self::Change(error) => kind_of_change(error),
            Self::Pending(_) => "PrivateKeysUnavailable",
            Self::Probe(_) => "ProbeFailed",
            Self::TooSlow => "TooSlow",
            Self::Callback(_) => "CallbackFailed",
        }
    }
}

fn kind_of_change(error: &KeyChangeError) -> &'static str {
    match error {
        KeyChangeError::Refused(refusal) => kind_of_refusal(refusal),
        KeyChangeError::Conflict => "Conflict",
        KeyChangeError::Private(_) => "PrivateKeysUnavailable",
        KeyChangeError::Published(_) => "PublishedKeysUnavailable",
        KeyChangeError::Incomplete(_) => "Incomplete",
    }
}

fn kind_of_refusal(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoKeys => "NoKeys",
        Refusal::NoStandby => "NoStandby",
        Refusal::StandbyTooNew { .. } => "StandbyTooNew",
        Refusal::UnknownKey(_) => "UnknownKey",
        Refusal::Imported(_) | Refusal::OtherAlgorithm(_) => "Imported",
        Refusal::Generation(_) => "Generation",
    }
}
