//! `keys`: creates, rotates, revokes and publishes the keys that sign access tokens. It has no route.
//!
//! Start at [`Keys::handle`]. There are three kinds of events: a custom resource of `CloudFormation` (`resource`), a
//! step of a rotation by Secrets Manager (`rotation`), and a command of an operator or a schedule (`command`). The
//! rules are those of [`KeyKeeper`]. No result or log line contains a private key.

mod changes;
mod command;
mod error;
mod resource;
mod rotation;

use auth_aws::{Callback, SecretRing};
use auth_core::{Clock, KeeperSettings, KeyKeeper, PublishedKeyRepository};
use auth_lambda::EventError;
use error::KeysError;
use resource::TIME_LIMIT;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::error;

/// The function.
#[derive(Debug)]
pub struct Keys<P> {
    secret_id: String,
    ring: SecretRing,
    keeper: KeyKeeper<SecretRing, P>,
    callback: Callback,
    clock: Clock,
}

impl<P: PublishedKeyRepository> Keys<P> {
    /// Returns the function with these settings, stores and client.
    pub fn new(
        settings: KeeperSettings,
        ring: SecretRing,
        published: P,
        callback: Callback,
        clock: Clock,
    ) -> Self {
        Self {
            secret_id: settings.secret_id,
            keeper: KeyKeeper::new(ring.clone(), published, settings.rules, clock.clone()),
            ring,
            callback,
            clock,
        }
    }

    /// Handles an event. Returns the result of a command, and `null` for the others.
    ///
    /// # Errors
    ///
    /// [`EventError`], which the caller of the function receives: Secrets Manager ends the rotation, and an operator
    /// sees it. A command that the rules refuse is not an error, but a result with a member `error`.
    pub async fn handle(&self, event: Value) -> Result<Value, EventError> {
        self.dispatch(event).await.map_err(|error| {
            let (kind, reason) = (error.kind(), error.to_string());
            error!(kind, reason, "event failed");
            EventError { kind, reason }
        })
    }

    async fn dispatch(&self, event: Value) -> Result<Value, KeysError> {
        if event.get("RequestType").is_some() {
            self.provide(&parse(event)?, TIME_LIMIT).await?;
        } else if event.get("Step").is_some() {
            self.rotate_in_steps(&parse(event)?).await?;
        } else {
            return self.execute(parse(event)?).await;
        }
        Ok(Value::Null)
    }
}

/// Parses an event. The error repeats nothing from it: an event of `CloudFormation` contains a signed URL.
fn parse<T: DeserializeOwned>(event: Value) -> Result<T, KeysError> {
    serde_json::from_value(event).map_err(|_| KeysError::Event)
}
