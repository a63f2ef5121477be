//! Access tokens (RFC 9068): their format, the rules that issuer and guard share, and the checks of
//! a received one.
//!
//! [`jws`] checks the signature, [`claims`] the claims. Neither reads the `Authorization` header
//! ([`crate::bearer`]) nor issues tokens ([`crate::issuer`]).

pub(crate) mod claims;
pub(crate) mod jws;

use std::{fmt, time::Duration};

use aws_lc_rs::rand;
use base64::Engine;
use serde::{Deserialize, Serialize};

use crate::encoding::BASE64URL;

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

/// A signed access token, as a compact JWS. Its `Debug` shows nothing; it is serialized only into
/// the response to its user.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct AccessToken(pub(crate) String);

impl AccessToken {
    /// Returns the compact JWS. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

/// The id of a session: 128 random bits in base64url, the `sid` of its access tokens. It is not a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionId(pub(crate) String);

/// The text is not the id of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a session")]
pub struct InvalidSessionId;

impl SessionId {
    pub(crate) const BYTES: usize = 16;

    /// Returns a new id; `None` if no randomness is available.
    #[must_use]
    pub fn random() -> Option<Self> {
        random_id().map(Self)
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(BASE64URL.encode(bytes))
    }

    /// Returns the id in base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = InvalidSessionId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64URL.decode(&text);
        let is_id = bytes.is_ok_and(|bytes| bytes.len() == Self::BYTES);
        is_id.then_some(Self(text)).ok_or(InvalidSessionId)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns 128 random bits in base64url, for example as the `jti` of a token or the id of a user. `None` if
/// no randomness is available.
#[must_use]
pub fn random_id() -> Option<String> {
    let mut bytes = [0; SessionId::BYTES];
    rand::fill(&mut bytes).ok()?;
    Some(BASE64URL.encode(bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_ids_differ_and_have_22_characters() {
        let (one, two) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 22);
    }

    #[test]
    fn a_session_id_is_the_text_that_it_was_parsed_from() {
        let text = "AAECAwQFBgcICQoLDA0ODw";
        let id = SessionId::try_from(text.to_owned()).unwrap();
        assert_eq!((id.as_str(), id.to_string()), (text, text.to_owned()));
        assert_eq!(
            id,
            SessionId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        );
        for text in [
            "",
            "AAECAwQFBgcICQoLDA0OD",
            "AAECAwQFBgcICQoLDA0ODw==",
            "AAEC",
        ] {
            let parsed = SessionId::try_from(text.to_owned());
            assert_eq!(parsed, Err(InvalidSessionId), "{text}");
        }
    }

    #[test]
    fn tokens_are_never_printed() {
        let token = AccessToken("a.b.c".into());
        assert_eq!(format!("{token:?}"), "AccessToken(redacted)");
        assert_eq!(token.expose(), "a.b.c");
    }
}
