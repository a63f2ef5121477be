//! The command line.

use std::path::PathBuf;

use auth_core::{Email, SessionId};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

/// Manages the users of a sign-in stack, their sessions and their failed logins.
///
/// Name the store with --table, --stack or --file. Without them, the environment names it as it does for the
/// functions: `AUTH_TABLE`, or `AUTH_STORE=file` with `AUTH_FILE` (default `.local/store.json`).
///
/// Region and credentials come from the environment or the profile, as in every AWS tool.
///
/// Exit codes: 0 success; 1 failure; 2 wrong usage; 3 the user already exists; 4 the user or session does not
/// exist; 5 an import skipped bad lines.
#[derive(Debug, Parser)]
#[command(name = "authctl", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) store: StoreOptions,

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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Store(StoreCommand),
    /// Print a script that completes authctl's commands in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// The commands that work on a store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Users: add, show, list, disable, enable, password, roles, delete, import.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Sessions of a user: list, revoke.
    Session {
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// Failed logins of an email: show, clear.
    ///
    /// They are counted under MACs, which need the functions' counter key. With --stack, that is the
    /// stack's key. Otherwise it is the one that `COUNTER_KEY_SECRET_ID` or `COUNTER_SECRET_KEY` names.
    /// Without these variables, a file's own key is used.
    Attempts {
        #[command(subcommand)]
        command: AttemptsCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user. Asks for the password or reads it from standard input; it is never an argument.
    Add {
        /// The address to sign in with.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// A role and its permissions, such as Admin=create,read,update,delete. May be repeated.
        #[arg(long = "role", value_name = "NAME[=PERMISSION,...]")]
        roles: Vec<String>,
    },
    /// Show a user.
    Show {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// List all users in no particular order.
    List,
    /// Keep a user from signing in and from using functions that look up the user. Ends all sessions.
    Disable {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Let a disabled user sign in again.
    Enable {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Set a new password. Asks for it or reads it from standard input. Ends all sessions.
    Password {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Replace all roles of a user.
    Roles {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// A role and its permissions. May be repeated.
        #[arg(
            long = "role",
            value_name = "NAME[=PERMISSION,...]",
            required_unless_present = "none"
        )]
        roles: Vec<String>,
        /// Remove all roles.
        #[arg(long, conflicts_with = "roles")]
        none: bool,
    },
    /// Delete a user permanently.
    Delete {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// Do not ask for confirmation. Required without a terminal.
        #[arg(long)]
        yes: bool,
    },
    /// Add users with password hashes from another system. An interrupted import can be run again.
    ///
    /// Each line of the file is a JSON object with `email` and `password_hash` (bcrypt, or Argon2id as a
    /// PHC string). `id`, `disabled` and `roles`, a list of objects with `name` and `permissions`, are
    /// optional. Bad lines are reported by number and skipped. Users who already exist are left
    /// unchanged.
    Import {
        /// The file, or - for standard input.
        #[arg(value_name = "FILE")]
        path: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List a user's live sessions, the last refreshed first.
    List {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// End all sessions of a user, or one of them, with their access tokens. The user can sign in again.
    Revoke {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// The id of the only session to end, from `session list`.
        #[arg(long = "session", value_name = "ID", value_parser = parse_session_id, allow_hyphen_values = true)]
        session: Option<SessionId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AttemptsCommand {
    /// Show what is counted for an email, whether or not it has a user.
    Show {
        /// The address that was typed.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Clear what is counted for an email, so that its user can sign in at once. The failures of networks remain.
    Clear {
        /// The address that was typed.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
}

/// An address as it was typed, and the key that finds its user.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) typed: String,
    pub(crate) key: Email,
}

/// Parses what looks like an address: something on both sides of an `@`, and no white space.
pub(crate) fn parse_email(text: &str) -> Result<Address, String> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    if local.is_empty() || domain.is_empty() || text.contains(is_odd) {
        return Err("is not an email address".into());
    }
    Ok(Address {
        typed: text.to_owned(),
        key: Email::parse(text).map_err(|error| error.to_string())?,
    })
}

fn parse_session_id(text: &str) -> Result<SessionId, String> {
    SessionId::try_from(text.to_owned()).map_err(|error| error.to_string())
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
    fn an_address_keeps_its_case_and_its_key_is_in_lower_case() {
        let address = parse_email("Jane@Example.com").unwrap();
        assert_eq!(address.typed, "Jane@Example.com");
        assert_eq!(address.key.as_str(), "jane@example.com");
        for text in [
            "",
            "jane",
            "@example.com",
            "jane@",
            "ja ne@example.com",
            "jane@exam\nple",
        ] {
            assert!(parse_email(text).is_err(), "{text}");
        }
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
}
