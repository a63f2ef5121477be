//! A rotation by Secrets Manager, in its four steps. Each may be repeated, and an interrupted run leaves usable keys.
//!
//! [AWS's protocol](https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html):
//! the token of a request is the id of the version that becomes current at the end. If another run changes the keys
//! during a rotation, the rotation fails, and its version is dropped.

use auth_core::{
    KeyChangeError, KeyRing, PrivateKeyRepository, PublishedKeyRepository, Refusal, RotateWhen,
};
use serde::Deserialize;

use crate::{Keys, error::KeysError};

/// The step of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Step {
    #[serde(rename = "createSecret")]
    Create,
    #[serde(rename = "setSecret")]
    Set,
    #[serde(rename = "testSecret")]
    Test,
    #[serde(rename = "finishSecret")]
    Finish,
}

/// A request of Secrets Manager.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RotationRequest {
    step: Step,
    secret_id: String,
    client_request_token: String,
}

/// The version that a rotation is about.
enum Version {
    /// It is current, so the rotation is finished, except that its keys may not be published completely.
    Current,
    /// It has a ring that is not current yet.
    Pending(Box<KeyRing>),
    /// It has no value.
    Empty,
}

impl<P: PublishedKeyRepository> Keys<P> {
    /// Carries out a step of a rotation.
    pub(crate) async fn rotate_in_steps(&self, request: &RotationRequest) -> Result<(), KeysError> {
        if !is_same_secret(&self.secret_id, &request.secret_id) {
            return Err(KeysError::OtherSecret);
        }
        let token = &request.client_request_token;
        match request.step {
            Step::Create => self.create_pending(token).await,
            Step::Set => self.publish_pending(token).await,
            Step::Test => self.test_pending(token).await,
            Step::Finish => self.finish(token).await,
        }
    }

    /// Stores the next ring as the pending version.
    async fn create_pending(&self, token: &str) -> Result<(), KeysError> {
        if !matches!(self.version(token).await?, Version::Empty) {
            return Ok(());
        }
        let ring = self.logged(self.keeper.prepare(RotateWhen::Ready)).await?;
        if self.ring.put_pending(token, &ring).await? {
            return Ok(());
        }
        Err(KeysError::Stale)
    }

    /// Publishes the keys of the pending version.
    async fn publish_pending(&self, token: &str) -> Result<(), KeysError> {
        match self.version(token).await? {
            Version::Current => self.publish_current().await,
            Version::Pending(ring) => self.publish(token, &ring).await,
            Version::Empty => Err(KeysError::NoPending(token.to_owned())),
        }
    }

    /// Checks that tokens of the pending version would be accepted. When a schedule is created, Secrets Manager runs
    /// only this step, on a version without a value: then the current keys are checked.
    async fn test_pending(&self, token: &str) -> Result<(), KeysError> {
        let state = self.keeper.load().await?;
        let ring = match self.version(token).await? {
            Version::Pending(ring) => Some(*ring),
            Version::Current | Version::Empty => state.ring,
        };
        let ring = ring.ok_or(KeyChangeError::Refused(Refusal::NoKeys))?;
        Ok(state.published.verify_probes(&ring, self.clock.now())?)
    }

    /// Makes the pending version current. It is published again just before, because a stale version, which may
    /// contain a revoked key, must be noticed, and its keys must be public before they sign. At the end no version is
    /// pending: Secrets Manager starts no other rotation while a version that is not current has this label.
    async fn finish(&self, token: &str) -> Result<(), KeysError> {
        match self.version(token).await? {
            Version::Current => {}
            Version::Empty => return Err(KeysError::NoPending(token.to_owned())),
            Version::Pending(ring) => {
                self.publish(token, &ring).await?;
                self.promote(token, &ring).await?;
            }
        }
        self.publish_current().await?;
        // Secrets Manager does not promise that a read shows the last write. It repeats a step that fails.
        if !matches!(self.version(token).await?, Version::Current) {
            return Err(KeyChangeError::Incomplete(Box::new(KeyChangeError::Conflict)).into());
        }
        Ok(self.ring.drop_pending(token).await?)
    }

    /// Publishes the current keys.
    async fn publish_current(&self) -> Result<(), KeysError> {
        self.logged(self.keeper.publish(None)).await?;
        Ok(())
    }

    /// Publishes the current keys and those of the pending version.
    async fn publish(&self, token: &str, pending: &KeyRing) -> Result<(), KeysError> {
        match self.logged(self.keeper.publish(Some(pending))).await {
            Err(KeyChangeError::Conflict) => self.drop_stale(token).await,
            published => Ok(published.map(|_| ())?),
        }
    }

    async fn promote(&self, token: &str, ring: &KeyRing) -> Result<(), KeysError> {
        let promoted = self.logged(async {
            let promoted = self.ring.promote(token, ring.derived_from()).await;
            promoted.map_err(KeyChangeError::Private)
        });
        if promoted.await? {
            return Ok(());
        }
        self.drop_stale(token).await
    }

    /// Ends a rotation whose version must never become current.
    async fn drop_stale(&self, token: &str) -> Result<(), KeysError> {
        self.ring.drop_pending(token).await?;
        Err(KeysError::Stale)
    }

    /// Returns what the version of a rotation contains.
    async fn version(&self, token: &str) -> Result<Version, KeysError> {
        let current = self.ring.load_ring().await;
        let current = current.map_err(KeyChangeError::Private)?;
        if current.contents.is_some() && current.version.as_deref() == Some(token) {
            return Ok(Version::Current);
        }
        let pending = self.ring.pending(token).await?;
        Ok(pending.map_or(Version::Empty, |ring| Version::Pending(Box::new(ring))))
    }
}

/// Returns whether an event is about the secret of the settings. Secrets Manager names it by its ARN, which ends with
/// its name, a hyphen and six random characters; the settings may have either.
fn is_same_secret(setting: &str, id: &str) -> bool {
    let named = id.split_once(":secret:").map(|(_, named)| named);
    let suffix = named.and_then(|named| named.strip_prefix(setting));
    setting == id || suffix.is_some_and(|suffix| suffix.len() == 7 && suffix.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_its_arn_or_its_name() {
        let arn = "arn:aws:secretsmanager:eu-central-1:1:secret:JwtKeys-a1B2c3";
        assert!(is_same_secret(arn, arn));
        assert!(is_same_secret("JwtKeys", arn));
        for other in ["Jwt", "JwtKeys-a1B2c3-d4E5f6", "Keys", "", "arn:aws"] {
            assert!(!is_same_secret(other, arn), "{other}");
        }
        assert!(!is_same_secret(arn, "JwtKeys"));
    }
}
