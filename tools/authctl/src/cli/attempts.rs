//! The commands for the failed logins of an email.

use clap::Subcommand;

use super::address::{Address, parse_email};

#[derive(Debug, Subcommand)]
pub(crate) enum AttemptsCommand {
    /// Show what is counted for an email, whether or not it has a user.
    #[command(after_help = "Example:\n  authctl attempts show jane@example.com")]
    Show {
        /// The address that was typed.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// Clear what is counted for an email, so that its user can sign in at once. The failures of networks remain.
    #[command(after_help = "Example:\n  authctl attempts clear jane@example.com")]
    Clear {
        /// The address that was typed.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
}
