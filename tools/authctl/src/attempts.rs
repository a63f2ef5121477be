//! The commands about the failed logins of an address.

use auth_core::{AttemptCounters, AttemptDirectory, AttemptLimits, Clock, CountedAttempts, KeySet};
use serde_json::json;

use crate::{
    cli::Address,
    error::CommandError,
    output::{Output, time},
};

/// The MAC under which an address is counted.
async fn mac(keys: KeySet, email: &Address) -> Result<String, CommandError> {
    let counters = AttemptCounters::new(keys, AttemptLimits::default());
    Ok(counters.email_mac(&email.key).await?)
}

pub(crate) async fn show(
    attempts: &impl AttemptDirectory,
    keys: KeySet,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let mac = mac(keys, email).await?;
    for counted in attempts.of_email(&mac, Clock::system().now()).await? {
        let CountedAttempts {
            kind,
            attempts,
            expires_at,
        } = counted;
        let kind = kind.name();
        output.say(
            &format!("{kind}\t{attempts}\tuntil {}", time(expires_at)),
            &json!({"kind": kind, "attempts": attempts, "expires_at": expires_at}),
        )?;
    }
    Ok(())
}

pub(crate) async fn clear(
    attempts: &impl AttemptDirectory,
    keys: KeySet,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let cleared = attempts.clear_email(&mac(keys, email).await?).await?;
    let text = format!("cleared {cleared} counters of {}", email.typed);
    output.say(&text, &json!({"cleared": cleared}))
}
