//! Why a command failed, and the exit code by which a script can react.

use std::{io, process::ExitCode};

use auth_aws::{SecretError, StackError};
use auth_core::{
    DirectoryError, HashingError, KeysUnavailable, PasswordTooLong, RepositoryError, SessionId,
    SettingsError,
};

/// Why a command failed. Unless the store failed, or an import was interrupted, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(
        "name the store: use --table NAME, --stack NAME or --file PATH, or set AUTH_TABLE or \
         AUTH_STORE=file"
    )]
    NoStore,
    #[error("use only one of --table, --stack and --file")]
    TwoStores,
    #[error(
        "attempts are counted under a key: use --stack NAME, or set COUNTER_KEY_SECRET_ID or \
         COUNTER_SECRET_KEY"
    )]
    NoCounterKey,
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
    #[error("no randomness is available")]
    NoRandomness,
    #[error("nothing was deleted")]
    NotConfirmed,
    #[error("cannot ask for confirmation without a terminal: use --yes")]
    NoTerminal,
    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },
    #[error("bad lines skipped: {0}")]
    BadLines(u64),
}

/// Returns the text of a store's failure with its cause, which an operator can act on.
fn with_cause(error: &RepositoryError) -> String {
    match error {
        RepositoryError::Unavailable(cause) => format!("{error}: {cause}"),
        RepositoryError::Malformed(_) => error.to_string(),
    }
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
            Self::NoStore | Self::TwoStores | Self::NoCounterKey => 2,
            Self::AlreadyExists(_) => 3,
            Self::NotFound(_) | Self::NoSession { .. } => 4,
            Self::BadLines(_) => 5,
            Self::Stack(_)
            | Self::Settings(_)
            | Self::Secret(_)
            | Self::Keys(_)
            | Self::Repository(_)
            | Self::Password(_)
            | Self::PasswordTooLong(_)
            | Self::Role { .. }
            | Self::Hashing(_)
            | Self::NoRandomness
            | Self::NotConfirmed
            | Self::NoTerminal
            | Self::Io { .. } => 1,
        })
    }
}
