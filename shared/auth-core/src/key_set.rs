//! A set of keys: the first signs, all verify.

use serde_json::Value;

use crate::{
    algorithm::{Algorithm, Family},
    json,
    key::{Key, KeyError},
    settings::KeyUse,
};

/// One or more keys with distinct names, either all HMAC or all for signatures.
#[derive(Debug, Clone)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// A set of these keys.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for an empty set, two keys of one `kid`, or a set that mixes HMAC and
    /// signature keys: a verifier that can be talked into taking a public key for an HMAC secret
    /// is the oldest attack on JWT (RFC 8725 section 2.1).
    pub fn new(keys: Vec<Key>) -> Result<Self, KeyError> {
        let first = keys.first().ok_or(KeyError::EmptySet)?;
        let is_hmac = |key: &Key| key.algorithm().family() == Family::Hmac;
        if keys.iter().any(|key| is_hmac(key) != is_hmac(first)) {
            return Err(KeyError::MixedSet);
        }
        let is_double = |(i, key): (usize, &Key)| keys[..i].iter().any(|k| k.kid() == key.kid());
        if keys.iter().enumerate().any(is_double) {
            return Err(KeyError::DuplicateKid);
        }
        Ok(Self(keys))
    }

    /// Parses a JWK or a JWK set (RFC 7517 sections 4 and 5). `default` is the algorithm of a key
    /// that names none and whose type leaves a choice.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for the first key or rule that fails: one bad key refuses the set.
    pub fn parse(text: &str, default: Algorithm) -> Result<Self, KeyError> {
        let members = json::parse_object(text.as_bytes()).ok_or(KeyError::Malformed(
            "not a JSON object, or a member stands twice",
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

    /// Parses a set that holds nothing secret, for functions that only verify.
    ///
    /// # Errors
    ///
    /// As [`KeySet::parse`]; [`KeyError::NotPublic`] where a key has a secret member.
    pub fn parse_public(text: &str, default: Algorithm) -> Result<Self, KeyError> {
        let set = Self::parse(text, default)?;
        if set.0.iter().all(Key::is_public) {
            Ok(set)
        } else {
            Err(KeyError::NotPublic)
        }
    }

    /// The key that signs new tokens: the first, where it can sign.
    #[must_use]
    pub fn signing_key(&self) -> Option<&Key> {
        self.0.first().filter(|key| key.can_sign())
    }

    /// All keys, the first first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// The set, where it is fit for what a function does with it.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotForSigning`] where the first key has to sign and cannot,
    /// [`KeyError::NotForSessions`] where a key for refresh tokens is of another algorithm than HS256.
    pub fn fit_for(self, key_use: KeyUse) -> Result<Self, KeyError> {
        let is_fit = |key: &Key| key.algorithm() == Algorithm::HS256;
        if key_use == KeyUse::Sessions && !self.iter().all(is_fit) {
            return Err(KeyError::NotForSessions);
        }
        if key_use != KeyUse::Verify && self.signing_key().is_none() {
            return Err(KeyError::NotForSigning);
        }
        Ok(self)
    }

    /// The key of a token's header. Without a `kid` only a set of one key is unambiguous.
    pub(crate) fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, &self.0[..]) {
            (Some(kid), keys) => keys.iter().find(|key| key.kid() == kid),
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

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_key_that_may_only_verify_does_not_sign() {
        let key = r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA","key_ops":["verify"]}"#;
        let set = KeySet::parse(key, Algorithm::HS256).unwrap();
        assert!(set.signing_key().is_none());
    }

    #[test]
    fn refresh_tokens_take_keys_of_one_algorithm() {
        let oct = |alg: &str| {
            let k = "a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTBhM0V6YlZvNGRsUXhkMWw0VURWdVFqZGo";
            format!(r#"{{"kty":"oct","alg":"{alg}","k":"{k}"}}"#)
        };
        let fit = |text: &str| {
            let set = KeySet::parse(text, Algorithm::HS256).unwrap();
            set.fit_for(KeyUse::Sessions).map(|_| ())
        };
        assert_eq!(fit(&oct("HS256")), Ok(()));
        assert_eq!(fit(&oct("HS384")), Err(KeyError::NotForSessions));
        assert_eq!(fit(PUBLIC), Err(KeyError::NotForSessions));
    }

    #[test]
    fn a_token_without_a_kid_finds_the_one_key_of_a_set() {
        let one = KeySet::parse(PUBLIC, Algorithm::HS256).unwrap();
        // The thumbprint of RFC 8037 appendix A.3.
        assert_eq!(
            one.find(None).unwrap().kid(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert!(one.find(Some("other")).is_none());
    }
}
