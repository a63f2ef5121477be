//! The private set: the key that signs, the one that will sign next, and the `kid`s that were revoked.
//!
//! Serialized, it is a JWK set (RFC 7517 section 5) with further members, so a function that signs reads it with
//! [`KeySet::parse_deployed`](crate::KeySet::parse_deployed): the first key signs.

mod text;

use std::collections::BTreeSet;

use super::Refusal;
use crate::{
    key::{Algorithm, GenerationError, Key, KeyError, KeySet, PrivateJwk},
    time::UnixTime,
};
pub(super) use text::time;

/// A private key and when it was created.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RingKey {
    jwk: PrivateJwk,
    created_at: UnixTime,
}

/// The private keys of access tokens. A value never contains a revoked key or one key twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    active: RingKey,
    standby: Option<RingKey>,
    active_since: UnixTime,
    revoked: BTreeSet<String>,
    derived_from: Option<String>,
}

impl KeyRing {
    /// Creates a ring with two new keys.
    ///
    /// # Errors
    ///
    /// [`GenerationError`] if no keys can be created for `algorithm`.
    pub fn create(algorithm: Algorithm, now: UnixTime) -> Result<Self, GenerationError> {
        Ok(Self {
            active: RingKey::create(algorithm, now)?,
            standby: Some(RingKey::create(algorithm, now)?),
            active_since: now,
            revoked: BTreeSet::new(),
            derived_from: None,
        })
    }

    fn check(self) -> Result<Self, KeyError> {
        if self.keys().any(|key| self.has_revoked(key.key())) {
            return Err(KeyError::Revoked);
        }
        self.key_set()?;
        Ok(self)
    }

    fn entries(&self) -> impl Iterator<Item = &RingKey> {
        [Some(&self.active), self.standby.as_ref()]
            .into_iter()
            .flatten()
    }

    /// Returns the key that signs.
    #[must_use]
    pub fn active(&self) -> &PrivateJwk {
        &self.active.jwk
    }

    /// Returns the key that signs after the next rotation; `None` only if the ring was stored by hand.
    #[must_use]
    pub fn standby(&self) -> Option<&PrivateJwk> {
        self.standby.as_ref().map(|key| &key.jwk)
    }

    /// Iterates over the active key and the standby.
    pub fn keys(&self) -> impl Iterator<Item = &PrivateJwk> {
        self.entries().map(|key| &key.jwk)
    }

    /// Returns whether a key of the ring has this `kid`.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.keys().any(|key| key.kid() == kid)
    }

    /// Returns when the change was planned that made the active key active; 0 if the ring was stored by hand.
    #[must_use]
    pub fn active_since(&self) -> UnixTime {
        self.active_since
    }

    /// Returns the `kid`s of the revoked keys.
    #[must_use]
    pub fn revoked(&self) -> &BTreeSet<String> {
        &self.revoked
    }

    /// Returns whether a key was revoked, under this `kid` or another one.
    pub(super) fn has_revoked(&self, key: &Key) -> bool {
        self.revoked.contains(key.kid()) || self.revoked.contains(key.thumbprint())
    }

    /// Returns the version of the private set that this one was derived from. A pending version with another parent
    /// than the current one is stale.
    #[must_use]
    pub fn derived_from(&self) -> Option<&str> {
        self.derived_from.as_deref()
    }

    /// Sets the version of the private set that this one is derived from.
    #[must_use]
    pub fn with_parent(self, version: Option<String>) -> Self {
        Self {
            derived_from: version,
            ..self
        }
    }

    /// Returns the set that signs, as a function that reads the ring has it.
    ///
    /// # Errors
    ///
    /// [`KeyError`] is not expected: a ring was checked when it was made.
    pub fn key_set(&self) -> Result<KeySet, KeyError> {
        KeySet::new(self.keys().map(|key| key.key().clone()).collect())
    }

    /// Returns the ring after a rotation: the standby signs, and a new key is the standby.
    pub(super) fn rotated(&self, algorithm: Algorithm, now: UnixTime) -> Result<Self, Refusal> {
        Ok(Self {
            active: self.standby.clone().ok_or(Refusal::NoStandby)?,
            standby: Some(RingKey::create(algorithm, now)?),
            active_since: now,
            ..self.clone()
        })
    }

    /// Returns the ring with a standby: the one it has, or a new one.
    pub(super) fn with_standby(
        &self,
        algorithm: Algorithm,
        now: UnixTime,
    ) -> Result<Self, GenerationError> {
        let mut ring = self.clone();
        if ring.standby.is_none() {
            ring.standby = Some(RingKey::create(algorithm, now)?);
        }
        Ok(ring)
    }

    /// Returns the ring with another standby. The `kid` becomes the thumbprint, so that the name of another key, which
    /// verifiers may have cached, cannot be used again, and a revoked key cannot come back under another name.
    pub(super) fn with_imported(&self, jwk: &PrivateJwk, now: UnixTime) -> Result<Self, KeyError> {
        let standby = RingKey {
            jwk: jwk.named_by_thumbprint()?,
            created_at: now,
        };
        Self {
            standby: Some(standby),
            ..self.clone()
        }
        .check()
    }

    /// Returns the ring after the revocation of a key, whether it is in the ring or retired. A revoked key of the ring
    /// is replaced: the active one by the standby, the standby by a new key. The thumbprint is revoked with the `kid`,
    /// which differs from it if the key was stored by hand.
    pub(super) fn with_revoked(
        &self,
        kid: &str,
        thumbprint: &str,
        algorithm: Algorithm,
        now: UnixTime,
    ) -> Result<Self, GenerationError> {
        let mut ring = self.clone();
        ring.revoked.extend([kid.to_owned(), thumbprint.to_owned()]);
        if ring.standby().is_some_and(|standby| standby.kid() == kid) {
            ring.standby = None;
        }
        if ring.active().kid() == kid {
            ring.active = match ring.standby.take() {
                Some(standby) => standby,
                None => RingKey::create(algorithm, now)?,
            };
            ring.active_since = now;
        }
        ring.with_standby(algorithm, now)
    }
}

impl RingKey {
    fn create(algorithm: Algorithm, now: UnixTime) -> Result<Self, GenerationError> {
        Ok(Self {
            jwk: PrivateJwk::generate(algorithm)?,
            created_at: now,
        })
    }
}
