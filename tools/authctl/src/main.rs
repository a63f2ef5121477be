//! `authctl`: the users of a deployed stack, their sessions and failed logins, from an operator's
//! terminal.
//!
//! Start at `run`. The command line is described in `cli`; each command is a function of `users`,
//! `import`, `sessions` or `attempts`; `store` finds the table.

mod attempts;
mod cli;
mod error;
mod import;
mod output;
mod password;
mod roles;
mod sessions;
mod store;
mod users;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};

use cli::{AttemptsCommand, Cli, Command, SessionCommand, UserCommand};
use error::CommandError;
use output::Output;
use store::Store;

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
    let output = Output::new(cli.json);
    let store = || Store::named(&cli);
    match &cli.command {
        Command::User { command } => user(store()?, &output, command).await,
        Command::Session { command } => session(store()?, &output, command).await,
        Command::Attempts { command } => attempts(store()?, &output, command).await,
        Command::Completions { shell } => {
            // Into memory first: clap panics where a pipe is closed.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "authctl", &mut script);
            let written = io::stdout().write_all(&script);
            written.map_err(CommandError::io("standard output"))
        }
    }
}

/// What can be refused without the store is refused before it is asked, and before anybody types.
async fn user(store: Store, output: &Output, command: &UserCommand) -> Result<(), CommandError> {
    match command {
        UserCommand::Add { email, roles } => {
            let user = users::new_user(email, roles)?;
            let stored = users::with_password(user)?;
            users::add(&store.users().await?, output, &stored).await
        }
        UserCommand::Show { email } => users::show(&store.users().await?, output, email).await,
        UserCommand::List => users::list(&store.users().await?, output).await,
        UserCommand::Disable { email } => {
            users::set_disabled(&store.users().await?, output, email, true).await
        }
        UserCommand::Enable { email } => {
            users::set_disabled(&store.users().await?, output, email, false).await
        }
        UserCommand::Password { email } => {
            let hash = password::read_and_hash(email)?;
            users::set_password(&store.users().await?, output, email, hash).await
        }
        UserCommand::Roles { email, roles, .. } => {
            let roles = roles::parse_all(roles)?;
            users::set_roles(&store.users().await?, output, email, roles).await
        }
        UserCommand::Delete { email, yes } => {
            users::confirm_delete(email, *yes)?;
            users::delete(&store.users().await?, output, email).await
        }
        UserCommand::Import { file } => {
            let lines = import::open(file)?;
            import::import(&store.users().await?, output, lines).await
        }
    }
}

async fn session(
    store: Store,
    output: &Output,
    command: &SessionCommand,
) -> Result<(), CommandError> {
    let users = store.users().await?;
    match command {
        SessionCommand::List { email } => {
            sessions::list(&users, &store.sessions().await?, output, email).await
        }
        SessionCommand::Revoke { email } => sessions::revoke(&users, output, email).await,
    }
}

async fn attempts(
    store: Store,
    output: &Output,
    command: &AttemptsCommand,
) -> Result<(), CommandError> {
    let keys = store.session_keys().await?;
    let counted = store.attempts().await?;
    match command {
        AttemptsCommand::Show { email } => attempts::show(&counted, keys, output, email).await,
        AttemptsCommand::Clear { email } => attempts::clear(&counted, keys, output, email).await,
    }
}
