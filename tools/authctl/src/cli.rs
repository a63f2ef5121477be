//! The command line. Each submodule has the commands for one noun.
//!
//! Every command has an example, which a test parses.

mod address;
mod attempts;
mod keys;
mod mail;
mod session;
mod user;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use address::{Address, parse_email};
pub(crate) use attempts::AttemptsCommand;
pub(crate) use keys::KeysCommand;
pub(crate) use mail::MailCommand;
pub(crate) use session::SessionCommand;
pub(crate) use user::UserCommand;

/// Manages the users of a sign-in stack, their sessions and their failed logins.
///
/// Name the store with --table, --stack or --file. Without these options, the environment names it:
/// `AUTH_STACK` names a stack; otherwise the variables are those of the functions, `AUTH_TABLE`, or
/// `AUTH_STORE=file` with `AUTH_FILE` (default `.local/store.json`).
///
/// Region and credentials come from --region and --profile, or else from the environment or the
/// default profile, as in every AWS tool.
///
/// On a terminal, lists are tables with headers. Otherwise each line is one record with fields
/// separated by tabs, and with --json one JSON object. So that no value can break a line or a
/// terminal, backslashes, control characters, line separators and characters that change the text
/// direction are escaped as \\, \t, \n, \r or \u{..}, and in JSON as JSON does. An empty list is
/// reported on standard error.
///
/// Exit codes:
///   0  success
///   1  failure, or a failed check
///   2  wrong usage
///   3  the user already exists
///   4  the user, session or key does not exist
///   5  an import skipped bad lines
///   6  AWS or the store cannot be reached
///   7  access is refused: a permission is missing, or there are no valid credentials
///   8  not confirmed, or there is no terminal to ask on
///   9  another run changed the keys at the same time
#[derive(Debug, Parser)]
#[command(
    name = "authctl",
    version,
    max_term_width = 100,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        authctl --stack sign-in user add jane@example.com --role Admin=create,read\n  \
        authctl --file .local/store.json user list\n  \
        authctl --stack sign-in --profile prod --region eu-central-1 doctor"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) store: StoreOptions,

    #[command(flatten)]
    pub(crate) aws: AwsOptions,

    /// Print JSON, one object per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that name the store. Only one may be used.
#[derive(Debug, Args)]
pub(crate) struct StoreOptions {
    /// The name or ARN of a table.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) table: Option<String>,

    /// The name of a deployed stack, whose table is used.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,

    /// A file, for local work. If it does not exist, it is created with the tutorial's user,
    /// john.doe@leapify.tech, whose password is published.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
}

/// Options that override the AWS settings of the environment.
#[derive(Debug, Args)]
pub(crate) struct AwsOptions {
    /// A profile of the AWS configuration files. Its credentials are used even if the environment has others.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// A region, such as eu-central-1.
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Store(StoreCommand),
    /// Emails of self-service: preview, retry.
    #[command(after_help = "Example:\n  authctl mail preview reset --to jane@example.com")]
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Check what the store and authctl need, and say why a check fails. Changes nothing.
    ///
    /// For a table: its status, settings and index, the keys of the functions, the local clock, and the
    /// rights of the caller. For a file: the file, its lock and its keys. Exits with 1 if a check
    /// failed.
    #[command(after_help = "Example:\n  authctl --stack sign-in doctor")]
    Doctor,
    /// Print a script that completes authctl's commands in a shell.
    #[command(after_help = "Example:\n  authctl completions bash > authctl.bash")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// The commands that work on a store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Users: add, invite, unlock, show, list, disable, enable, password, roles, delete, import, export.
    #[command(after_help = "Example:\n  authctl user show jane@example.com")]
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Sessions of a user: list, revoke.
    #[command(after_help = "Example:\n  authctl session list jane@example.com")]
    Session {
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// Failed logins of an email: show, clear.
    ///
    /// They are counted under MACs, which need the functions' counter key. With a stack, that is the
    /// stack's key. Otherwise it is the one that `COUNTER_KEY_SECRET_ID` or `COUNTER_SECRET_KEY` names.
    /// Without these variables, a file's own key is used.
    #[command(after_help = "Example:\n  authctl attempts show jane@example.com")]
    Attempts {
        #[command(subcommand)]
        command: AttemptsCommand,
    },
    /// Keys of access tokens: list, rotate, revoke, repair, import.
    ///
    /// With a stack, they are in its secret and its table. With a table, `JWT_KEYS_SECRET_ID` names the
    /// secret. A file has both sets. New keys have the algorithm of the stack or of `JWT_ALGORITHM`; without
    /// it, that of the key that signs.
    #[command(after_help = "Example:\n  authctl keys list")]
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn there_is_no_argument_for_a_password() {
        for arguments in [
            &["authctl", "user", "add", "a@b.c", "hunter2"][..],
            &["authctl", "user", "add", "a@b.c", "--password", "hunter2"],
            &["authctl", "user", "password", "a@b.c", "hunter2"],
        ] {
            assert!(Cli::try_parse_from(arguments).is_err());
        }
    }

    /// Returns a command and all commands below it, with their names on the command line.
    fn commands(path: &str, command: &clap::Command) -> Vec<(String, clap::Command)> {
        let mut all = vec![(path.to_owned(), command.clone())];
        for child in command.get_subcommands() {
            all.extend(commands(&format!("{path} {}", child.get_name()), child));
        }
        all
    }

    /// Returns the command lines of an example, without the shell's syntax.
    fn examples(help: &str) -> Vec<Vec<&str>> {
        let lines = help.lines().filter(|line| line.contains("authctl "));
        let calls = lines.filter_map(|line| line.find("authctl ").map(|begin| &line[begin..]));
        let words = calls.map(|call| call.split([')', '>', '|', '<']).next().unwrap_or_default());
        words
            .map(|call| call.split_whitespace().collect())
            .collect()
    }

    #[test]
    fn every_command_has_an_example_that_calls_it() {
        let all = commands("authctl", &Cli::command());
        assert!(all.len() >= 20, "{}", all.len());
        for (path, command) in all {
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_else(|| panic!("{path} has no example"));
            let examples = examples(&help);
            assert!(!examples.is_empty(), "{path} has no example");
            for example in examples {
                let parsed = Cli::try_parse_from(&example);
                assert!(
                    parsed.is_ok(),
                    "{path}: {example:?}: {}",
                    parsed.unwrap_err()
                );
                let mut words = example.iter();
                let is_call = path.split(' ').all(|name| words.any(|word| *word == name));
                assert!(
                    is_call,
                    "{path}: the example {example:?} calls another command"
                );
            }
        }
    }

    #[test]
    fn the_help_documents_every_exit_code() {
        let help = Cli::command().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let codes = help.split("Exit codes:").nth(1).unwrap();
        // The only arms with numbers.
        let source = include_str!("error.rs");
        let used = (1..=u8::MAX).filter(|code| source.contains(&format!("=> {code},")));
        let used: Vec<u8> = [0].into_iter().chain(used).collect();
        assert!(used.len() >= 9, "{used:?}");
        for code in used {
            assert!(codes.contains(&format!(" {code} ")), "{code}: {codes}");
        }
    }

    #[test]
    fn options_for_aws_may_follow_the_command() {
        let arguments = "authctl user list --profile prod --region eu-north-1";
        let cli = Cli::try_parse_from(arguments.split(' ')).unwrap();
        assert_eq!(cli.aws.profile.as_deref(), Some("prod"));
        assert_eq!(cli.aws.region.as_deref(), Some("eu-north-1"));
    }
}
