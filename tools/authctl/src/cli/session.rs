//! The commands for the sessions of a user.

use auth_core::SessionId;
use clap::Subcommand;

use super::address::{Address, parse_email};

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List a user's live sessions, the most recently refreshed first.
    #[command(after_help = "Example:\n  authctl session list jane@example.com")]
    List {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
    },
    /// End all sessions of a user, or only one, along with their access tokens. The user can sign in again.
    #[command(after_help = "Examples:\n  \
        authctl session revoke jane@example.com\n  \
        authctl session revoke jane@example.com --session AAECAwQFBgcICQoLDA0ODw")]
    Revoke {
        /// The user's address.
        #[arg(value_parser = parse_email)]
        email: Address,
        /// The id of the only session to end, from `session list`.
        #[arg(long = "session", value_name = "ID", value_parser = parse_session_id, allow_hyphen_values = true)]
        session: Option<SessionId>,
    },
}

fn parse_session_id(text: &str) -> Result<SessionId, String> {
    SessionId::try_from(text.to_owned()).map_err(|error| error.to_string())
}
