//! The commands for the keys of access tokens.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys: what each one does, since when, and until when.
    ///
    /// `signs` is the key of new tokens, `next` the one that signs after a rotation, `verifies` a key that
    /// no longer signs but whose tokens may still be valid, and `revoked` a key that is never used again.
    #[command(after_help = "Example:\n  authctl keys list")]
    List,
    /// Make the next key sign, and create a new next key. Existing tokens stay valid.
    ///
    /// Refused until the next key has been public for three hours, because verifiers cache keys. So two
    /// rotations are at least three hours apart.
    #[command(after_help = "Examples:\n  \
        authctl keys rotate\n  \
        authctl keys rotate --now")]
    Rotate {
        /// Do not wait. Verifiers that have cached the keys, such as API Gateway's authorizers, may refuse
        /// new tokens for up to two hours.
        #[arg(long)]
        now: bool,
    },
    /// Revoke a key that may have leaked, so that its tokens are refused. Shows what this breaks first.
    #[command(after_help = "Examples:\n  \
        authctl keys revoke kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\n  \
        authctl keys revoke kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k --yes")]
    Revoke {
        /// The key, from `keys list`.
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        kid: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// Publish the keys again as the private ones require, and create those that are missing.
    ///
    /// Completes a change that was interrupted, and updates a table that was restored from a backup.
    /// Changes nothing if nothing is wrong.
    #[command(after_help = "Example:\n  authctl keys repair")]
    Repair,
    /// Make your own private key the next one. The present next key has never signed, and never will.
    #[command(after_help = "Example:\n  authctl keys import private.jwk.json")]
    Import {
        /// A file with a private JWK for the algorithm of the stack: RSA of at least 2048 bits, P-256 or Ed25519.
        /// Its kid becomes its thumbprint (RFC 7638).
        #[arg(value_name = "FILE")]
        path: PathBuf,
    },
}
