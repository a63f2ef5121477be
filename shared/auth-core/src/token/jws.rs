//! Compact JWS (RFC 7515): the checks of the header, and the signature. Claims are not checked here.

use base64::Engine;
use serde_json::{Map, Value};

use super::TokenError;
use crate::{
    encoding::{BASE64URL, json},
    key::KeySet,
};

/// The maximum length of a token in bytes. API Gateway passes headers of up to 10 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Header members that contain a key, or change how the rest is read (`cty` announces a nested token). The bundle
/// needs none of them, and each has been used in an attack (RFC 7515 section 4.1, RFC 7516, RFC 7797).
const FORBIDDEN: [&str; 8] = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip", "cty"];

/// A token with a valid signature.
pub(crate) struct Verified {
    pub(crate) header: Map<String, Value>,
    pub(crate) payload: Vec<u8>,
}

/// Verifies a compact JWS (RFC 7515 section 5.2) against a key set and returns its payload.
///
/// It checks neither claims nor `typ`. To guard a route, use [`JwtBearer`](crate::JwtBearer).
///
/// # Errors
///
/// [`TokenError`] for the first check that fails.
pub fn verify_compact(token: &[u8], keys: &KeySet) -> Result<Vec<u8>, TokenError> {
    verify(token, keys).map(|verified| verified.payload)
}

pub(crate) fn verify(token: &[u8], keys: &KeySet) -> Result<Verified, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let token = str::from_utf8(token).map_err(|_| TokenError::NotBase64Url)?;
    let (message, signature) = token.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
    let (header, payload) = message.split_once('.').ok_or(TokenError::NotThreeParts)?;
    if payload.contains('.') {
        return Err(TokenError::NotThreeParts);
    }
    let header = BASE64URL
        .decode(header)
        .map_err(|_| TokenError::NotBase64Url)?;
    let header = json::parse_object(&header).ok_or(TokenError::InvalidHeader)?;
    let payload = BASE64URL
        .decode(payload)
        .map_err(|_| TokenError::NotBase64Url)?;
    check_signature(&header, message, signature, keys)?;
    Ok(Verified { header, payload })
}

fn check_signature(
    header: &Map<String, Value>,
    message: &str,
    signature: &str,
    keys: &KeySet,
) -> Result<(), TokenError> {
    if FORBIDDEN.iter().any(|name| header.contains_key(*name)) {
        return Err(TokenError::ForbiddenHeader);
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.as_str()),
        Some(_) => return Err(TokenError::MissingKid),
    };
    let missing = if kid.is_some() {
        TokenError::UnknownKid
    } else {
        TokenError::MissingKid
    };
    let key = keys.find(kid).ok_or(missing)?;
    if header.get("alg").and_then(Value::as_str) != Some(key.algorithm.name()) {
        return Err(TokenError::WrongAlgorithm);
    }
    if key.verify(message.as_bytes(), signature) {
        Ok(())
    } else {
        Err(TokenError::WrongSignature)
    }
}
