//! `authctl`: the users of a deployed stack, from an operator's terminal.
//!
//! Start at `run`. The command line is described in `cli`; each command is a function of `users` or
//! `import`.

mod cli;
mod error;
mod import;
mod output;
mod password;
mod roles;
mod users;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use auth_aws::{Aws, DynamoDbUserRepository};
use clap::{CommandFactory, Parser};

use cli::{Cli, Command, UserCommand};
use error::CommandError;
use output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("authctl: {error}");
            error.exit_code()
        }
    }
}

async fn run(cli: Cli) -> Result<(), CommandError> {
    let command = match &cli.command {
        Command::Completions { shell } => {
            // Into memory first: clap panics where a pipe is closed.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "authctl", &mut script);
            let written = io::stdout().write_all(&script);
            return written.map_err(CommandError::io("standard output"));
        }
        Command::User { command } => command,
    };
    let output = Output::new(cli.json);
    let table = Table::named(&cli)?;
    // What can be refused without the store is refused before it is asked, and before anybody types.
    match command {
        UserCommand::Add { email, roles } => {
            let user = users::new_user(email, roles)?;
            let stored = users::with_password(user)?;
            users::add(&table.users().await?, &output, &stored).await
        }
        UserCommand::Show { email } => users::show(&table.users().await?, &output, email).await,
        UserCommand::List => users::list(&table.users().await?, &output).await,
        UserCommand::Disable { email } => {
            users::set_disabled(&table.users().await?, &output, email, true).await
        }
        UserCommand::Enable { email } => {
            users::set_disabled(&table.users().await?, &output, email, false).await
        }
        UserCommand::Password { email } => {
            let hash = password::read_and_hash(email)?;
            users::set_password(&table.users().await?, &output, email, hash).await
        }
        UserCommand::Roles { email, roles, .. } => {
            let roles = roles::parse_all(roles)?;
            users::set_roles(&table.users().await?, &output, email, roles).await
        }
        UserCommand::Delete { email, yes } => {
            users::confirm_delete(email, *yes)?;
            users::delete(&table.users().await?, &output, email).await
        }
        UserCommand::Import { file } => {
            let lines = import::open(file)?;
            import::import(&table.users().await?, &output, lines).await
        }
    }
}

/// How the table is named.
enum Table {
    Name(String),
    Stack(String),
}

impl Table {
    /// By the command line, or else by the environment.
    fn named(cli: &Cli) -> Result<Self, CommandError> {
        match (&cli.table, &cli.stack) {
            // Clap does not see a conflict of two that stand on both sides of a subcommand.
            (Some(_), Some(_)) => Err(CommandError::TwoTables),
            (Some(table), None) => Ok(Self::Name(table.clone())),
            (None, Some(stack)) => Ok(Self::Stack(stack.clone())),
            (None, None) => std::env::var("AUTH_TABLE")
                .ok()
                .filter(|table| !table.is_empty())
                .map(Self::Name)
                .ok_or(CommandError::NoTable),
        }
    }

    async fn users(self) -> Result<DynamoDbUserRepository, CommandError> {
        let aws = Aws::for_operator();
        let table = match self {
            Self::Name(table) => table,
            Self::Stack(stack) => aws.table_of_stack(&stack).await?,
        };
        Ok(aws.users(table).await)
    }
}
