//! The commands that show and clear the failed logins of an email.

use std::time::Duration;

use auth_core::{AttemptLimits, Attempts, Clock, Count, Counter, KeySet, UnixTime};
use serde_json::json;

use crate::{
    cli::{Address, AttemptsCommand},
    error::CommandError,
    output::{Output, Record},
    store::OperatorStore,
};

/// The headers of [`record`].
const HEADERS: &[&str] = &["SUBJECT", "FAILED TODAY", "IN PROGRESS"];

/// Runs a command. `keys` are those with which the functions name counters.
pub(crate) async fn run(
    store: &impl OperatorStore,
    keys: KeySet,
    output: &Output,
    command: &AttemptsCommand,
) -> Result<(), CommandError> {
    match command {
        AttemptsCommand::Show { email } => {
            let now = Clock::system().now();
            let counters = attempts(keys).counters(&email.key, now).await?;
            show(store, output, email, counters, now).await
        }
        AttemptsCommand::Clear { email } => clear(store, keys, output, email).await,
    }
}

/// Clears the counters of an email.
pub(crate) async fn clear(
    store: &impl OperatorStore,
    keys: KeySet,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let (now, mut cleared) = (Clock::system().now(), 0);
    for counter in attempts(keys).counters(&email.key, now).await? {
        cleared += u32::from(store.clear_attempts(&counter).await?);
    }
    let sentence = format!("cleared {cleared} counters of {}", email.typed);
    let record = Record::new([cleared.to_string()], json!({"cleared": cleared}));
    output.result(&sentence, &record)
}

/// Returns what names the counters and the asks of an email. Neither the limits nor the lifetime of device tokens matter
/// for names.
pub(crate) fn attempts(keys: KeySet) -> Attempts {
    Attempts::new(keys, AttemptLimits::default(), Duration::ZERO)
}

/// Prints what is counted today, without counters that have no attempts.
async fn show(
    store: &impl OperatorStore,
    output: &Output,
    email: &Address,
    counters: impl IntoIterator<Item = Counter>,
    now: UnixTime,
) -> Result<(), CommandError> {
    let mut list = output.list(HEADERS);
    for counter in counters {
        let count = store.find_attempts(&counter).await?;
        if count != Count::default() {
            list.add(&record(&counter, &count, now))?;
        }
    }
    list.finish(&format!("nothing is counted today for {}", email.typed))
}

fn record(counter: &Counter, count: &Count, now: UnixTime) -> Record {
    let (subject, failures) = (counter.subject.name(), count.failures);
    let in_progress = count.in_progress(counter, now);
    Record::new(
        [
            subject.to_owned(),
            failures.to_string(),
            in_progress.to_string(),
        ],
        json!({"subject": subject, "failures": failures, "in_progress": in_progress}),
    )
}

#[cfg(test)]
mod tests {
    use auth_core::{Algorithm, AttemptRepository, Email, FileStore, KeyUse, SourceNetwork};

    use super::*;
    use crate::cli::parse_email;

    #[tokio::test]
    async fn only_the_counters_of_the_email_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path().join("store.json")).unwrap();
        let keys = store.keys(KeyUse::Counters, Algorithm::HS256).unwrap();
        let attempts = Attempts::new(keys.clone(), AttemptLimits::default(), Duration::ZERO);
        let now = Clock::system().now();
        for address in ["jane@example.com", "joe@example.com"] {
            let email = Email::parse(address).unwrap();
            let network = SourceNetwork::parse("203.0.113.7");
            let attempt = attempts.begin(&email, &network, None, now).await.unwrap();
            let ticket = attempt.email_counter.ticket(now).unwrap();
            let reserved = store.reserve_attempt(&attempt.email_counter, &ticket).await;
            reserved.unwrap();
        }

        let email = parse_email("Jane@Example.com").unwrap();
        let clear = AttemptsCommand::Clear { email };
        let output = Output::new(true);
        run(&store, keys, &output, &clear).await.unwrap();

        let counted = async |address: &str| {
            let email = Email::parse(address).unwrap();
            let counters = attempts.counters(&email, now).await.unwrap();
            let count = store.find_attempts(&counters[0]).await.unwrap();
            count.in_progress(&counters[0], now)
        };
        assert_eq!(counted("jane@example.com").await, 0);
        assert_eq!(counted("joe@example.com").await, 1);
    }
}
