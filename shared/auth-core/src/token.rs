//! Access tokens (RFC 9068): their format, the rules that issuer and guard share, and the checks of
//! a received one.
//!
//! [`jws`] checks the signature, [`claims`] the claims. Neither reads the `Authorization` header
//! ([`crate::bearer`]) nor issues tokens. `issued` has what the issuer writes.

pub(crate) mod claims;
#[cfg(feature = "sign-in")]
pub(crate) mod issued;
pub(crate) mod jws;

use std::time::Duration;

#[cfg(feature = "sign-in")]
pub use issued::AccessToken;
pub use jws::{MAX_TOKEN_BYTES, verify_compact};

/// The media type of an access token (RFC 9068 section 2.1).
pub(crate) const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The rules that issuer and guard agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// The `iss` of tokens.
    pub issuer: String,
    /// The `aud` of tokens, and the realm of `WWW-Authenticate`.
    pub audience: String,
    /// The lifetime of an access token. The guard rejects tokens with a longer one.
    pub expiration: Duration,
    /// How far two clocks may differ.
    pub leeway: Duration,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            issuer: "auth".into(),
            audience: "api".into(),
            expiration: Duration::from_hours(1),
            leeway: Duration::from_secs(5),
        }
    }
}

/// Why a token is rejected. The reason is for logs, never for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("token too long")]
    TooLong,
    /// Not three parts.
    #[error("not three parts")]
    NotThreeParts,
    /// A part is not canonical, unpadded base64url.
    #[error("not base64url")]
    NotBase64Url,
    /// The header is not a JSON object, or a member is repeated.
    #[error("header is not a JSON object with unique members")]
    InvalidHeader,
    /// The header has a member that is never accepted.
    #[error("forbidden header member")]
    ForbiddenHeader,
    /// `kid` is missing although it is required, or is not a string.
    #[error("no kid")]
    MissingKid,
    /// `kid` names a key that is not in the set.
    #[error("unknown kid")]
    UnknownKid,
    /// `alg` is not the algorithm of the key.
    #[error("alg is not that of the key")]
    WrongAlgorithm,
    /// `typ` is not that of an access token (RFC 9068 section 2.1).
    #[error("typ is not at+jwt")]
    WrongType,
    /// The MAC or signature is wrong.
    #[error("wrong signature")]
    WrongSignature,
    /// The claims are not a JSON object, or a member is repeated.
    #[error("claims are not a JSON object with unique members")]
    InvalidClaims,
    /// A claim is missing, empty, out of range or of the wrong type.
    #[error("claim {0} is missing or malformed")]
    MalformedClaim(&'static str),
    /// `iss` is not the configured issuer.
    #[error("wrong issuer")]
    WrongIssuer,
    /// `aud` does not contain the configured audience.
    #[error("wrong audience")]
    WrongAudience,
    /// `nbf` or `iat` is in the future.
    #[error("not valid yet")]
    NotYetValid,
    /// `exp` is not later than `iat`, or the lifetime is longer than the configured one.
    #[error("lifetime out of bounds")]
    InvalidLifetime,
    /// `exp` has passed.
    #[error("token has expired")]
    Expired,
}
