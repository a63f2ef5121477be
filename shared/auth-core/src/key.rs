//! Keys: one key with its algorithm, sets of keys, and where they come from while a process runs.
//!
//! Start at [`Key::from_secret`] and [`KeySet::parse`]. A key is checked when it is made, wherever it comes from; the
//! checks of each key type are in the submodules. `cache` keeps keys that may change. With the feature `sign-in`,
//! `pair` has the key pairs that the bundle creates.

mod algorithm;
#[cfg(feature = "key-cache")]
mod cache;
#[cfg(feature = "tokio")]
mod detached;
mod elliptic;
#[cfg(feature = "sign-in")]
mod generation;
mod hmac;
mod jwk;
#[cfg(feature = "sign-in")]
mod pair;
mod rsa;
mod set;
#[cfg(feature = "sign-in")]
mod shared_secret;
#[cfg(feature = "sign-in")]
mod signing;

use base64::Engine;
// Named here, because jsonwebtoken's default provider depends on the whole binary: if another crate enables its feature
// `rust_crypto` too, there is none, and each check of a signature would panic.
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER as PROVIDER;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Map, Value};

use algorithm::Family;
pub use algorithm::{Algorithm, UnknownAlgorithm};
#[cfg(feature = "key-cache")]
pub use cache::{CachedKeys, KeyDocument, ReadError};
#[cfg(feature = "tokio")]
pub use detached::DetachedKeys;
use elliptic::{P256, P384};
use jwk::Jwk;
#[cfg(feature = "sign-in")]
pub(crate) use jwk::{member_objects, parse_members};
#[cfg(feature = "sign-in")]
pub use pair::{GenerationError, PrivateJwk, PublicJwk};
pub use set::{KeySet, KeySource, KeyUse, KeysFuture, KeysUnavailable};
#[cfg(feature = "sign-in")]
pub use shared_secret::{SharedSecret, check_distinct};

use crate::{encoding::BASE64URL, time::UnixTime};

/// Why a key is rejected. No variant carries key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not JSON, or a member is missing, repeated or of the wrong type.
    #[error("not a JWK or JWK set: {0}")]
    Malformed(&'static str),
    /// A `kty` or `crv` that this crate does not support, or that does not match `alg`.
    #[error("{0}")]
    Unsupported(&'static str),
    /// `alg` is not a signature algorithm.
    #[error("alg {0}")]
    Algorithm(#[from] UnknownAlgorithm),
    /// An HMAC secret shorter than the hash (RFC 7518 section 3.2).
    #[error("must be at least {needed} bytes for {algorithm}, has {actual}", algorithm = .algorithm.name())]
    TooShort {
        /// The algorithm that requires the length.
        algorithm: Algorithm,
        /// The minimum length in bytes.
        needed: usize,
        /// The length in bytes.
        actual: usize,
    },
    /// An HMAC secret that anyone can guess.
    #[error("is a placeholder: create one with `openssl rand -base64 48`")]
    Placeholder,
    /// An HMAC secret that is published, such as those of the tests, among keys for deployed functions.
    #[error("is a published secret")]
    KnownSecret,
    /// An RSA modulus or exponent that cannot be trusted.
    #[error("RSA key rejected: {0}")]
    WeakRsa(&'static str),
    /// The parts of the key do not match, or the point is not on the curve (ECDSA) or of small order
    /// (EdDSA).
    #[error("the parts of the key do not match")]
    Inconsistent,
    /// `use` or `key_ops` forbid signatures (RFC 7517 sections 4.2 and 4.3).
    #[error("use and key_ops do not allow signatures")]
    NotForSignatures,
    /// Two keys of a set share a `kid`.
    #[error("two keys have the same kid")]
    DuplicateKid,
    /// One key twice in a set, under two names.
    #[error("two keys are the same key")]
    DuplicateKey,
    /// A set with both HMAC and signature keys, which invites confusing the two.
    #[error("a set must not mix HMAC and signature keys")]
    MixedSet,
    /// A set without keys.
    #[error("the set is empty")]
    EmptySet,
    /// The first key of the set cannot sign, although it has to.
    #[error("the first key cannot sign")]
    NotForSigning,
    /// A key that is not an HS256 key, for a use that needs one.
    #[error("{0} need HS256 keys")]
    NotHs256(&'static str),
    /// An HMAC key among key pairs, whose public halves are published.
    #[error("an HMAC key cannot be published")]
    Symmetric,
    /// A key of the ring, or one that is to be imported, was revoked.
    #[error("a key was revoked")]
    Revoked,
    /// A private or secret key among keys that must be public.
    #[error("must contain only public keys")]
    NotPublic,
}

impl KeyError {
    /// Returns whether the key may be a good one for others.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::Unsupported(_) | Self::Algorithm(_) | Self::NotForSignatures
        )
    }
}

/// A key that verifies, and signs if it has the private part.
#[derive(Debug, Clone)]
pub struct Key {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    /// jsonwebtoken's name for the algorithm.
    jws_algorithm: jsonwebtoken::Algorithm,
    verifying: DecodingKey,
    signing: Option<EncodingKey>,
    is_public: bool,
    /// The `kid` derived from the key, which identifies it even if it has another one.
    fingerprint: String,
    /// Whether the secret is marked as published. Deployed functions must not use it.
    pub(crate) is_known_secret: bool,
    /// When the key expires (exclusive).
    until: Option<UnixTime>,
}

impl Key {
    /// Makes an HMAC key from the bytes of a secret. Its `kid` is derived from the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the secret can be guessed or is too short for `algorithm`, or if `algorithm` is not
    /// an HMAC.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let parts = hmac::parse(secret, algorithm)?;
        Ok(Self {
            kid: parts.derived_kid.clone(),
            algorithm,
            jws_algorithm: algorithm.provider(),
            verifying: parts.verifying,
            signing: parts.signing,
            is_public: false,
            fingerprint: parts.derived_kid,
            is_known_secret: parts.is_known_secret,
            until: None,
        })
    }

    /// Parses the members of a JWK (RFC 7517 section 4). `default` is the algorithm of a key without `alg`
    /// whose type allows several.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for the first check that fails.
    pub(crate) fn from_jwk(
        members: &Map<String, Value>,
        default: Algorithm,
    ) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(members)?;
        let algorithm = jwk.algorithm(default)?;
        let parts = match algorithm.family() {
            Family::Hmac => hmac::parse_jwk(&jwk, algorithm)?,
            Family::Rsa => rsa::parse(&jwk)?,
            Family::Ec if algorithm == Algorithm::ES256 => elliptic::parse_ecdsa(&jwk, &P256)?,
            Family::Ec => elliptic::parse_ecdsa(&jwk, &P384)?,
            Family::Ed => elliptic::parse_ed25519(&jwk)?,
        };
        jwk.check_operations(parts.signing.is_some())?;
        Ok(Self {
            is_public: jwk.is_public(),
            kid: jwk.kid.unwrap_or(&parts.derived_kid).to_owned(),
            algorithm,
            jws_algorithm: algorithm.provider(),
            verifying: parts.verifying,
            signing: parts.signing.filter(|_| jwk.may_sign),
            fingerprint: parts.derived_kid,
            is_known_secret: parts.is_known_secret,
            until: None,
        })
    }

    /// Returns the name by which the header of a token refers to the key (RFC 7515 section 4.1.4).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the only algorithm that the key is used with (RFC 8725 section 3.1).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns whether the key may be used.
    fn is_usable(&self, now: UnixTime) -> bool {
        now.is_before(self.until)
    }

    /// Checks whether `signature`, in base64url, is this key's signature of `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &str) -> bool {
        let verifier = (PROVIDER.verifier_factory)(&self.jws_algorithm, &self.verifying);
        match (verifier, BASE64URL.decode(signature)) {
            (Ok(verifier), Ok(signature)) => verifier.verify(message, &signature).is_ok(),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }
}

/// The result of parsing a JWK of some key type.
struct Parts {
    verifying: DecodingKey,
    signing: Option<EncodingKey>,
    /// The `kid` of a key that has none, the same in every process that reads the key.
    derived_kid: String,
    is_known_secret: bool,
}

/// Returns the thumbprint (RFC 7638 section 3) of `required`, the JSON of the required members in order.
fn thumbprint(required: &str) -> String {
    BASE64URL.encode(aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        required.as_bytes(),
    ))
}
