//! The commands for users.

use std::path::PathBuf;

use clap::Subcommand;

use super::address::{Address, parse_email};

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user. Asks for the password or reads it from standard input; it is never an argument.
    #[command(after_help = "Example:\n  \
        authctl user add jane@example.com --role Admin=create,read,update,delete --role Guest")]
    Add {
        /// The address to sign in with.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// A role and its permissions, such as Admin=create,read,update,delete. May be repeated.
        #[arg(long = "role", value_name = "NAME[=PERMISSION,...]")]
        roles: Vec<String>,
    },
    /// Email a new user an invitation. Its link, with which the user chooses a password, works for 24 hours.
    ///
    /// The store must be that of functions with self-service, which send the email. Requests for emails are counted
    /// under the functions' counter key, which is found as for `authctl attempts`.
    #[command(
        after_help = "Example:\n  authctl user invite jane@example.com --role Editor=read,write"
    )]
    Invite {
        /// The address to sign in with.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// A role and its permissions. May be repeated.
        #[arg(long = "role", value_name = "NAME[=PERMISSION,...]")]
        roles: Vec<String>,
    },
    /// Clear the failed logins of an email, as `attempts clear` does.
    #[command(after_help = "Example:\n  authctl user unlock jane@example.com")]
    Unlock {
        /// The address that was typed.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Show a user.
    #[command(after_help = "Example:\n  authctl user show jane@example.com")]
    Show {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// List all users in no particular order.
    #[command(after_help = "Examples:\n  \
        authctl user list\n  \
        authctl user list | cut -f1")]
    List,
    /// Keep a user from signing in and from using functions that look up the user. Ends all sessions.
    #[command(after_help = "Example:\n  authctl user disable jane@example.com")]
    Disable {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Let a disabled user sign in again.
    #[command(after_help = "Example:\n  authctl user enable jane@example.com")]
    Enable {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Set a new password. Asks for it or reads it from standard input. Ends all sessions.
    #[command(after_help = "Example:\n  authctl user password jane@example.com")]
    Password {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Replace all roles of a user.
    #[command(after_help = "Examples:\n  \
        authctl user roles jane@example.com --role Editor=read,write\n  \
        authctl user roles jane@example.com --none")]
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
    #[command(after_help = "Example:\n  authctl user delete jane@example.com")]
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
    /// PHC string). `id`, `disabled` and `roles`, a list of objects with `name`, `permissions`, `id` and
    /// `description`, are optional. Bad lines are reported by number and skipped. Users who already
    /// exist are left unchanged.
    #[command(after_help = "Examples:\n  \
        authctl user import --dry-run users.jsonl\n  \
        authctl user import users.jsonl")]
    Import {
        /// The file, or - for standard input.
        #[arg(value_name = "FILE")]
        path: PathBuf,
        /// Check every line and count which users would be added, without changing anything.
        #[arg(long)]
        dry_run: bool,
    },
    /// Print all users with their password hashes, in the format that `user import` reads.
    ///
    /// Sessions are not exported. Protect the output as you protect the table: anyone who has the hashes
    /// can guess passwords offline.
    #[command(after_help = "Example:\n  (umask 077; authctl user export > users.jsonl)")]
    Export,
}
