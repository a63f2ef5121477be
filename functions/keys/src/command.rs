//! Commands that an operator sends with `aws lambda invoke`, and the daily check of the schedule.
//!
//! A command that the rules refuse changes nothing and is a result, `{"error": <name>, "message": <text>}`. Only
//! failures of the stores are errors of the function, which its alarm counts.

use std::time::Duration;

use auth_core::{KeyChangeError, KeyState, PublishedKeyRepository, Refusal, RotateWhen};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::{Keys, error::KeysError};

const DAY: Duration = Duration::from_hours(24);

/// A command.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Command {
    /// Returns the keys. The braces are needed: serde ignores unknown members of unit variants.
    List {},
    /// Makes the standby active; with `now` even if it has not been public long enough.
    Rotate {
        #[serde(default)]
        now: bool,
    },
    /// Revokes a key.
    Revoke { kid: String },
    /// Creates missing keys and publishes what the private set needs. Braces as in `List`.
    Repair {},
    /// Logs a warning if the active key is older than 1.5 periods.
    Check { rotation_days: u32 },
}

impl<P: PublishedKeyRepository> Keys<P> {
    /// Executes a command and returns its result.
    pub(crate) async fn execute(&self, command: Command) -> Result<Value, KeysError> {
        let done = match command {
            Command::List {} => self.keeper.load().await,
            Command::Rotate { now } => {
                let when = if now {
                    RotateWhen::Now
                } else {
                    RotateWhen::Ready
                };
                self.logged(self.keeper.rotate(when)).await
            }
            Command::Revoke { kid } => self.logged(self.keeper.revoke(&kid)).await,
            Command::Repair {} => self.logged(self.keeper.repair()).await,
            Command::Check { rotation_days } => self.check_age(rotation_days).await,
        };
        match done {
            Ok(state) => Ok(json!({"keys": state.list(self.clock.now())})),
            Err(error) if is_refusal(&error) => Ok(refusal(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Logs a warning if the active key has signed for more than 1.5 periods, because a rotation did not happen. Its
    /// alarm counts these lines.
    async fn check_age(&self, rotation_days: u32) -> Result<KeyState, KeyChangeError> {
        let state = self.keeper.load().await?;
        let ring = state.ring.as_ref().ok_or(Refusal::NoKeys)?;
        let age = self.clock.now().since(ring.active_since());
        let (kid, days) = (ring.active().kid(), age.as_secs() / DAY.as_secs());
        if age > DAY * rotation_days * 3 / 2 {
            warn!(kid, days, rotation_days, "key overdue for rotation");
        } else {
            info!(kid, days, rotation_days, "key age checked");
        }
        Ok(state)
    }
}

/// Returns whether the change was not made, because the rules or another change prevented it.
fn is_refusal(error: &KeyChangeError) -> bool {
    match error {
        KeyChangeError::Refused(Refusal::Generation(_))
        | KeyChangeError::Private(_)
        | KeyChangeError::Published(_)
        | KeyChangeError::Incomplete(_) => false,
        KeyChangeError::Refused(_) | KeyChangeError::Conflict => true,
    }
}

fn refusal(error: KeyChangeError) -> Value {
    let ready_at = match &error {
        KeyChangeError::Refused(Refusal::StandbyTooNew { ready_at, .. }) => Some(*ready_at),
        _ => None,
    };
    let error = KeysError::from(error);
    let mut result = json!({"error": error.kind(), "message": error.to_string()});
    if let Some(ready_at) = ready_at {
        result["ready_at"] = ready_at.as_secs().into();
    }
    result
}
