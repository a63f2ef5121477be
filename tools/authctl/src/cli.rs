//! The command line.

use std::path::PathBuf;

use auth_core::Email;
use clap::{Parser, Subcommand};
use clap_complete::Shell;

/// Administers the users of a sign-in stack, their sessions and their failed logins.
///
/// Region and credentials come from the environment or the profile, as for every AWS tool.
///
/// Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the user exists already; 4 there is no such user;
/// 5 an import left out bad lines.
#[derive(Debug, Parser)]
#[command(name = "authctl", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// The users' table. Without it and --stack, the variable `AUTH_TABLE` names it.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) table: Option<String>,

    /// The stack whose table it is, by the name that it was deployed under.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,

    /// Answer in JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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
    /// They are counted under MACs. The key is that of the functions: that of --stack, or else the one
    /// that `SESSION_KEY_SECRET_ID` or `SESSION_SECRET_KEY` names.
    Attempts {
        #[command(subcommand)]
        command: AttemptsCommand,
    },
    /// Print a script that completes authctl's commands in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user. The password is asked for, or read from standard input: it is never an argument.
    Add {
        /// The address to sign in with.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// A role and what it permits, like Admin=create,read,update,delete. May be repeated.
        #[arg(long = "role", value_name = "NAME[=PERMISSION,...]")]
        roles: Vec<String>,
    },
    /// Show a user.
    Show {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// List all users, in no order.
    List,
    /// Keep a user from signing in, and from everything that asks the user store. Ends all sessions.
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
    /// Set a new password, which is asked for, or read from standard input. Ends all sessions.
    Password {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Set the roles of a user, in place of all former ones.
    Roles {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// A role and what it permits. May be repeated.
        #[arg(
            long = "role",
            value_name = "NAME[=PERMISSION,...]",
            required_unless_present = "none"
        )]
        roles: Vec<String>,
        /// Take all roles away.
        #[arg(long, conflicts_with = "roles")]
        none: bool,
    },
    /// Delete a user for good.
    Delete {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// Do not ask. Needed where there is no terminal to ask at.
        #[arg(long)]
        yes: bool,
    },
    /// Add users with password hashes from elsewhere. It can be run again after a break.
    ///
    /// Each line of the file is a JSON object: "email" and "`password_hash`" (bcrypt, or Argon2id as a
    /// PHC string), and where they are known "id", "disabled" and "roles", a list of {"name",
    /// "permissions"}. Bad lines are told by number and left out; users who are there already stay as
    /// they are.
    Import {
        /// The file, or - for standard input.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List a user's live sessions, the last refreshed first. It reads the whole table.
    List {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// End all sessions and access tokens of a user, who can sign in again.
    Revoke {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AttemptsCommand {
    /// Show what is counted for an email, whether or not it has a user. It reads the whole table.
    Show {
        /// The address that was typed.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Forget what is counted for an email, so that it can sign in at once. What is counted for an IP
    /// address stays. It reads the whole table.
    Clear {
        /// The address that was typed.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
}

/// An address as it was typed, and as users are found by.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) typed: String,
    pub(crate) key: Email,
}

/// Takes what looks like an address: one `@` with something on both sides, and no white space.
pub(crate) fn parse_email(text: &str) -> Result<Address, String> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    if local.is_empty() || domain.is_empty() || text.contains(is_odd) {
        return Err("is no email address".into());
    }
    Ok(Address {
        typed: text.to_owned(),
        key: Email::parse(text).map_err(|error| error.to_string())?,
    })
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
    fn addresses_are_kept_as_typed_and_found_in_lower_case() {
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
