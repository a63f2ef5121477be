//! The commands for emails.

use clap::{Subcommand, builder::PossibleValuesParser};

use super::address::{Address, parse_email};

#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Print a sample email (.eml). Its link does nothing.
    ///
    /// `APP_NAME`, `APP_URL` and `MAIL_FROM` are those of the functions.
    #[command(
        after_help = "Example:\n  authctl mail preview reset --to jane@example.com > reset.eml"
    )]
    Preview {
        /// What the email is about.
        #[arg(value_name = "KIND", value_parser = PossibleValuesParser::new(auth_mail::KINDS))]
        kind: String,
        /// The address in the email.
        #[arg(long, value_name = "ADDRESS", value_parser = parse_email)]
        to: Address,
    },
    /// Retry all unsent emails of a stack.
    ///
    /// Puts each of them into the queue that starts `mailer`; those that were sent meanwhile are skipped.
    /// Emails that were requested more than seven days ago are lost.
    #[command(after_help = "Example:\n  authctl --stack sign-in mail retry")]
    Retry,
}
