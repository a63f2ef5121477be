//! Where the users are: the table and the key that the command line or the environment names.

use auth_aws::{Aws, DynamoDbAttemptRepository, DynamoDbSessionRepository, DynamoDbUserRepository};
use auth_core::{KeySet, KeySettings, SessionSettings, SettingsReader};

use crate::{cli::Cli, error::CommandError};

/// The variables that name the key of the counters.
const KEY_VARIABLES: [&str; 2] = ["SESSION_KEY_SECRET_ID", "SESSION_SECRET_KEY"];

/// How the table is named.
enum Table {
    Name(String),
    Stack(String),
}

/// A table, which is looked for when it is first needed.
pub(crate) struct Store {
    table: Table,
    aws: Aws,
}

impl Store {
    /// The table that the command line names, or else the environment.
    pub(crate) fn named(cli: &Cli) -> Result<Self, CommandError> {
        let table = match (&cli.table, &cli.stack) {
            // Clap does not see a conflict of two that stand on both sides of a subcommand.
            (Some(_), Some(_)) => return Err(CommandError::TwoTables),
            (Some(table), None) => Table::Name(table.clone()),
            (None, Some(stack)) => Table::Stack(stack.clone()),
            (None, None) => std::env::var("AUTH_TABLE")
                .ok()
                .filter(|table| !table.is_empty())
                .map(Table::Name)
                .ok_or(CommandError::NoTable)?,
        };
        Ok(Self {
            table,
            aws: Aws::for_operator(),
        })
    }

    async fn table(&self) -> Result<String, CommandError> {
        match &self.table {
            Table::Name(table) => Ok(table.clone()),
            Table::Stack(stack) => Ok(self.aws.table_of_stack(stack).await?),
        }
    }

    pub(crate) async fn users(&self) -> Result<DynamoDbUserRepository, CommandError> {
        Ok(self.aws.users(self.table().await?).await)
    }

    pub(crate) async fn sessions(&self) -> Result<DynamoDbSessionRepository, CommandError> {
        Ok(self.aws.sessions(self.table().await?).await)
    }

    pub(crate) async fn attempts(&self) -> Result<DynamoDbAttemptRepository, CommandError> {
        Ok(self.aws.attempts(self.table().await?).await)
    }

    /// The keys of refresh tokens, under which attempts are counted: those of the stack, or else those
    /// of the environment.
    pub(crate) async fn session_keys(&self) -> Result<KeySet, CommandError> {
        let lookup = |name: &str| std::env::var(name);
        // Variables of other tools, whatever they begin with, are none of ours here.
        let mut reader = SettingsReader::new([], &lookup);
        let id = if let Table::Stack(stack) = &self.table {
            self.aws.session_keys_of_stack(stack).await?
        } else if KEY_VARIABLES.iter().any(|name| reader.is_set(name)) {
            let keys = SessionSettings::read_keys(&mut reader);
            match reader.finish(keys)? {
                KeySettings::Fixed(keys) => return Ok(keys),
                KeySettings::Secret { id, .. } => id,
            }
        } else {
            return Err(CommandError::NoSessionKey);
        };
        Ok(self.aws.read_session_keys(id).await?)
    }
}
