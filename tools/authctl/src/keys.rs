//! The commands about the keys of access tokens: a private set in a secret and a public one in the table, or both in
//! a file.

mod list;
mod private_store;
mod revoke;
mod settings;

use std::{fs, path::Path};

use auth_aws::Aws;
use auth_core::{
    Clock, KeyChangeError, KeyKeeper, KeyRing, KeyState, PrivateJwk, PublishedKeyRepository,
    Refusal, RotateWhen,
};
use serde_json::json;

use crate::{
    cli::KeysCommand,
    confirm,
    error::CommandError,
    output::{Output, Record},
    store::Lookup,
    target::{Opened, Target},
};
use private_store::PrivateStore;
use settings::RingSettings;

/// Runs a command. What can be rejected without the store is rejected before `open`.
pub(crate) async fn run<S: PublishedKeyRepository>(
    open: impl AsyncFnOnce() -> Result<Opened<S>, CommandError>,
    aws: &Aws,
    lookup: Lookup<'_>,
    output: &Output,
    command: &KeysCommand,
) -> Result<(), CommandError> {
    // Nothing happens before it is awaited.
    let opened = open_keeper(open, aws, lookup);
    match command {
        KeysCommand::List => {
            let (keeper, _) = opened.await?;
            list::print(output, &keeper.load().await?)
        }
        KeysCommand::Rotate { now } => {
            let when = if *now {
                RotateWhen::Now
            } else {
                RotateWhen::Ready
            };
            let (keeper, _) = opened.await?;
            report(output, "rotated", &keeper.rotate(when).await?)
        }
        KeysCommand::Revoke { kid, yes: true } => {
            let (keeper, _) = opened.await?;
            report(output, "revoked", &keeper.revoke(kid).await?)
        }
        KeysCommand::Revoke { kid, yes: false } => {
            confirm::require_terminal()?;
            let (keeper, target) = opened.await?;
            revoke::confirm(&keeper.load().await?, kid, &target).await?;
            report(output, "revoked", &keeper.revoke(kid).await?)
        }
        KeysCommand::Repair => {
            let (keeper, _) = opened.await?;
            report(output, "checked", &keeper.repair().await?)
        }
        KeysCommand::Import { path } => {
            let key = read_key(path)?;
            let (keeper, _) = opened.await?;
            report(output, "imported", &keeper.import(&key).await?)
        }
    }
}

async fn open_keeper<S: PublishedKeyRepository>(
    open: impl AsyncFnOnce() -> Result<Opened<S>, CommandError>,
    aws: &Aws,
    lookup: Lookup<'_>,
) -> Result<(KeyKeeper<PrivateStore, S>, Target), CommandError> {
    let Opened { store, target } = open().await?;
    let private = PrivateStore::open(&target, aws, lookup).await?;
    let rules = RingSettings::read(&target, lookup)?.rules(&private).await?;
    let keeper = KeyKeeper::new(private, store, rules, Clock::system());
    Ok((keeper, target))
}

fn read_key(path: &Path) -> Result<PrivateJwk, CommandError> {
    let text = fs::read_to_string(path).map_err(CommandError::io(path.display().to_string()))?;
    let rejected = |error| KeyChangeError::Refused(Refusal::Imported(error));
    Ok(PrivateJwk::parse(&text).map_err(rejected)?)
}

/// Prints which key signs and which one is next after a change.
fn report(output: &Output, done: &str, state: &KeyState) -> Result<(), CommandError> {
    let ring = state.ring.as_ref();
    let active = ring.map(|ring| ring.active().kid()).unwrap_or_default();
    let next = ring.and_then(KeyRing::standby).map(PrivateJwk::kid);
    let and_next = next.map(|next| format!(", {next} is next"));
    let sentence = format!(
        "{done}: {active} signs (functions pick this up within 15 minutes){}",
        and_next.unwrap_or_default()
    );
    let record = Record::new(
        [active, next.unwrap_or_default()].map(str::to_owned),
        json!({"signs": active, "next": next}),
    );
    output.result(&sentence, &record)
}
