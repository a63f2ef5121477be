//! The keys that the file store creates for functions whose settings name none: secrets, and a key ring of access
//! tokens.

use aws_lc_rs::rand;
use base64::Engine;

use super::FileStore;
use crate::{
    encoding::BASE64URL,
    key::{Algorithm, Key, KeySet, KeyUse, PrivateJwk},
    repository::RepositoryError,
    ring::KeyRing,
    store::{repositories::SnapshotStore, snapshot::Snapshot},
    time::Clock,
};

/// The length of a generated secret before it is encoded. Encoded, it is long enough for HS512.
const SECRET_BYTES: usize = 48;

impl FileStore {
    /// Returns the keys for `key_use` that the file contains. They are created when they are first
    /// needed, and stay the same unless they are rotated: a secret for an HMAC, a [`KeyRing`] for RS256, ES256 and
    /// `EdDSA`.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the file cannot be read or written, or if its keys do not suit
    /// `algorithm`.
    pub fn keys(&self, key_use: KeyUse, algorithm: Algorithm) -> Result<KeySet, RepositoryError> {
        if algorithm.supports_generation() {
            self.create_ring(algorithm)?;
            return self.ring_keys(key_use, algorithm);
        }
        if let Some(keys) = self.find_keys(key_use, algorithm)? {
            return Ok(keys);
        }
        let (name, secret) = (secret_name(key_use), new_secret()?);
        // Another process may have been first; its secret is used.
        let secret = self.update(|snapshot| {
            let secret = snapshot.secrets.entry(name.into()).or_insert(secret);
            Ok::<_, RepositoryError>(secret.clone())
        })?;
        self.key_set(name, &secret, algorithm)
    }

    /// Returns the keys for `key_use` if the file contains them. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`FileStore::keys`].
    pub fn find_keys(
        &self,
        key_use: KeyUse,
        algorithm: Algorithm,
    ) -> Result<Option<KeySet>, RepositoryError> {
        if algorithm.supports_generation() {
            let is_created = self.read(has_ring)?;
            return is_created
                .then(|| self.ring_keys(key_use, algorithm))
                .transpose();
        }
        let name = secret_name(key_use);
        let stored = self.read(|snapshot| snapshot.secrets.get(name).cloned())?;
        stored
            .map(|secret| self.key_set(name, &secret, algorithm))
            .transpose()
    }

    /// Creates both sets of keys, or the one that someone has deleted.
    fn create_ring(&self, algorithm: Algorithm) -> Result<(), RepositoryError> {
        if self.read(has_ring)? {
            return Ok(());
        }
        let now = Clock::system().now();
        let created = KeyRing::create(algorithm, now);
        let created = created.map_err(|error| RepositoryError::Unavailable(error.into()))?;
        self.update(|snapshot| {
            // Another process may have been first, or someone has deleted one of the sets: what is there is used.
            let (ring, published) = (snapshot.load_ring()?, snapshot.load_published()?);
            let missing = ring.contents.is_none();
            let keys = ring.contents.unwrap_or(created);
            if missing {
                snapshot.replace_ring(ring.version.as_deref(), &keys);
            }
            let public = published.contents.unwrap_or_default();
            snapshot.replace_published(published.version.as_deref(), &public.with(&keys, now));
            Ok(())
        })
    }

    /// Returns the private keys to sign with, the public ones to verify with.
    fn ring_keys(&self, key_use: KeyUse, algorithm: Algorithm) -> Result<KeySet, RepositoryError> {
        let missing = || self.malformed("the keys of access tokens are missing");
        let keys = if key_use == KeyUse::Verify {
            let published = self
                .read(Snapshot::load_published)?
                .map_err(|error| self.named(&error))?;
            published.contents.ok_or_else(missing)?.key_set()
        } else {
            let ring = self
                .read(Snapshot::load_ring)?
                .map_err(|error| self.named(&error))?;
            let ring = ring.contents.ok_or_else(missing)?;
            self.check_algorithm(&ring, algorithm)?;
            ring.key_set()
        };
        keys.map_err(|error| self.malformed(error))
    }

    /// Checks that the keys are those that the settings ask for. Otherwise tokens would silently have another
    /// algorithm.
    fn check_algorithm(&self, ring: &KeyRing, algorithm: Algorithm) -> Result<(), RepositoryError> {
        let mut algorithms = ring.keys().map(PrivateJwk::algorithm);
        if algorithms.any(|other| other == algorithm) {
            return Ok(());
        }
        let (own, expected) = (ring.active().algorithm().name(), algorithm.name());
        Err(self.malformed(format_args!(
            "the keys in the file are for {own}, but JWT_ALGORITHM is {expected}: run `JWT_ALGORITHM={expected} authctl \
             keys rotate --now`, or delete the file"
        )))
    }

    fn key_set(
        &self,
        name: &str,
        secret: &str,
        algorithm: Algorithm,
    ) -> Result<KeySet, RepositoryError> {
        Key::from_secret(secret.as_bytes(), algorithm)
            .map(KeySet::from)
            .map_err(|error| self.malformed(format_args!("secrets.{name} {error}")))
    }

    /// Returns the error with the name of the file.
    fn named(&self, error: &RepositoryError) -> RepositoryError {
        self.malformed(error.cause())
    }
}

fn has_ring(snapshot: &Snapshot) -> bool {
    snapshot.key_ring.is_some() && snapshot.published_keys.is_some()
}

/// Returns the name of the secret of these keys in the file.
fn secret_name(key_use: KeyUse) -> &'static str {
    match key_use {
        KeyUse::Sign | KeyUse::Verify => "access_tokens",
        KeyUse::Sessions => "refresh_tokens",
        KeyUse::Counters => "counters",
        KeyUse::Actions => "actions",
    }
}

fn new_secret() -> Result<String, RepositoryError> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes)
        .map_err(|_| RepositoryError::Unavailable("no randomness is available".into()))?;
    Ok(BASE64URL.encode(bytes))
}
