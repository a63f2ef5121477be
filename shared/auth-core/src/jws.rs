//! Compact JWS: the signature check, and the checks of the header that every JWS needs.
//!
//! Nothing here looks at claims; that is `claims`.

use serde_json::{Map, Value};

use crate::{base64url, json, key_set::KeySet};

/// The most bytes a token may have. API Gateway lets headers of 10 KiB through.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Header members that bring their own key, or change how the rest is to be read. None of them is
/// needed here, and each has been an attack (RFC 7515 section 4.1, RFC 7516, RFC 7797).
const FORBIDDEN: [&str; 7] = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"];

/// Why a token is refused: for logs, never for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("token too long")]
    TooLong,
    /// Not three parts.
    #[error("not three parts")]
    NotThreeParts,
    /// A part is not canonical, unpadded base64url.
    #[error("not base64url")]
    NotBase64Url,
    /// The header is not one JSON object, or a member stands twice.
    #[error("header is not a JSON object with unique members")]
    BadHeader,
    /// A member of the header that is never taken.
    #[error("forbidden header member")]
    ForbiddenHeader,
    /// There is no `kid` where one is needed, or it is not a string.
    #[error("no kid")]
    MissingKid,
    /// `kid` names no key of the set.
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
    /// The claims are not one JSON object, or a member stands twice.
    #[error("claims are not a JSON object with unique members")]
    BadClaims,
    /// A claim is missing, of a wrong type, empty, or out of range.
    #[error("claim {0} is missing or malformed")]
    MalformedClaim(&'static str),
    /// `iss` is not the configured issuer.
    #[error("wrong issuer")]
    WrongIssuer,
    /// `aud` does not name the configured audience.
    #[error("wrong audience")]
    WrongAudience,
    /// `nbf` or `iat` lies in the future.
    #[error("not valid yet")]
    NotYetValid,
    /// `exp` is not later than `iat`, or lies further from it than tokens live.
    #[error("life out of bounds")]
    LifeOutOfBounds,
}

/// A token whose signature holds.
pub(crate) struct Verified {
    pub(crate) header: Map<String, Value>,
    pub(crate) payload: Vec<u8>,
}

/// Verifies a compact JWS (RFC 7515 section 5.2) against a key set and returns its payload.
///
/// It checks no claims and does not ask for a `typ`: to guard a route use
/// [`JwtBearer`](crate::JwtBearer).
///
/// # Errors
///
/// [`Rejection`] for the first check that fails.
pub fn verify_compact(token: &[u8], keys: &KeySet) -> Result<Vec<u8>, Rejection> {
    verify(token, keys).map(|verified| verified.payload)
}

pub(crate) fn verify(token: &[u8], keys: &KeySet) -> Result<Verified, Rejection> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Rejection::TooLong);
    }
    let token = str::from_utf8(token).map_err(|_| Rejection::NotBase64Url)?;
    let (message, signature) = token.rsplit_once('.').ok_or(Rejection::NotThreeParts)?;
    let (header, payload) = message.split_once('.').ok_or(Rejection::NotThreeParts)?;
    if payload.contains('.') {
        return Err(Rejection::NotThreeParts);
    }
    let header = base64url::decode(header).ok_or(Rejection::NotBase64Url)?;
    let header = json::parse_object(&header).ok_or(Rejection::BadHeader)?;
    let payload = base64url::decode(payload).ok_or(Rejection::NotBase64Url)?;
    check_signature(&header, message, signature, keys)?;
    Ok(Verified { header, payload })
}

fn check_signature(
    header: &Map<String, Value>,
    message: &str,
    signature: &str,
    keys: &KeySet,
) -> Result<(), Rejection> {
    if FORBIDDEN.iter().any(|name| header.contains_key(*name)) {
        return Err(Rejection::ForbiddenHeader);
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.as_str()),
        Some(_) => return Err(Rejection::MissingKid),
    };
    let missing = if kid.is_some() {
        Rejection::UnknownKid
    } else {
        Rejection::MissingKid
    };
    let key = keys.find(kid).ok_or(missing)?;
    if header.get("alg").and_then(Value::as_str) != Some(key.algorithm().name()) {
        return Err(Rejection::WrongAlgorithm);
    }
    if key.verify(message.as_bytes(), signature) {
        Ok(())
    } else {
        Err(Rejection::WrongSignature)
    }
}
