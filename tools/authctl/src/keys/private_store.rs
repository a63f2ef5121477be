//! Where the private set is: in a secret or in a file.

use auth_aws::{Aws, SecretRing};
use auth_core::{FileStore, KeyRing, KeyUse, PrivateKeyRepository, RepositoryError, Versioned};

use super::Target;
use crate::{error::CommandError, store::Lookup};

/// The private set of a target.
pub(super) enum PrivateStore {
    Secret(SecretRing),
    File(FileStore),
}

impl PrivateStore {
    pub(super) async fn open(
        target: &Target,
        aws: &Aws,
        lookup: Lookup<'_>,
    ) -> Result<Self, CommandError> {
        let variable = KeyUse::Sign.secret_variable();
        let id = match target {
            Target::File(path) => return Ok(Self::File(FileStore::open(path)?)),
            Target::Stack(stack) => stack.secret(KeyUse::Sign)?.to_owned(),
            Target::Table(_) => lookup(variable)
                .ok()
                .filter(|id| !id.is_empty())
                .ok_or(CommandError::NoKeysSecret)?,
        };
        Ok(Self::Secret(aws.key_ring(id).await))
    }
}

impl PrivateKeyRepository for PrivateStore {
    async fn load_ring(&self) -> Result<Versioned<KeyRing>, RepositoryError> {
        match self {
            Self::Secret(secret) => secret.load_ring().await,
            Self::File(file) => file.load_ring().await,
        }
    }

    async fn replace_ring(
        &self,
        version: Option<&str>,
        ring: &KeyRing,
    ) -> Result<bool, RepositoryError> {
        match self {
            Self::Secret(secret) => secret.replace_ring(version, ring).await,
            Self::File(file) => file.replace_ring(version, ring).await,
        }
    }
}
