//! The commands about the failed logins of an email.

use auth_core::{AttemptCounters, AttemptDirectory, AttemptLimits, Clock, KeySet};
use serde_json::json;

use crate::{
    cli::Address,
    error::CommandError,
    output::{Output, time},
};

/// The MACs under which an email is counted: while keys change, several.
async fn macs(keys: KeySet, email: &Address) -> Result<Vec<String>, CommandError> {
    let counters = AttemptCounters::new(keys, AttemptLimits::default());
    Ok(counters.email_macs(&email.key).await?)
}

pub(crate) async fn show(
    attempts: &impl AttemptDirectory,
    keys: KeySet,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let now = Clock::system().now();
    for mac in macs(keys, email).await? {
        let all = attempts.of_email(&mac).await?.into_iter();
        // DynamoDB removes late.
        for counted in all.filter(|counted| now < counted.expires_at) {
            let (kind, count) = (counted.kind.name(), counted.count.attempts(now));
            let until = counted.expires_at;
            output.say(
                &format!("{kind}\t{count}\tuntil {}", time(until)),
                &json!({"kind": kind, "attempts": count, "expires_at": until}),
            )?;
        }
    }
    Ok(())
}

pub(crate) async fn clear(
    attempts: &impl AttemptDirectory,
    keys: KeySet,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let mut cleared = 0;
    for mac in macs(keys, email).await? {
        cleared += attempts.clear_email(&mac).await?;
    }
    let text = format!("cleared {cleared} counters of {}", email.typed);
    output.say(&text, &json!({"cleared": cleared}))
}
