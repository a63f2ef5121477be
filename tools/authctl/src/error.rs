//! Why a command failed, and the exit code by which a script can react.

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use auth_aws::{CallError, FailureKind, SecretError, StackError, rfc3339};
use auth_core::{
    DirectoryError, HashingError, KeyChangeError, KeysUnavailable, PasswordTooLong, Refusal,
    RepositoryError, SessionId, SettingsError, SigningError, UnixTime,
};

/// Why a command failed. Unless the store failed, or an import was interrupted, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(
        "name the store: use --table NAME, --stack NAME or --file PATH, or set AUTH_STACK, AUTH_TABLE or \
         AUTH_STORE=file"
    )]
    NoStore,
    #[error("use only one of --table, --stack and --file")]
    TwoStores,
    #[error("AUTH_STACK and {0} both name a store: unset one, or use --table, --stack or --file")]
    TwoVariables(&'static str),
    #[error(
        "the counter key is needed: use --stack NAME, or set COUNTER_KEY_SECRET_ID or \
         COUNTER_SECRET_KEY"
    )]
    NoCounterKey,
    #[error("the private keys are in a secret: use --stack NAME, or set JWT_KEYS_SECRET_ID")]
    NoKeysSecret,
    #[error(
        "the stack has no parameter JwtAlgorithm, so its keys are those of an earlier version: deploy it first"
    )]
    NoAlgorithm,
    #[error(
        "keys stay public until their tokens have expired: use --stack NAME, or set JWT_EXPIRATION as for the functions"
    )]
    NoExpiration,
    #[error("only a stack has a queue of emails: use --stack NAME")]
    NoMailQueue,
    #[error("no email can be sent to this address")]
    NoMail,
    #[error("the queue of emails failed: {0}")]
    MailQueue(#[from] CallError),
    #[error("{}", change_text(.0))]
    KeyChange(#[from] KeyChangeError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the counter key cannot be used: {0}")]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("{0} already exists; nothing was changed")]
    AlreadyExists(String),
    #[error("{email} is held for another user until {}; nothing was changed", rfc3339(*.until))]
    Held { email: String, until: UnixTime },
    #[error("{0} was invited a moment ago, or several times today: try again in an hour")]
    InvitedRecently(String),
    #[error(
        "the roles are too long for a link; add the user with fewer roles, and set the others later"
    )]
    TooManyRoles,
    #[error("there is no user {0}")]
    NotFound(String),
    #[error("{email} has no session {id}")]
    NoSession { email: String, id: SessionId },
    #[error("{}", with_cause(.0))]
    Repository(#[from] RepositoryError),
    #[error("the password is rejected: {0}")]
    Password(String),
    #[error("the password is rejected: {0}")]
    PasswordTooLong(#[from] PasswordTooLong),
    #[error("the role {role} is rejected: {reason}")]
    Role { role: String, reason: &'static str },
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("no randomness is available")]
    NoRandomness,
    #[error("not confirmed: nothing was changed")]
    NotConfirmed,
    #[error("cannot ask for confirmation without a terminal: use --yes")]
    NoTerminal,
    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },
    #[error("bad lines skipped: {0}")]
    BadLines(u64),
    #[error("failed checks: {0}")]
    FailedChecks(usize),
}

/// Returns the text of a store's failure with its cause, which an operator can act on.
fn with_cause(error: &RepositoryError) -> String {
    match (error, failure(error)) {
        (RepositoryError::Malformed(_), _) => error.to_string(),
        (RepositoryError::Unavailable(cause), FailureKind::Unreachable) => {
            format!("{error}: {cause}")
        }
        (RepositoryError::Unavailable(cause), FailureKind::Refused) => {
            format!("access to the store is refused: {cause}")
        }
        (RepositoryError::Unavailable(cause), FailureKind::NoRegion) => cause.to_string(),
        (RepositoryError::Unavailable(cause), FailureKind::Other) => {
            format!("the store failed: {cause}")
        }
    }
}

/// Returns the text of a change of the keys that failed, with what an operator can do.
fn change_text(error: &KeyChangeError) -> String {
    match error {
        KeyChangeError::Refused(Refusal::StandbyTooNew { ready_at, .. }) => {
            format!("{error} ({}), or at once with --now", rfc3339(*ready_at))
        }
        KeyChangeError::Refused(Refusal::NoKeys | Refusal::NoStandby) => {
            format!("{error}: run `authctl keys repair` to create what is missing")
        }
        KeyChangeError::Conflict => {
            format!("{error}: run `authctl keys list`, and try again if the change is still needed")
        }
        KeyChangeError::Incomplete(_) => format!("{error}; run `authctl keys repair`"),
        KeyChangeError::Refused(
            Refusal::UnknownKey(_)
            | Refusal::Imported(_)
            | Refusal::OtherAlgorithm(_)
            | Refusal::Generation(_),
        ) => error.to_string(),
        KeyChangeError::Private(error) => format!("private keys: {}", with_cause(error)),
        KeyChangeError::Published(error) => format!("published keys: {}", with_cause(error)),
    }
}

/// Returns the exit code of a change of the keys that failed.
fn change_code(error: &KeyChangeError) -> u8 {
    match error {
        KeyChangeError::Refused(Refusal::UnknownKey(_) | Refusal::NoKeys) => 4,
        KeyChangeError::Refused(
            Refusal::NoStandby
            | Refusal::StandbyTooNew { .. }
            | Refusal::Imported(_)
            | Refusal::OtherAlgorithm(_)
            | Refusal::Generation(_),
        ) => 1,
        KeyChangeError::Conflict => 9,
        KeyChangeError::Private(error) | KeyChangeError::Published(error) => {
            code_for(failure(error))
        }
        // Code 9 would mean that nothing was changed.
        KeyChangeError::Incomplete(cause) if matches!(**cause, KeyChangeError::Conflict) => 1,
        KeyChangeError::Incomplete(cause) => change_code(cause),
    }
}

/// Returns how a store failed.
fn failure(error: &RepositoryError) -> FailureKind {
    let RepositoryError::Unavailable(cause) = error else {
        return FailureKind::Other;
    };
    if let Some(error) = cause.downcast_ref::<CallError>() {
        return error.kind();
    }
    let file = cause.downcast_ref::<io::Error>();
    if file.is_some_and(|error| error.kind() == ErrorKind::PermissionDenied) {
        return FailureKind::Refused;
    }
    FailureKind::Unreachable
}

impl CommandError {
    /// Returns what went wrong with the user of an address.
    pub(crate) fn for_user(address: &str, error: DirectoryError) -> Self {
        match error {
            DirectoryError::AlreadyExists => Self::AlreadyExists(address.to_owned()),
            DirectoryError::NotFound => Self::NotFound(address.to_owned()),
            DirectoryError::Repository(error) => error.into(),
        }
    }

    /// Returns a function that names what an I/O error happened to.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |error| Self::Io { what, error }
    }

    /// Returns the exit code, which the help of `cli` documents. Clap's own errors have 2.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NoStore
            | Self::TwoStores
            | Self::TwoVariables(_)
            | Self::NoCounterKey
            | Self::NoKeysSecret
            | Self::NoMailQueue
            | Self::NoExpiration => 2,
            Self::AlreadyExists(_) | Self::Held { .. } => 3,
            Self::NotFound(_) | Self::NoSession { .. } => 4,
            Self::BadLines(_) => 5,
            Self::NotConfirmed | Self::NoTerminal => 8,
            Self::Repository(error) => code_for(failure(error)),
            Self::KeyChange(error) => change_code(error),
            Self::MailQueue(error)
            | Self::Stack(StackError::Unreadable(error))
            | Self::Secret(SecretError::Unreadable(error)) => code_for(error.kind()),
            Self::Stack(StackError::NoOutput(_))
            | Self::NoAlgorithm
            | Self::NoMail
            | Self::InvitedRecently(_)
            | Self::TooManyRoles
            | Self::Settings(_)
            | Self::Secret(SecretError::Rejected(_))
            | Self::Keys(_)
            | Self::Password(_)
            | Self::PasswordTooLong(_)
            | Self::Role { .. }
            | Self::Hashing(_)
            | Self::Signing(_)
            | Self::NoRandomness
            | Self::Io { .. }
            | Self::FailedChecks(_) => 1,
        })
    }
}

fn code_for(failure: FailureKind) -> u8 {
    match failure {
        FailureKind::Unreachable => 6,
        FailureKind::Refused => 7,
        FailureKind::NoRegion => 2,
        FailureKind::Other => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommandError {
        RepositoryError::Unavailable(cause.into()).into()
    }

    #[test]
    fn a_file_that_may_not_be_read_is_refused_and_any_other_is_unreachable() {
        for (kind, code, text) in [
            (
                ErrorKind::PermissionDenied,
                7,
                "access to the store is refused: no",
            ),
            (
                ErrorKind::NotADirectory,
                6,
                "the store cannot be reached: no",
            ),
        ] {
            let error = unavailable(io::Error::new(kind, "no"));
            assert_eq!(error.exit_code(), ExitCode::from(code));
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn a_store_that_fails_without_a_known_reason_is_unreachable() {
        assert_eq!(unavailable("no").exit_code(), ExitCode::from(6));
    }

    #[test]
    fn a_damaged_store_is_a_failure() {
        let error = CommandError::from(RepositoryError::Malformed("x".into()));
        assert_eq!(error.exit_code(), ExitCode::from(1));
    }
}
