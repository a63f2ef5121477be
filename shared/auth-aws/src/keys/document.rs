//! Where keys are read, each time as a whole: a secret, the table or the file store.

use auth_core::{
    Algorithm, FileStore, KeyDocument, KeySet, KeyUse, PublishedKeyRepository, PublishedKeys,
    ReadError,
};
use aws_sdk_secretsmanager::Client;
use futures_util::FutureExt;

use crate::{call_error::CallError, store::DynamoDbStore};

/// A secret of Secrets Manager.
#[derive(Debug)]
pub(crate) struct Secret {
    client: Client,
    id: String,
}

impl Secret {
    pub(crate) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// Reads the value.
    pub(crate) async fn value(&self) -> Result<String, CallError> {
        let read = self.client.get_secret_value().secret_id(&self.id).send();
        let value = read.boxed().await?.secret_string;
        value.ok_or_else(|| CallError::other("the secret is not text"))
    }
}

/// The keys in a secret.
#[derive(Debug)]
pub(crate) struct SecretKeys {
    secret: Secret,
    algorithm: Algorithm,
    key_use: KeyUse,
}

impl SecretKeys {
    pub(crate) fn new(secret: Secret, algorithm: Algorithm, key_use: KeyUse) -> Self {
        Self {
            secret,
            algorithm,
            key_use,
        }
    }
}

impl KeyDocument for SecretKeys {
    type Keys = KeySet;

    async fn read(&self) -> Result<KeySet, ReadError> {
        let text = self
            .secret
            .value()
            .await
            .map_err(|error| ReadError::Unreadable(error.to_string()))?;
        KeySet::parse_deployed(&text, self.algorithm, self.key_use).map_err(ReadError::Rejected)
    }
}

/// The published keys in a table, to verify with.
#[derive(Debug)]
pub(crate) struct TableKeys(DynamoDbStore);

impl TableKeys {
    pub(crate) fn new(store: DynamoDbStore) -> Self {
        Self(store)
    }
}

impl KeyDocument for TableKeys {
    type Keys = KeySet;

    async fn read(&self) -> Result<KeySet, ReadError> {
        self.0.read().await?.key_set().map_err(ReadError::Rejected)
    }
}

/// The published keys in a table, as they are.
impl KeyDocument for DynamoDbStore {
    type Keys = PublishedKeys;

    /// An item that does not exist is created by the deploy, so it may exist later.
    async fn read(&self) -> Result<PublishedKeys, ReadError> {
        let text = self
            .find_published_text()
            .await
            .map_err(|error| ReadError::Unreadable(error.cause()))?
            .ok_or_else(|| ReadError::Unreadable("no keys are published".into()))?;
        PublishedKeys::parse(&text).map_err(ReadError::Rejected)
    }
}

/// The keys in the file store.
#[derive(Debug)]
pub(crate) struct FileKeys {
    store: FileStore,
    key_use: KeyUse,
    algorithm: Algorithm,
}

impl FileKeys {
    pub(crate) fn new(store: FileStore, key_use: KeyUse, algorithm: Algorithm) -> Self {
        Self {
            store,
            key_use,
            algorithm,
        }
    }
}

impl KeyDocument for FileKeys {
    type Keys = KeySet;

    async fn read(&self) -> Result<KeySet, ReadError> {
        self.store
            .find_keys(self.key_use, self.algorithm)
            .map_err(|error| ReadError::Unreadable(error.cause()))?
            .ok_or_else(|| ReadError::Unreadable("the file has no keys".into()))
    }
}

/// The published keys in the file store, as they are.
#[derive(Debug)]
pub(crate) struct PublishedFile(pub(crate) FileStore);

impl KeyDocument for PublishedFile {
    type Keys = PublishedKeys;

    async fn read(&self) -> Result<PublishedKeys, ReadError> {
        self.0
            .load_published()
            .await
            .map_err(|error| ReadError::Unreadable(error.cause()))?
            .contents
            .ok_or_else(|| ReadError::Unreadable("the file has no keys".into()))
    }
}
