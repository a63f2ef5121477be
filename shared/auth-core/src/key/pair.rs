//! Key pairs of access tokens, as JWKs: a [`PrivateJwk`] signs and is stored, its [`PublicJwk`] is published.
//!
//! Start at [`PrivateJwk::generate`]. Every JWK is checked when it is made. A `PrivateJwk` shows its private members
//! only through [`PrivateJwk::expose`].

use std::fmt;

use serde_json::{Map, Value};

use super::{
    Algorithm, Key, KeyError,
    generation::{generate_ed25519, generate_p256, generate_rsa},
    jwk::parse_members,
};

/// The members that a published key may have (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
const PUBLIC_MEMBERS: [&str; 9] = ["kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"];

/// The further members of a private key (RFC 7518 sections 6.2.2 and 6.3.2).
const PRIVATE_MEMBERS: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

/// A key cannot be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GenerationError {
    /// The bundle creates keys only for RS256, ES256 and `EdDSA`.
    #[error("keys can be created for RS256, ES256 and EdDSA, not for {}", .0.name())]
    Algorithm(Algorithm),
    /// AWS-LC failed, for example because no randomness is available.
    #[error("no key could be created")]
    Failed,
}

/// A key that can sign, with its algorithm and `kid`. HMAC keys are excluded: they have no public half.
#[derive(Clone)]
pub struct PrivateJwk {
    members: Map<String, Value>,
    key: Key,
}

/// The public half of a key, with its algorithm and `kid`.
#[derive(Clone)]
pub struct PublicJwk {
    members: Map<String, Value>,
    key: Key,
}

impl PrivateJwk {
    /// Creates a key. Its `kid` is its thumbprint (RFC 7638). An RSA key has 2048 bits, and takes a fraction of a
    /// second.
    ///
    /// # Errors
    ///
    /// [`GenerationError`] for an algorithm other than RS256, ES256 and `EdDSA`, or if AWS-LC fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, GenerationError> {
        let generate = generator(algorithm).ok_or(GenerationError::Algorithm(algorithm))?;
        let members = generate().ok_or(GenerationError::Failed)?.into_iter();
        let members = members.map(|(name, value)| (name.to_owned(), value.into()));
        Self::from_members(&members.collect()).map_err(|_| GenerationError::Failed)
    }

    /// Parses the JWK of a private key. An RSA key without `alg` is for RS256. A key without `kid` gets its
    /// thumbprint.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for the first check that fails; [`KeyError::NotForSigning`] if the private half is missing or
    /// `key_ops` forbid its use; [`KeyError::Symmetric`] for an HMAC key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::from_members(&parse_members(text)?)
    }

    pub(crate) fn from_members(members: &Map<String, Value>) -> Result<Self, KeyError> {
        let key = signature_key(members)?;
        if key.signing.is_none() {
            return Err(KeyError::NotForSigning);
        }
        let names = [&PUBLIC_MEMBERS[..], &PRIVATE_MEMBERS].concat();
        let members = complete(members, &names, &key);
        Ok(Self { members, key })
    }

    /// Returns the key with its thumbprint as `kid`.
    pub(crate) fn named_by_thumbprint(&self) -> Result<Self, KeyError> {
        let mut members = self.members.clone();
        members.remove("kid");
        Self::from_members(&members)
    }

    /// Returns the `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// Returns the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm
    }

    /// Returns the public half.
    #[must_use]
    pub fn public(&self) -> PublicJwk {
        let members = complete(&self.members, &PUBLIC_MEMBERS, &self.key);
        let key = self.key.clone().into_public();
        PublicJwk { members, key }
    }

    /// Returns the members, private ones included. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Returns the key that signs and verifies.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

impl PublicJwk {
    /// Parses the members of a JWK, and keeps those that a published key may have.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for the first check that fails; [`KeyError::NotPublic`] if a member is private;
    /// [`KeyError::Symmetric`] for an HMAC key.
    pub(crate) fn from_members(members: &Map<String, Value>) -> Result<Self, KeyError> {
        let key = signature_key(members)?;
        if !key.is_public {
            return Err(KeyError::NotPublic);
        }
        let members = complete(members, &PUBLIC_MEMBERS, &key);
        Ok(Self { members, key })
    }

    /// Returns the `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// Returns the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm
    }

    /// Returns the members: `kty`, `use`, `alg`, `kid` and those of the key type.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Returns the key that verifies.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

impl Algorithm {
    /// Returns whether [`PrivateJwk::generate`] supports this algorithm.
    #[must_use]
    pub fn supports_generation(self) -> bool {
        generator(self).is_some()
    }
}

/// Returns the members of a new private key; `None` if AWS-LC fails.
type Generate = fn() -> Option<Vec<(&'static str, String)>>;

/// Returns what creates keys for `algorithm`: one algorithm for each type of key pair.
fn generator(algorithm: Algorithm) -> Option<Generate> {
    match algorithm {
        Algorithm::RS256 => Some(generate_rsa),
        Algorithm::ES256 => Some(generate_p256),
        Algorithm::EdDSA => Some(generate_ed25519),
        Algorithm::HS256
        | Algorithm::HS384
        | Algorithm::HS512
        | Algorithm::RS384
        | Algorithm::RS512
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512
        | Algorithm::ES384 => None,
    }
}

fn signature_key(members: &Map<String, Value>) -> Result<Key, KeyError> {
    if members.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err(KeyError::Symmetric);
    }
    Key::from_jwk(members, Algorithm::RS256)
}

/// Returns the members with these names, and `use`, `alg` and `kid` of the key.
fn complete(members: &Map<String, Value>, names: &[&str], key: &Key) -> Map<String, Value> {
    let mut complete: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    complete.insert("use".into(), "sig".into());
    complete.insert("alg".into(), key.algorithm.name().into());
    complete.insert("kid".into(), key.kid().into());
    complete
}

impl PartialEq for PrivateJwk {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Eq for PrivateJwk {}

impl fmt::Debug for PrivateJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateJwk({})", self.kid())
    }
}

impl PartialEq for PublicJwk {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Eq for PublicJwk {}

impl fmt::Debug for PublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicJwk({})", self.kid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeySet, KeyUse};

    const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

    fn text(members: &Map<String, Value>) -> String {
        Value::Object(members.clone()).to_string()
    }

    #[test]
    fn a_created_key_is_parsed_by_the_function_that_signs_and_its_public_half_by_guards() {
        for algorithm in ALGORITHMS {
            assert!(algorithm.supports_generation());
            let created = PrivateJwk::generate(algorithm).unwrap();
            let private = text(created.expose());
            let set = KeySet::parse_deployed(&private, Algorithm::HS256, KeyUse::Sign).unwrap();
            let signing = set.signing_key().unwrap();
            assert_eq!(signing.algorithm(), algorithm);
            assert_eq!(signing.kid(), created.kid());

            let public = text(created.public().members());
            let guard = KeySet::parse_public(&public, Algorithm::HS256).unwrap();
            let signature = signing.sign(b"message").unwrap();
            let signature = base64::Engine::encode(&crate::encoding::BASE64URL, signature);
            let verifying = guard.find(Some(created.kid())).unwrap();
            assert!(verifying.verify(b"message", &signature));
            assert!(!verifying.verify(b"another", &signature));
        }
    }

    #[test]
    fn a_created_key_has_exactly_the_members_of_its_type() {
        for (algorithm, public, private) in [
            (
                Algorithm::RS256,
                vec!["alg", "e", "kid", "kty", "n", "use"],
                vec!["d", "dp", "dq", "p", "q", "qi"],
            ),
            (
                Algorithm::ES256,
                vec!["alg", "crv", "kid", "kty", "use", "x", "y"],
                vec!["d"],
            ),
            (
                Algorithm::EdDSA,
                vec!["alg", "crv", "kid", "kty", "use", "x"],
                vec!["d"],
            ),
        ] {
            let created = PrivateJwk::generate(algorithm).unwrap();
            let names = |members: &Map<String, Value>| {
                let mut names: Vec<_> = members.keys().cloned().collect();
                names.sort();
                names
            };
            assert_eq!(names(created.public().members()), public);
            let mut all = [public, private].concat();
            all.sort_unstable();
            assert_eq!(names(created.expose()), all);
        }
    }

    #[test]
    fn an_rsa_key_has_2048_bits_and_the_usual_exponent() {
        let created = PrivateJwk::generate(Algorithm::RS256).unwrap();
        let octets = |name: &str| {
            let text = created.expose()[name].as_str().unwrap().to_owned();
            base64::Engine::decode(&crate::encoding::BASE64URL, text).unwrap()
        };
        let modulus = octets("n");
        assert_eq!((modulus.len(), modulus[0] >> 7), (256, 1));
        assert_eq!(octets("e"), [1, 0, 1]);
    }

    #[test]
    fn the_kid_is_the_thumbprint_and_two_keys_differ() {
        for algorithm in ALGORITHMS {
            let created = PrivateJwk::generate(algorithm).unwrap();
            let mut members = created.expose().clone();
            members.remove("kid");
            let without = PrivateJwk::from_members(&members).unwrap();
            assert_eq!(without, created);
            assert_ne!(PrivateJwk::generate(algorithm).unwrap(), created);
        }
    }

    #[test]
    fn a_key_keeps_the_kid_that_it_was_given_and_no_foreign_member() {
        let created = PrivateJwk::generate(Algorithm::EdDSA).unwrap();
        let mut members = created.expose().clone();
        members.insert("kid".into(), "2026-11".into());
        members.insert("x5u".into(), "https://example.com".into());
        let parsed = PrivateJwk::parse(&text(&members)).unwrap();
        assert_eq!(parsed.kid(), "2026-11");
        assert!(!parsed.expose().contains_key("x5u"));
        assert_eq!(parsed.public().kid(), "2026-11");
    }

    #[test]
    fn hmac_keys_public_keys_and_other_algorithms_are_rejected() {
        let oct = r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
        assert_eq!(PrivateJwk::parse(oct), Err(KeyError::Symmetric));
        let created = PrivateJwk::generate(Algorithm::EdDSA).unwrap();
        let public = text(created.public().members());
        assert_eq!(PrivateJwk::parse(&public), Err(KeyError::NotForSigning));
        let other = PrivateJwk::parse("hunter2");
        assert!(matches!(other, Err(KeyError::Malformed(_))));
        let private = PublicJwk::from_members(created.expose());
        assert_eq!(private, Err(KeyError::NotPublic));
        for algorithm in [Algorithm::HS256, Algorithm::RS512, Algorithm::ES384] {
            let error = PrivateJwk::generate(algorithm).unwrap_err();
            assert_eq!(error, GenerationError::Algorithm(algorithm));
            assert!(!algorithm.supports_generation());
        }
    }

    #[test]
    fn debug_shows_only_the_kid() {
        let created = PrivateJwk::generate(Algorithm::EdDSA).unwrap();
        let kid = created.kid();
        assert_eq!(format!("{created:?}"), format!("PrivateJwk({kid})"));
    }
}
