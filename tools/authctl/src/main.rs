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

use std::{io, process::ExitCode};

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
            clap_complete::generate(*shell, &mut Cli::command(), "authctl", &mut io::stdout());
            return Ok(());
        }
        Command::User { command } => command,
    };
    let output = Output::new(cli.json);
    // What can be refused without the store is refused before it is asked.
    match command {
        UserCommand::Add { email, roles } => {
            let user = users::new_user(email, roles)?;
            let stored = users::with_password(user)?;
            users::add(&users_of(&cli).await?, &output, &stored).await
        }
        UserCommand::Show { email } => users::show(&users_of(&cli).await?, &output, email).await,
        UserCommand::List => users::list(&users_of(&cli).await?, &output).await,
        UserCommand::Disable { email } => {
            users::set_disabled(&users_of(&cli).await?, &output, email, true).await
        }
        UserCommand::Enable { email } => {
            users::set_disabled(&users_of(&cli).await?, &output, email, false).await
        }
        UserCommand::Password { email } => {
            let hash = password::read_and_hash(email)?;
            users::set_password(&users_of(&cli).await?, &output, email, hash).await
        }
        UserCommand::Roles { email, roles, .. } => {
            let roles = roles::parse_all(roles)?;
            users::set_roles(&users_of(&cli).await?, &output, email, roles).await
        }
        UserCommand::Delete { email, yes } => {
            users::confirm_delete(email, *yes)?;
            users::delete(&users_of(&cli).await?, &output, email).await
        }
        UserCommand::Import { file } => {
            let lines = import::open(file)?;
            import::import(&users_of(&cli).await?, &output, lines).await
        }
    }
}

/// The users of the table that the command line names, or else the environment.
async fn users_of(cli: &Cli) -> Result<DynamoDbUserRepository, CommandError> {
    let aws = Aws::for_operator();
    let table = match (&cli.table, &cli.stack) {
        // Clap does not see a conflict of two that stand on both sides of a subcommand.
        (Some(_), Some(_)) => return Err(CommandError::TwoTables),
        (Some(table), None) => table.clone(),
        (None, Some(stack)) => aws.table_of_stack(stack).await?,
        (None, None) => std::env::var("AUTH_TABLE")
            .ok()
            .filter(|table| !table.is_empty())
            .ok_or(CommandError::NoTable)?,
    };
    Ok(aws.users(table).await)
}
