//! `authctl` manages users, their sessions and failed logins, and the keys of access tokens, from an operator's
//! terminal.
//!
//! Start at [`run`]. The command line is in `cli`, and `store` decides which store it names. The commands are in
//! `users`, `invite`, `import`, `export`, `sessions`, `attempts`, `keys`, `mails` and `doctor`.

mod attempts;
mod cli;
mod confirm;
mod doctor;
mod error;
mod export;
mod function_keys;
mod import;
mod invite;
mod keys;
mod mails;
mod output;
mod password;
mod roles;
mod sessions;
mod store;
mod target;
mod users;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use auth_aws::{Aws, AwsChoice};
use auth_core::FileStore;
use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use cli::{Cli, Command, MailCommand, StoreCommand};
use error::CommandError;
use output::Output;
use store::{Lookup, OperatorStore, StoreLocation};
use target::{Opened, Target};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match &error {
                // It has several lines, all of them about this machine's environment.
                CommandError::Settings(error) => eprintln!("authctl: {error}"),
                error => output::warn(&format!("authctl: {error}")),
            }
            error.exit_code()
        }
    }
}

async fn run(cli: &Cli) -> Result<(), CommandError> {
    let lookup = |name: &str| env::var(name);
    let (aws, output) = (Aws::for_operator(choice(cli)), Output::new(cli.json));
    match &cli.command {
        Command::Completions { shell } => print_completions(*shell),
        Command::Doctor => {
            let location = StoreLocation::choose(&cli.store, &lookup)?;
            doctor::run(&location, &aws, &lookup, &output).await
        }
        Command::Mail {
            command: MailCommand::Preview { kind, to },
        } => mails::preview(&lookup, kind, to).await,
        Command::Mail {
            command: MailCommand::Retry,
        } => {
            let location = StoreLocation::choose(&cli.store, &lookup)?;
            mails::retry(&location, &aws, &output).await
        }
        Command::Store(command) => {
            let location = StoreLocation::choose(&cli.store, &lookup)?;
            run_at(location, &aws, &lookup, &output, command).await
        }
    }
}

fn choice(cli: &Cli) -> AwsChoice {
    AwsChoice {
        profile: cli.aws.profile.clone(),
        region: cli.aws.region.clone(),
    }
}

/// Runs a command on the store at `location`, which the command opens when it needs it.
async fn run_at(
    location: StoreLocation,
    aws: &Aws,
    lookup: Lookup<'_>,
    output: &Output,
    command: &StoreCommand,
) -> Result<(), CommandError> {
    match location {
        StoreLocation::File(path) => {
            let open = async || {
                let store = FileStore::open(&path)?;
                let target = Target::File(path);
                Ok(Opened { store, target })
            };
            run_on(open, aws, lookup, output, command).await
        }
        StoreLocation::Table(table) => {
            let open = async || {
                let store = aws.store(table).await;
                let target = Target::Table(store.clone());
                Ok(Opened { store, target })
            };
            run_on(open, aws, lookup, output, command).await
        }
        StoreLocation::Stack(name) => {
            let open = async || {
                let stack = aws.stack(&name).await?;
                let store = aws.store(stack.table()?).await;
                let target = Target::Stack(stack);
                Ok(Opened { store, target })
            };
            run_on(open, aws, lookup, output, command).await
        }
    }
}

async fn run_on<S: OperatorStore>(
    open: impl AsyncFnOnce() -> Result<Opened<S>, CommandError>,
    aws: &Aws,
    lookup: Lookup<'_>,
    output: &Output,
    command: &StoreCommand,
) -> Result<(), CommandError> {
    match command {
        StoreCommand::User { command } => users::run(open, aws, lookup, output, command).await,
        StoreCommand::Session { command } => {
            sessions::run(&open().await?.store, output, command).await
        }
        StoreCommand::Attempts { command } => {
            let opened = open().await?;
            let keys = function_keys::counter_keys(&opened.target, aws, lookup).await?;
            attempts::run(&opened.store, keys, output, command).await
        }
        StoreCommand::Keys { command } => keys::run(open, aws, lookup, output, command).await,
    }
}

fn print_completions(shell: Shell) -> Result<(), CommandError> {
    // Into memory first: clap panics if the pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "authctl", &mut script);
    let written = io::stdout().write_all(&script);
    written.map_err(CommandError::io("standard output"))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    async fn run_with_file(path: &Path, arguments: &[&str]) -> Result<(), CommandError> {
        let start = ["authctl", "--file", path.to_str().unwrap()];
        run(&Cli::parse_from([&start, arguments].concat())).await
    }

    #[tokio::test]
    async fn a_damaged_file_is_a_failure_that_names_the_file_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        let damaged = r#"{"users": {}, "sessions": "hunter2"}"#;
        fs::write(&path, damaged).unwrap();
        for arguments in [
            &["user", "list"][..],
            &["user", "roles", "john.doe@leapify.tech", "--none"],
            &["session", "revoke", "john.doe@leapify.tech"],
            &["attempts", "clear", "john.doe@leapify.tech"],
        ] {
            let error = run_with_file(&path, arguments).await.unwrap_err();
            assert_eq!(error.exit_code(), ExitCode::from(1), "{arguments:?}");
            let text = error.to_string();
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[tokio::test]
    async fn a_command_that_can_be_rejected_without_the_store_does_not_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        for (arguments, code) in [
            (&["user", "list", "--table", "users"][..], 2),
            (&["user", "add", "a@b.c", "--role", "A=b c"], 1),
            (&["user", "roles", "a@b.c", "--role", "A=b c"], 1),
            (&["user", "import", "/nowhere.jsonl"], 1),
        ] {
            let error = run_with_file(&path, arguments).await.unwrap_err();
            assert_eq!(error.exit_code(), ExitCode::from(code), "{arguments:?}");
            assert!(!path.exists(), "{arguments:?}");
        }
    }

    #[tokio::test]
    async fn a_new_file_has_the_tutorial_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        let john = "john.doe@leapify.tech";
        run_with_file(&path, &["user", "show", john]).await.unwrap();
        let shown = run_with_file(&path, &["user", "show", "jane@example.com"]).await;
        assert!(matches!(shown, Err(CommandError::NotFound(_))));
    }
}
