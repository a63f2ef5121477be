//! A set of keys, of which the first signs and all verify, and where it comes from while a process runs.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use serde_json::Value;

use super::{
    Key, KeyError,
    algorithm::{Algorithm, Family},
};
use crate::encoding::json;

/// What keys are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Issuing access tokens, which needs a key that can sign.
    Sign,
    /// Only verifying them; public keys are enough.
    Verify,
    /// Issuing and verifying refresh tokens, which needs HS256 keys.
    Sessions,
}

/// One or more keys with distinct `kid`s, either all for HMAC or all for signatures.
#[derive(Debug, Clone)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Makes a set of these keys.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for an empty set, two keys with the same `kid`, or a set that mixes HMAC and
    /// signature keys: making a verifier use a public key as an HMAC secret is the oldest attack on
    /// JWT (RFC 8725 section 2.1).
    pub fn new(keys: Vec<Key>) -> Result<Self, KeyError> {
        let first = keys.first().ok_or(KeyError::EmptySet)?;
        let is_hmac = |key: &Key| key.algorithm.family() == Family::Hmac;
        if keys.iter().any(|key| is_hmac(key) != is_hmac(first)) {
            return Err(KeyError::MixedSet);
        }
        let is_duplicate = |(i, key): (usize, &Key)| keys[..i].iter().any(|k| k.kid == key.kid);
        if keys.iter().enumerate().any(is_duplicate) {
            return Err(KeyError::DuplicateKid);
        }
        Ok(Self(keys))
    }

    /// Parses a JWK or a JWK set (RFC 7517 sections 4 and 5). `default` is the algorithm of a key without
    /// `alg` whose type allows several.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for the first check that fails: one invalid key invalidates the set.
    pub fn parse(text: &str, default: Algorithm) -> Result<Self, KeyError> {
        let members = json::parse_object(text.as_bytes()).ok_or(KeyError::Malformed(
            "not a JSON object, or a member is repeated",
        ))?;
        let Some(keys) = members.get("keys") else {
            return Self::new(vec![Key::from_jwk(&members, default)?]);
        };
        let keys = keys
            .as_array()
            .and_then(|keys| {
                keys.iter()
                    .map(Value::as_object)
                    .collect::<Option<Vec<_>>>()
            })
            .ok_or(KeyError::Malformed("keys is not an array of objects"))?;
        Self::new(
            keys.into_iter()
                .map(|key| Key::from_jwk(key, default))
                .collect::<Result<_, _>>()?,
        )
    }

    /// Parses a set without secrets, for functions that only verify.
    ///
    /// # Errors
    ///
    /// As [`KeySet::parse`]; [`KeyError::NotPublic`] if a key has a secret member.
    pub fn parse_public(text: &str, default: Algorithm) -> Result<Self, KeyError> {
        let set = Self::parse(text, default)?;
        if set.iter().all(|key| key.is_public) {
            Ok(set)
        } else {
            Err(KeyError::NotPublic)
        }
    }

    /// Returns the key that signs new tokens: the first one, if it can sign.
    #[must_use]
    pub fn signing_key(&self) -> Option<&Key> {
        self.0.first().filter(|key| key.signing.is_some())
    }

    /// Iterates over the keys in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// Returns the set if it can be used for `key_use`.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotForSigning`] if the first key has to sign and cannot, [`KeyError::NotForSessions`]
    /// if a key for refresh tokens is not an HS256 key.
    pub fn for_use(self, key_use: KeyUse) -> Result<Self, KeyError> {
        let is_hs256 = |key: &Key| key.algorithm == Algorithm::HS256;
        if key_use == KeyUse::Sessions && !self.iter().all(is_hs256) {
            return Err(KeyError::NotForSessions);
        }
        if key_use != KeyUse::Verify && self.signing_key().is_none() {
            return Err(KeyError::NotForSigning);
        }
        Ok(self)
    }

    /// Finds the key that the header of a token refers to. A token without a `kid` matches only if the set
    /// has exactly one key.
    pub(crate) fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, &self.0[..]) {
            (Some(kid), keys) => keys.iter().find(|key| key.kid == kid),
            (None, [key]) => Some(key),
            (None, _) => None,
        }
    }
}

impl From<Key> for KeySet {
    fn from(key: Key) -> Self {
        Self(vec![key])
    }
}

/// The keys are unavailable at the moment. The source has logged why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys cannot be read")]
pub struct KeysUnavailable;

/// The result of a [`KeySource`].
pub type KeysFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<KeySet>, KeysUnavailable>> + Send + 'a>>;

/// Provides the key set to use now. A [`KeySet`] converts into a source that never changes.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// Returns the keys to sign and verify with.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if no key set may be used at the moment.
    fn keys(&self) -> KeysFuture<'_>;

    /// Returns the keys again, for a token signed with a key that was not among them. A source whose
    /// keys may have changed reads them again, as often as it can afford.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if the source cannot find out whether there is such a key.
    fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
        self.keys()
    }
}

impl KeySource for Arc<KeySet> {
    fn keys(&self) -> KeysFuture<'_> {
        let keys = Self::clone(self);
        Box::pin(async { Ok(keys) })
    }
}

impl From<KeySet> for Arc<dyn KeySource> {
    fn from(keys: KeySet) -> Self {
        Arc::new(Arc::new(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_key_that_can_only_verify_does_not_sign() {
        let key = r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA","key_ops":["verify"]}"#;
        let set = KeySet::parse(key, Algorithm::HS256).unwrap();
        assert!(set.signing_key().is_none());
        let signing = set.clone().for_use(KeyUse::Sign);
        assert_eq!(signing.map(|_| ()), Err(KeyError::NotForSigning));
        assert!(set.for_use(KeyUse::Verify).is_ok());
    }

    #[test]
    fn refresh_tokens_need_keys_of_one_algorithm() {
        let oct = |alg: &str| {
            let k = "a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTBhM0V6YlZvNGRsUXhkMWw0VURWdVFqZGo";
            format!(r#"{{"kty":"oct","alg":"{alg}","k":"{k}"}}"#)
        };
        let check = |text: &str| {
            let set = KeySet::parse(text, Algorithm::HS256).unwrap();
            set.for_use(KeyUse::Sessions).map(|_| ())
        };
        assert_eq!(check(&oct("HS256")), Ok(()));
        assert_eq!(check(&oct("HS384")), Err(KeyError::NotForSessions));
        assert_eq!(check(PUBLIC), Err(KeyError::NotForSessions));
    }

    #[test]
    fn a_token_without_a_kid_finds_the_only_key_of_a_set() {
        let one = KeySet::parse(PUBLIC, Algorithm::HS256).unwrap();
        // The thumbprint of RFC 8037 appendix A.3.
        assert_eq!(
            one.find(None).unwrap().kid(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert!(one.find(Some("other")).is_none());
    }
}
