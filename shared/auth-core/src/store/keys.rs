//! The private and the public set of access-token keys in a [`Snapshot`].

use super::{repositories::SnapshotStore, snapshot::Snapshot, versioned::VersionedJson};
use crate::{
    repository::RepositoryError,
    ring::{KeyRing, PrivateKeyRepository, PublishedKeyRepository, PublishedKeys, Versioned},
};

impl Snapshot {
    pub(super) fn load_ring(&self) -> Result<Versioned<KeyRing>, RepositoryError> {
        VersionedJson::parse(self.key_ring.as_ref(), "key_ring", KeyRing::parse)
    }

    pub(super) fn load_published(&self) -> Result<Versioned<PublishedKeys>, RepositoryError> {
        let stored = self.published_keys.as_ref();
        VersionedJson::parse(stored, "published_keys", PublishedKeys::parse)
    }

    pub(super) fn replace_ring(&mut self, version: Option<&str>, ring: &KeyRing) -> bool {
        VersionedJson::replace(&mut self.key_ring, version, ring.expose_json())
    }

    pub(super) fn replace_published(
        &mut self,
        version: Option<&str>,
        keys: &PublishedKeys,
    ) -> bool {
        VersionedJson::replace(&mut self.published_keys, version, keys.to_value())
    }
}

impl<S: SnapshotStore> PrivateKeyRepository for S {
    async fn load_ring(&self) -> Result<Versioned<KeyRing>, RepositoryError> {
        self.read(Snapshot::load_ring)?
    }

    async fn replace_ring(
        &self,
        version: Option<&str>,
        ring: &KeyRing,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.replace_ring(version, ring)))
    }
}

impl<S: SnapshotStore> PublishedKeyRepository for S {
    async fn load_published(&self) -> Result<Versioned<PublishedKeys>, RepositoryError> {
        self.read(Snapshot::load_published)?
    }

    async fn replace_published(
        &self,
        version: Option<&str>,
        keys: &PublishedKeys,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.replace_published(version, keys)))
    }
}
