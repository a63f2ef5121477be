//! A set of keys, of which the first signs and all verify, and where it comes from while a process runs.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use serde_json::{Map, Value};

use super::{
    Key, KeyError,
    algorithm::{Algorithm, Family},
    jwk::{member_objects, parse_members},
};
use crate::time::UnixTime;

/// What keys are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Issuing access tokens, which needs a key that can sign.
    Sign,
    /// Only verifying them; public keys are enough.
    Verify,
    /// Issuing and verifying refresh tokens, which needs HS256 keys.
    Sessions,
    /// Naming counters, and issuing and verifying device tokens, which needs HS256 keys.
    Counters,
    /// Issuing and verifying the tokens of links in emails, which needs HS256 keys.
    Actions,
}

/// One or more keys with distinct `kid`s, either all for HMAC or all for signatures.
#[derive(Debug, Clone)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Makes a set of these keys.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for an empty set, two keys with the same `kid`, one key under two names, or a set that mixes HMAC
    /// and signature keys: making a verifier use a public key as an HMAC secret is the oldest attack on JWT (RFC 8725
    /// section 2.1).
    pub fn new(keys: Vec<Key>) -> Result<Self, KeyError> {
        let first = keys.first().ok_or(KeyError::EmptySet)?;
        if keys.iter().any(|key| is_hmac(key) != is_hmac(first)) {
            return Err(KeyError::MixedSet);
        }
        for (i, key) in keys.iter().enumerate() {
            if keys[..i].iter().any(|other| other.kid == key.kid) {
                return Err(KeyError::DuplicateKid);
            }
            if keys[..i]
                .iter()
                .any(|other| other.fingerprint == key.fingerprint)
            {
                return Err(KeyError::DuplicateKey);
            }
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
        let members = parse_members(text)?;
        let keys = jwks(&members)?.into_iter();
        let keys = keys.map(|key| Key::from_jwk(key, default));
        Self::new(keys.collect::<Result<_, _>>()?)
    }

    /// Parses a set without secrets, for functions that only verify.
    ///
    /// # Errors
    ///
    /// As [`KeySet::parse`]; [`KeyError::NotPublic`] if a key has a secret member.
    pub fn parse_public(text: &str, default: Algorithm) -> Result<Self, KeyError> {
        Self::parse(text, default)?.public()
    }

    /// Parses a set that others publish, without the keys that this crate cannot verify with (RFC 7517 section 5).
    ///
    /// # Errors
    ///
    /// As [`KeySet::parse_public`]; the reason of the first such key if no other one remains.
    pub fn parse_published(text: &str, default: Algorithm) -> Result<Self, KeyError> {
        let members = parse_members(text)?;
        let (mut keys, mut skipped) = (Vec::new(), None);
        for members in jwks(&members)? {
            match Key::from_jwk(members, default) {
                Ok(key) => keys.push(key),
                Err(error) if error.is_unsupported() => {
                    skipped.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match skipped {
            Some(error) if keys.is_empty() => Err(error),
            _ => Self::new(keys)?.public(),
        }
    }

    /// Parses a set of deployed keys, as in Secrets Manager, which are used for `key_use`.
    ///
    /// # Errors
    ///
    /// As [`KeySet::parse`]; [`KeyError::KnownSecret`] if a secret is published; [`KeyError::NotHs256`] or
    /// [`KeyError::NotForSigning`] if the keys do not suit `key_use`.
    pub fn parse_deployed(
        text: &str,
        default: Algorithm,
        key_use: KeyUse,
    ) -> Result<Self, KeyError> {
        let set = Self::parse(text, default)?;
        if set.iter().any(|key| key.is_known_secret) {
            return Err(KeyError::KnownSecret);
        }
        set.for_use(key_use)
    }

    /// Returns the set without the keys that may no longer be used, or `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// [`KeyError::EmptySet`] if no key may be used.
    pub fn usable_at(&self, now: UnixTime) -> Result<Option<Self>, KeyError> {
        let usable: Vec<&Key> = self.iter().filter(|key| key.is_usable(now)).collect();
        if usable.len() == self.0.len() {
            return Ok(None);
        }
        Self::new(usable.into_iter().cloned().collect()).map(Some)
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

    /// Returns whether both sets contain the same HMAC secret, whatever its `kid`s. The keys of two uses
    /// must not: anyone who may read one set could forge what the other one signs.
    #[must_use]
    pub fn shares_secret_with(&self, other: &Self) -> bool {
        let is_shared = |key: &Key| other.iter().any(|k| k.fingerprint == key.fingerprint);
        self.iter().any(|key| is_hmac(key) && is_shared(key))
    }

    /// Returns the set if it has no secrets.
    fn public(self) -> Result<Self, KeyError> {
        if self.iter().all(|key| key.is_public) {
            Ok(self)
        } else {
            Err(KeyError::NotPublic)
        }
    }

    /// Returns the set if it can be used for `key_use`.
    fn for_use(self, key_use: KeyUse) -> Result<Self, KeyError> {
        let is_hs256 = self.iter().all(|key| key.algorithm == Algorithm::HS256);
        match key_use {
            KeyUse::Sessions if !is_hs256 => Err(KeyError::NotHs256("refresh tokens")),
            KeyUse::Counters if !is_hs256 => Err(KeyError::NotHs256("counters")),
            KeyUse::Actions if !is_hs256 => Err(KeyError::NotHs256("links in emails")),
            KeyUse::Sign | KeyUse::Sessions | KeyUse::Counters | KeyUse::Actions
                if self.signing_key().is_none() =>
            {
                Err(KeyError::NotForSigning)
            }
            KeyUse::Sign
            | KeyUse::Verify
            | KeyUse::Sessions
            | KeyUse::Counters
            | KeyUse::Actions => Ok(self),
        }
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

/// Returns the JWKs of a JWK set, or the only one.
fn jwks(members: &Map<String, Value>) -> Result<Vec<&Map<String, Value>>, KeyError> {
    match members.get("keys") {
        None => Ok(vec![members]),
        Some(keys) => member_objects(keys),
    }
}

fn is_hmac(key: &Key) -> bool {
    key.algorithm.family() == Family::Hmac
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
    use base64::Engine;

    use super::*;
    use crate::encoding::BASE64URL;

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

    /// Returns the JWK of a secret with this first byte.
    fn oct(alg: &str, kid: &str, first: u8) -> String {
        let secret: Vec<u8> = (first..first + 64).collect();
        let k = BASE64URL.encode(secret);
        format!(r#"{{"kty":"oct","alg":"{alg}","kid":"{kid}","k":"{k}"}}"#)
    }

    fn parse(text: &str) -> KeySet {
        KeySet::parse(text, Algorithm::HS256).unwrap()
    }

    #[test]
    fn refresh_tokens_counters_and_links_need_keys_of_one_algorithm() {
        for (key_use, what) in [
            (KeyUse::Sessions, "refresh tokens"),
            (KeyUse::Counters, "counters"),
            (KeyUse::Actions, "links in emails"),
        ] {
            let check = |text: &str| parse(text).for_use(key_use).map(|_| ());
            assert_eq!(check(&oct("HS256", "a", 0)), Ok(()));
            let error = Err(KeyError::NotHs256(what));
            assert_eq!(check(&oct("HS384", "a", 0)), error);
            assert_eq!(check(PUBLIC), error);
            let verifying =
                oct("HS256", "a", 0).replace("\"kid\"", "\"key_ops\":[\"verify\"],\"kid\"");
            assert_eq!(check(&verifying), Err(KeyError::NotForSigning));
        }
    }

    #[test]
    fn a_published_secret_is_not_deployed() {
        let published =
            BASE64URL.encode("bench-not-for-deployment-Zr8Qw2Lm6Tk4Vb9Xp3HnYc5Jd7Ks1Fg0Ru4WaNe");
        let published = format!(r#"{{"kty":"oct","k":"{published}"}}"#);
        let second = format!(r#"{{"keys":[{},{published}]}}"#, oct("HS256", "a", 0));
        let unencoded =
            r#"{"kty":"oct","k":"bench-not-for-deployment-Zr8Qw2Lm6Tk4Vb9Xp3HnYc5Jd7Ks1A"}"#;
        for key_use in [
            KeyUse::Sign,
            KeyUse::Verify,
            KeyUse::Sessions,
            KeyUse::Counters,
            KeyUse::Actions,
        ] {
            let deployed = |text: &str| {
                KeySet::parse_deployed(text, Algorithm::HS256, key_use)
                    .map(|set| set.iter().count())
            };
            assert_eq!(deployed(&oct("HS256", "a", 0)), Ok(1));
            for text in [&published, &second, unencoded] {
                assert_eq!(deployed(text), Err(KeyError::KnownSecret), "{key_use:?}");
            }
        }
        assert!(KeySet::parse(&second, Algorithm::HS256).is_ok());
    }

    #[test]
    fn a_placeholder_is_rejected_in_the_bytes_and_in_the_text_of_a_jwk() {
        let placeholder = "changeme-changethis-mysecret-password-00000";
        for k in [placeholder, &BASE64URL.encode(placeholder)] {
            let jwk = format!(r#"{{"kty":"oct","k":"{k}"}}"#);
            let parsed = KeySet::parse(&jwk, Algorithm::HS256);
            assert_eq!(parsed.map(|_| ()), Err(KeyError::Placeholder), "{k}");
        }
    }

    #[test]
    fn a_secret_in_two_sets_is_found_whatever_its_kid_and_algorithm() {
        let one = parse(&oct("HS256", "a", 0));
        let renamed = parse(&oct("HS512", "b", 0));
        let other = parse(&oct("HS256", "a", 1));
        let without_kid = Key::from_secret(&(0..64).collect::<Vec<u8>>(), Algorithm::HS256);
        let both = parse(&format!(
            r#"{{"keys":[{},{}]}}"#,
            oct("HS256", "c", 1),
            oct("HS256", "d", 0)
        ));
        for (set, is_shared) in [
            (&one, true),
            (&renamed, true),
            (&without_kid.unwrap().into(), true),
            (&both, true),
            (&other, false),
            (&parse(PUBLIC), false),
        ] {
            assert_eq!(one.shares_secret_with(set), is_shared, "{set:?}");
            assert_eq!(set.shares_secret_with(&one), is_shared, "{set:?}");
        }
        assert!(!parse(PUBLIC).shares_secret_with(&parse(PUBLIC)));
    }

    #[test]
    fn a_set_does_not_show_its_secrets() {
        let secret = b"S3CR3T-kq0zw6d1mxr4b-p5vt9cy3h7ejn2ua";
        let set = KeySet::from(Key::from_secret(secret, Algorithm::HS256).unwrap());
        let text = format!("{set:?}");
        let bytes = format!("{:?}", &secret[..4]);
        for part in [
            "S3CR3T",
            &BASE64URL.encode(secret)[..8],
            bytes.trim_matches(['[', ']']),
        ] {
            assert!(!text.contains(part), "{text}");
        }
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
