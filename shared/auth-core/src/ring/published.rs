//! The public set: the keys with which a token may be verified, and until when.
//!
//! Serialized, it is a JWK set (RFC 7517 section 5) whose keys have further members: `published_at`, and `until` for
//! a key that no longer signs. [`PublishedKeys::jwks`] is the set for others, without them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{KeyRing, key_ring::time};
use crate::{
    key::{Key, KeyError, KeySet, PublicJwk, member_objects, parse_members},
    time::UnixTime,
};

/// A public key and when it may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    jwk: PublicJwk,
    published_at: UnixTime,
    until: Option<UnixTime>,
}

/// The public keys: the active one, the standby, then those that no longer sign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishedKeys(Vec<PublishedKey>);

impl PublishedKey {
    /// Returns the key.
    #[must_use]
    pub fn jwk(&self) -> &PublicJwk {
        &self.jwk
    }

    /// Returns since when it has been public.
    #[must_use]
    pub fn published_at(&self) -> UnixTime {
        self.published_at
    }

    /// Returns when the key expires (exclusive); `None` while it signs or will sign.
    #[must_use]
    pub fn until(&self) -> Option<UnixTime> {
        self.until
    }

    /// Returns whether it may be used.
    #[must_use]
    pub fn is_usable(&self, now: UnixTime) -> bool {
        now.is_before(self.until)
    }

    /// Returns whether this is the key, or another one with its name: a set cannot have both.
    fn is_same(&self, other: &Key) -> bool {
        let own = self.jwk.key();
        own.kid() == other.kid() || own.thumbprint() == other.thumbprint()
    }

    fn parse(members: &Map<String, Value>) -> Result<Self, KeyError> {
        let until = members.contains_key("until");
        Ok(Self {
            jwk: PublicJwk::from_members(members)?,
            published_at: time(members, "published_at")?,
            until: until.then(|| time(members, "until")).transpose()?,
        })
    }

    fn to_value(&self) -> Value {
        let mut members = self.jwk.members().clone();
        members.insert("published_at".into(), self.published_at.as_secs().into());
        if let Some(until) = self.until {
            members.insert("until".into(), until.as_secs().into());
        }
        Value::Object(members)
    }
}

impl PublishedKeys {
    /// Parses what [`PublishedKeys::to_json`] returned.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for the first check that fails; [`KeyError::NotPublic`] if a key has a private member.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let members = parse_members(text)?;
        let keys = member_objects(members.get("keys").unwrap_or(&Value::Null))?;
        let keys = keys.into_iter().map(PublishedKey::parse);
        let keys = Self(keys.collect::<Result<_, _>>()?);
        keys.key_set()?;
        Ok(keys)
    }

    /// Returns the text to store.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    pub(crate) fn to_value(&self) -> Value {
        json!({"keys": self.iter().map(PublishedKey::to_value).collect::<Vec<_>>()})
    }

    /// Returns the JWK set of the keys that may be used now, as `/.well-known/jwks.json` serves it.
    #[must_use]
    pub fn jwks(&self, now: UnixTime) -> String {
        let keys = self.usable(now).map(|key| key.jwk.members());
        json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
    }

    /// Iterates over all keys, including expired ones.
    pub fn iter(&self) -> impl Iterator<Item = &PublishedKey> {
        self.0.iter()
    }

    /// Iterates over the keys that may be used now.
    pub fn usable(&self, now: UnixTime) -> impl Iterator<Item = &PublishedKey> {
        self.iter().filter(move |key| key.is_usable(now))
    }

    /// Returns the set with which tokens are verified. Each key has its `until`: callers must apply it with
    /// [`KeySet::usable_at`].
    ///
    /// # Errors
    ///
    /// [`KeyError::EmptySet`] if no key is published.
    pub fn key_set(&self) -> Result<KeySet, KeyError> {
        let keys = self
            .iter()
            .map(|key| key.jwk.key().clone().until(key.until));
        KeySet::new(keys.collect())
    }

    /// Finds a key by its `kid`.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&PublishedKey> {
        self.iter().find(|key| key.jwk.kid() == kid)
    }

    /// Returns since when a key has been public; `None` if it is not.
    #[must_use]
    pub fn public_since(&self, kid: &str, now: UnixTime) -> Option<UnixTime> {
        let key = self.find(kid).filter(|key| key.is_usable(now));
        key.map(|key| key.published_at.min(now))
    }

    /// Returns the set to publish while any of `rings` may be in use: their keys, in order, and until `retention` from
    /// now those that are public today, except revoked ones. The same call on the result returns the same set, so a
    /// set is rebuilt by publishing what this returns for the ring.
    #[must_use]
    pub fn covering(&self, rings: &[&KeyRing], now: UnixTime, retention: Duration) -> Self {
        self.covering_until(rings, now, Some(now + retention))
    }

    /// Returns the set with the keys of `ring`. All others stay public for as long as they are.
    pub(crate) fn with(&self, ring: &KeyRing, now: UnixTime) -> Self {
        self.covering_until(&[ring], now, None)
    }

    fn covering_until(&self, rings: &[&KeyRing], now: UnixTime, end: Option<UnixTime>) -> Self {
        let mut keys: Vec<PublishedKey> = Vec::new();
        for jwk in rings.iter().flat_map(|ring| ring.keys()) {
            if !keys.iter().any(|key| key.is_same(jwk.key())) {
                keys.push(PublishedKey {
                    jwk: jwk.public(),
                    published_at: self.public_since(jwk.kid(), now).unwrap_or(now),
                    until: None,
                });
            }
        }
        for old in self.usable(now) {
            let is_revoked = rings.iter().any(|ring| ring.has_revoked(old.jwk.key()));
            if !is_revoked && !keys.iter().any(|key| key.is_same(old.jwk.key())) {
                keys.push(PublishedKey {
                    until: [old.until, end].into_iter().flatten().min(),
                    ..old.clone()
                });
            }
        }
        Self(keys)
    }
}
