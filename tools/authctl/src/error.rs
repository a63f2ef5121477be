//! Why a command failed, and the exit code that tells a script.

use std::{io, process::ExitCode};

use auth_aws::{SecretError, StackError};
use auth_core::{DirectoryError, HashingError, KeysUnavailable, RepositoryError, SettingsError};

/// Why a command failed. Nothing was changed, but where the store did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("name the table: --table NAME, --stack NAME, or the variable AUTH_TABLE")]
    NoTable,
    #[error("--table and --stack name the table twice")]
    TwoTables,
    #[error(
        "name the key of the counters: --stack NAME, or the variable SESSION_KEY_SECRET_ID or SESSION_SECRET_KEY"
    )]
    NoSessionKey,
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the key of the counters cannot be used: {0}")]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("{0} exists already; nothing was changed")]
    AlreadyExists(String),
    #[error("there is no user {0}")]
    NotFound(String),
    #[error("{}", told(.0))]
    Repository(#[from] RepositoryError),
    #[error("the password is refused: {0}")]
    Password(String),
    #[error("the role {role} is refused: {what}")]
    Role { role: String, what: &'static str },
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error("no randomness was to be had")]
    NoRandomness,
    #[error("not deleted")]
    NotConfirmed,
    #[error("there is no terminal to ask at: say --yes")]
    NobodyToAsk,
    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },
    #[error("left out {0} bad lines")]
    BadLines(u64),
}

/// A store's failure with its cause: an operator can do something about it.
fn told(error: &RepositoryError) -> String {
    match error {
        RepositoryError::Unavailable(cause) => format!("{error}: {cause}"),
        RepositoryError::Malformed(_) => error.to_string(),
    }
}

impl CommandError {
    /// What went wrong with the user of an address.
    pub(crate) fn of(address: &str, error: DirectoryError) -> Self {
        match error {
            DirectoryError::AlreadyExists => Self::AlreadyExists(address.to_owned()),
            DirectoryError::NotFound => Self::NotFound(address.to_owned()),
            DirectoryError::Repository(error) => error.into(),
        }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |error| Self::Io { what, error }
    }

    /// Documented in the help of `cli`. Clap ends with 2 where the usage is wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NoTable | Self::TwoTables | Self::NoSessionKey => 2,
            Self::AlreadyExists(_) => 3,
            Self::NotFound(_) => 4,
            Self::BadLines(_) => 5,
            Self::Stack(_)
            | Self::Settings(_)
            | Self::Secret(_)
            | Self::Keys(_)
            | Self::Repository(_)
            | Self::Password(_)
            | Self::Role { .. }
            | Self::Hashing(_)
            | Self::NoRandomness
            | Self::NotConfirmed
            | Self::NobodyToAsk
            | Self::Io { .. } => 1,
        })
    }
}
