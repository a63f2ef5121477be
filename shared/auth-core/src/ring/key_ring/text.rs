//! A ring as text: a JWK set with further members.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{KeyRing, RingKey};
use crate::{
    key::{KeyError, PrivateJwk, member_objects, parse_members},
    time::UnixTime,
};

impl KeyRing {
    /// Parses a ring, or one or two private keys that someone stored by hand. An RSA key without `alg` is for RS256.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for the first check that fails; [`KeyError::Symmetric`] for an HMAC key;
    /// [`KeyError::Revoked`] if a key is among the revoked ones.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let members = parse_members(text)?;
        // All keys are parsed before they are counted: HMAC keys are not a ring, however many there are.
        let keys = key_objects(&members)?.into_iter().map(RingKey::parse);
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?.into_iter();
        let ring = Self {
            active: keys.next().ok_or(KeyError::EmptySet)?,
            standby: keys.next(),
            active_since: time(&members, "active_since")?,
            revoked: revoked(&members)?,
            derived_from: derived_from(&members)?,
        };
        if keys.next().is_some() {
            return Err(KeyError::Malformed("a ring has at most two keys"));
        }
        ring.check()
    }

    /// Parses what a secret contains. `None` if it contains no ring yet: it is empty, or contains only HMAC keys, which
    /// cannot be published.
    ///
    /// # Errors
    ///
    /// As [`KeyRing::parse`].
    pub fn parse_stored(text: &str) -> Result<Option<Self>, KeyError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        match Self::parse(text) {
            Err(KeyError::Symmetric) if has_only_hmac_keys(text)? => Ok(None),
            parsed => parsed.map(Some),
        }
    }

    /// Returns the text to store, private keys included. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> String {
        self.expose_json().to_string()
    }

    pub(crate) fn expose_json(&self) -> Value {
        json!({
            "keys": self.entries().map(RingKey::expose).collect::<Vec<_>>(),
            "active_since": self.active_since,
            "revoked": self.revoked,
            "derived_from": self.derived_from,
        })
    }
}

/// Returns whether nothing of a ring would be lost: a ring that someone has added an HMAC key to is an error.
fn has_only_hmac_keys(text: &str) -> Result<bool, KeyError> {
    let members = parse_members(text)?;
    let is_hmac = |key: &&Map<String, Value>| key.get("kty").is_some_and(|kty| kty == "oct");
    Ok(!members.contains_key("active_since") && key_objects(&members)?.iter().all(is_hmac))
}

/// Returns the keys of a JWK set, or a JWK itself.
fn key_objects(members: &Map<String, Value>) -> Result<Vec<&Map<String, Value>>, KeyError> {
    match members.get("keys") {
        None => Ok(vec![members]),
        Some(keys) => member_objects(keys),
    }
}

impl RingKey {
    fn parse(members: &Map<String, Value>) -> Result<Self, KeyError> {
        Ok(Self {
            jwk: PrivateJwk::from_members(members)?,
            created_at: time(members, "created_at")?,
        })
    }

    fn expose(&self) -> Value {
        let mut members = self.jwk.expose().clone();
        members.insert("created_at".into(), self.created_at.as_secs().into());
        Value::Object(members)
    }
}

/// Returns a time in whole seconds since 1970; 0 if it is missing, as in a set that was stored by hand.
pub(in crate::ring) fn time(
    members: &Map<String, Value>,
    name: &str,
) -> Result<UnixTime, KeyError> {
    let seconds = members.get(name).map_or(Some(0), Value::as_u64);
    seconds
        .map(UnixTime::from_secs)
        .ok_or(KeyError::Malformed("a time is not in whole seconds"))
}

fn revoked(members: &Map<String, Value>) -> Result<BTreeSet<String>, KeyError> {
    let Some(revoked) = members.get("revoked") else {
        return Ok(BTreeSet::new());
    };
    let kid = |kid: &Value| kid.as_str().map(str::to_owned);
    revoked
        .as_array()
        .and_then(|kids| kids.iter().map(kid).collect())
        .ok_or(KeyError::Malformed("revoked is not an array of strings"))
}

fn derived_from(members: &Map<String, Value>) -> Result<Option<String>, KeyError> {
    match members.get("derived_from") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(version)) => Ok(Some(version.clone())),
        Some(_) => Err(KeyError::Malformed("derived_from is not a string")),
    }
}
