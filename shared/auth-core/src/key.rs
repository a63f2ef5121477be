//! One key with its algorithm, checked when it is made. That nobody can guess an HMAC secret is
//! checked by [`Key::from_secret`] alone: published test vectors have JWKs that anyone can.
//!
//! Start at [`Key::from_secret`] and `Key::from_jwk`. The checks per key type are in the submodules.

mod elliptic;
mod hmac;
mod jwk;
mod rsa;

use jsonwebtoken::{DecodingKey, EncodingKey, crypto};
use serde_json::{Map, Value};

use elliptic::{P256, P384};
use jwk::Jwk;

use crate::algorithm::{Algorithm, Family};

/// Why a key is refused. No variant carries key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not JSON, or a member is missing, of a wrong type, or stands twice.
    #[error("not a JWK or JWK set: {0}")]
    Malformed(&'static str),
    /// A `kty` or `crv` that this crate does not have, or one that does not fit `alg`.
    #[error("{0}")]
    Unsupported(&'static str),
    /// `alg` is no algorithm for signatures.
    #[error("alg {0}")]
    Algorithm(#[from] crate::algorithm::UnknownAlgorithm),
    /// An HMAC secret shorter than the hash (RFC 7518 section 3.2).
    #[error("must be at least {needed} bytes for {algorithm}, has {actual}", algorithm = .algorithm.name())]
    TooShort {
        /// The algorithm that asks for the length.
        algorithm: Algorithm,
        /// The least length in bytes.
        needed: usize,
        /// The length in bytes.
        actual: usize,
    },
    /// An HMAC secret that anyone can guess.
    #[error("is a placeholder: make one with `openssl rand -base64 48`")]
    Placeholder,
    /// An RSA modulus or exponent that cannot be trusted.
    #[error("RSA key refused: {0}")]
    WeakRsa(&'static str),
    /// The parts of the key do not belong together, or the point is not on the curve of ECDSA, or
    /// of small order on that of EdDSA.
    #[error("key parts do not fit each other")]
    Inconsistent,
    /// `use` or `key_ops` forbid signatures (RFC 7517 sections 4.2 and 4.3).
    #[error("use and key_ops do not allow signatures")]
    NotForSignatures,
    /// Two keys of a set share a `kid`.
    #[error("two keys have one kid")]
    DuplicateKid,
    /// A set with HMAC keys beside public ones, which invites confusing the two.
    #[error("a set may not mix HMAC and signature keys")]
    MixedSet,
    /// A set without keys.
    #[error("the set has no key")]
    EmptySet,
    /// The first key of a set has to sign and cannot.
    #[error("the first key cannot sign")]
    NotForSigning,
    /// A key for refresh tokens that is no HS256 key.
    #[error("refresh tokens take HS256 keys alone")]
    NotForSessions,
    /// A private or secret key where public ones are expected.
    #[error("must hold public keys alone")]
    NotPublic,
}

/// A key that verifies, and signs where it holds the private part.
#[derive(Debug, Clone)]
pub struct Key {
    kid: String,
    algorithm: Algorithm,
    verifying: DecodingKey,
    signing: Option<EncodingKey>,
    is_public: bool,
}

impl Key {
    /// An HMAC key from the bytes of a secret. Its `kid` is derived from the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where the secret is too short for `algorithm` or a placeholder, or where
    /// `algorithm` is not an HMAC.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        hmac::check_guessable(secret)?;
        hmac::check_length(secret, algorithm)?;
        Ok(Self {
            kid: hmac::derived_kid(secret),
            algorithm,
            verifying: DecodingKey::from_secret(secret),
            signing: Some(EncodingKey::from_secret(secret)),
            is_public: false,
        })
    }

    /// A key from the members of a JWK (RFC 7517 section 4). `default` is the algorithm of a key
    /// that names none and whose type leaves a choice.
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
            Family::Hmac => hmac::parse(&jwk, algorithm)?,
            Family::Rsa => rsa::parse(&jwk)?,
            Family::Ec if algorithm == Algorithm::ES256 => elliptic::parse_ecdsa(&jwk, &P256)?,
            Family::Ec => elliptic::parse_ecdsa(&jwk, &P384)?,
            Family::Ed => elliptic::parse_ed25519(&jwk)?,
        };
        jwk.check_operations(parts.signing.is_some())?;
        Ok(Self {
            is_public: jwk.is_public(),
            kid: jwk.kid.map_or(parts.derived_kid, str::to_owned),
            algorithm,
            verifying: parts.verifying,
            signing: parts.signing.filter(|_| jwk.may_sign),
        })
    }

    /// The name by which a token's header calls the key (RFC 7515 section 4.1.4).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that the key is used with (RFC 8725 section 3.1).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the key can sign.
    pub(crate) fn can_sign(&self) -> bool {
        self.signing.is_some()
    }

    /// Whether the key was made of the public half of a key pair, and no more.
    pub(crate) fn is_public(&self) -> bool {
        self.is_public
    }

    /// The signature of `message` in base64url, or `None` where the key cannot sign.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<String> {
        let signing = self.signing.as_ref()?;
        crypto::sign(message, signing, self.algorithm.provider()).ok()
    }

    /// Whether `signature`, in base64url, is this key's of `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &str) -> bool {
        crypto::verify(
            signature,
            message,
            &self.verifying,
            self.algorithm.provider(),
        )
        .unwrap_or(false)
    }
}

/// What the parser of a key type makes of a JWK.
struct Parts {
    verifying: DecodingKey,
    signing: Option<EncodingKey>,
    /// The `kid` of a key that has none, the same in every process that reads the key.
    derived_kid: String,
}

/// The thumbprint of RFC 7638 section 3 over `required`, the JSON of the required members in order.
fn thumbprint(required: &str) -> String {
    crate::base64url::encode(aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        required.as_bytes(),
    ))
}
