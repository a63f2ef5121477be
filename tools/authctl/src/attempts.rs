//! The commands about the failed logins of an email.

use auth_core::{AttemptCounters, AttemptLimits, Clock, CountedAttempts, KeySet, UnixTime};
use serde_json::json;

use crate::{
    cli::{Address, AttemptsCommand},
    error::CommandError,
    output::{Output, rfc3339},
    store::OperatorStore,
};

/// Runs a command. `keys` are those that the functions count under.
pub(crate) async fn run(
    store: &impl OperatorStore,
    keys: KeySet,
    output: &Output,
    command: &AttemptsCommand,
) -> Result<(), CommandError> {
    let counters = AttemptCounters::new(keys, AttemptLimits::default());
    match command {
        AttemptsCommand::Show { email } => show(store, &counters, output, email).await,
        AttemptsCommand::Clear { email } => clear(store, &counters, output, email).await,
    }
}

async fn show(
    store: &impl OperatorStore,
    counters: &AttemptCounters,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let now = Clock::system().now();
    for mac in counters.email_macs(&email.key).await? {
        let mut counted = store.list_attempts(&mac).await?;
        // Stores delete expired counters late.
        counted.retain(|counted| now < counted.expires_at);
        counted
            .iter()
            .try_for_each(|counted| print(output, counted, now))?;
    }
    Ok(())
}

fn print(output: &Output, counted: &CountedAttempts, now: UnixTime) -> Result<(), CommandError> {
    let kind = counted.kind.name();
    let attempts = counted.count.load(now).attempts;
    let expires_at = counted.expires_at;
    output.print(
        &format!("{kind}\t{attempts}\tuntil {}", rfc3339(expires_at)),
        &json!({"kind": kind, "attempts": attempts, "expires_at": expires_at}),
    )
}

async fn clear(
    store: &impl OperatorStore,
    counters: &AttemptCounters,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let mut cleared = 0;
    for mac in counters.email_macs(&email.key).await? {
        cleared += store.clear_attempts(&mac).await?;
    }
    let text = format!("cleared {cleared} counters of {}", email.typed);
    output.print(&text, &json!({"cleared": cleared}))
}

#[cfg(test)]
mod tests {
    use auth_core::{
        Algorithm, AttemptDirectory, AttemptRepository, Email, FileStore, KeyUse, SourceNetwork,
    };

    use super::*;
    use crate::cli::parse_email;

    #[tokio::test]
    async fn only_the_counters_of_the_email_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path().join("store.json")).unwrap();
        let keys = store.keys(KeyUse::Sessions, Algorithm::HS256).unwrap();
        let counters = AttemptCounters::new(keys.clone(), AttemptLimits::default());
        for address in ["jane@example.com", "joe@example.com"] {
            let email = Email::parse(address).unwrap();
            let network = SourceNetwork::parse("203.0.113.7");
            let now = Clock::system().now();
            let attempt = counters.for_attempt(&email, &network, now).await.unwrap();
            for counter in &attempt.counters {
                let reserved = store.reserve_attempt(counter, &attempt.ticket).await;
                reserved.unwrap();
            }
        }

        let email = parse_email("Jane@Example.com").unwrap();
        let clear = AttemptsCommand::Clear { email };
        let output = Output::new(true);
        run(&store, keys, &output, &clear).await.unwrap();

        let counted = async |address: &str| {
            let macs = counters.email_macs(&Email::parse(address).unwrap()).await;
            store.list_attempts(&macs.unwrap()[0]).await.unwrap().len()
        };
        assert_eq!(counted("jane@example.com").await, 0);
        assert_eq!(counted("joe@example.com").await, 2);
    }
}
