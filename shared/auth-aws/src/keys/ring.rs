//! The private set in a secret, replaced by compare-and-set.
//!
//! A change stores a version under another label, then moves `AWSCURRENT` to it from the version that it was derived
//! from. Secrets Manager refuses the move if another version is current by then. A run that breaks in between leaves a
//! version that no one reads. The rotation of Secrets Manager does the same in steps, with its own label.

use auth_core::{KeyRing, PrivateKeyRepository, RepositoryError, Versioned};
use aws_sdk_secretsmanager::{
    Client,
    operation::{
        get_secret_value::{GetSecretValueError, builders::GetSecretValueFluentBuilder},
        put_secret_value::PutSecretValueError,
    },
};
use futures_util::FutureExt;

use crate::call_error::CallError;

/// The label of the version that functions read.
const CURRENT: &str = "AWSCURRENT";

/// The label of a version that Secrets Manager's rotation has not finished yet.
const PENDING: &str = "AWSPENDING";

/// The label of a version that is being made current by a change outside that rotation.
const NEXT: &str = "AUTHNEXT";

/// The private set of access-token keys in a secret.
#[derive(Debug, Clone)]
pub struct SecretRing {
    client: Client,
    id: String,
}

impl SecretRing {
    pub(crate) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// Reads the ring of a pending version, which `token` identifies. `None` if there is no such version, or if it is
    /// still empty.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if Secrets Manager fails, or if the version contains something else.
    pub async fn pending(&self, token: &str) -> Result<Option<KeyRing>, RepositoryError> {
        let request = self.client.get_secret_value().version_id(token);
        let request = request.version_stage(PENDING);
        // The second error is that of a version without this label.
        let is_absent = |error: &GetSecretValueError| {
            error.is_resource_not_found_exception() || error.is_invalid_request_exception()
        };
        Ok(self.read(request, is_absent).await?.contents)
    }

    /// Stores a ring as the pending version `token`. Storing the same ring again changes nothing. Returns `false` if the
    /// version has another ring.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if Secrets Manager fails.
    pub async fn put_pending(&self, token: &str, ring: &KeyRing) -> Result<bool, RepositoryError> {
        let request = self
            .client
            .put_secret_value()
            .secret_id(&self.id)
            .client_request_token(token)
            .secret_string(ring.expose())
            .version_stages(PENDING);
        match request.send().boxed().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutSecretValueError::is_resource_exists_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(unavailable(error.into())),
        }
    }

    /// Makes a version current if `parent` is current. Returns `false` if another version is; `true` if `version` is
    /// current already.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if Secrets Manager fails.
    pub async fn promote(
        &self,
        version: &str,
        parent: Option<&str>,
    ) -> Result<bool, RepositoryError> {
        let request = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.id)
            .version_stage(CURRENT)
            .move_to_version_id(version)
            .set_remove_from_version_id(parent.map(str::to_owned));
        let Err(error) = request.send().boxed().await else {
            return Ok(true);
        };
        // Only the response may have been lost. The move is refused if the parent is not current, also because an
        // earlier attempt of this call was made.
        match self.load_ring().await.map(|ring| ring.version) {
            Ok(current) if current.as_deref() != parent => Ok(current.as_deref() == Some(version)),
            _ => Err(unavailable(error.into())),
        }
    }

    /// Removes the pending label from a version, which no one reads afterwards. Does nothing if it does not have it.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if Secrets Manager fails.
    pub async fn drop_pending(&self, token: &str) -> Result<(), RepositoryError> {
        let request = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.id)
            .version_stage(PENDING)
            .remove_from_version_id(token);
        let Err(error) = request.send().boxed().await else {
            return Ok(());
        };
        match self.pending(token).await {
            Ok(None) => Ok(()),
            _ => Err(unavailable(error.into())),
        }
    }

    /// Ends a rotation that `current` has overtaken: its pending version can no longer become current, and Secrets
    /// Manager would start no other rotation while it has the label.
    async fn drop_overtaken(&self, current: &str) -> Result<(), RepositoryError> {
        let request = self.client.get_secret_value().version_stage(PENDING);
        let request = request.secret_id(&self.id).send().boxed().await;
        match request.ok().and_then(|pending| pending.version_id) {
            Some(pending) if pending != current => self.drop_pending(&pending).await,
            _ => Ok(()),
        }
    }

    /// Reads a version. A secret without a value has no version, which `is_absent` recognizes by the error.
    async fn read(
        &self,
        request: GetSecretValueFluentBuilder,
        is_absent: impl Fn(&GetSecretValueError) -> bool,
    ) -> Result<Versioned<KeyRing>, RepositoryError> {
        let read = request.secret_id(&self.id).send().boxed().await;
        let value = match read {
            Ok(value) => value,
            Err(error) if error.as_service_error().is_some_and(is_absent) => {
                return Ok(Versioned {
                    contents: None,
                    version: None,
                });
            }
            Err(error) => return Err(unavailable(error.into())),
        };
        if value.secret_binary.is_some() {
            return Err(RepositoryError::Malformed("the secret is not text".into()));
        }
        let text = value.secret_string.unwrap_or_default();
        let contents = KeyRing::parse_stored(&text)
            .map_err(|error| RepositoryError::Malformed(format!("the secret: {error}")))?;
        Ok(Versioned {
            contents,
            version: value.version_id,
        })
    }
}

impl PrivateKeyRepository for SecretRing {
    async fn load_ring(&self) -> Result<Versioned<KeyRing>, RepositoryError> {
        self.read(self.client.get_secret_value(), has_no_value)
            .await
    }

    /// A retry by the SDK has the same request token, so it stores no second version.
    async fn replace_ring(
        &self,
        version: Option<&str>,
        ring: &KeyRing,
    ) -> Result<bool, RepositoryError> {
        let request = self
            .client
            .put_secret_value()
            .secret_id(&self.id)
            .secret_string(ring.expose())
            .version_stages(NEXT);
        let put = request.send().boxed().await;
        let put = put.map_err(|error| unavailable(error.into()))?;
        // The first version of a secret becomes current by itself.
        if put.version_stages().iter().any(|stage| stage == CURRENT) {
            return Ok(version.is_none());
        }
        let next = put
            .version_id
            .ok_or_else(|| unavailable(CallError::other("the response names no version")))?;
        let promoted = self.promote(&next, version).await?;
        if promoted {
            // The change is made. If this fails, the next step of that rotation does it.
            let _ = self.drop_overtaken(&next).await;
        }
        Ok(promoted)
    }
}

/// Returns whether a secret exists but has no value. Only the text tells it from a secret that does not exist, which is
/// not to be mistaken for one that needs keys.
fn has_no_value(error: &GetSecretValueError) -> bool {
    let text = error.meta().message().unwrap_or_default();
    error.is_resource_not_found_exception() && text.contains("secret value")
}

fn unavailable(error: CallError) -> RepositoryError {
    RepositoryError::Unavailable(Box::new(error))
}
