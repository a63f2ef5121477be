//! The members of a JWK that all key types share (RFC 7517 section 4).

use base64::Engine;
use serde_json::{Map, Value};

use super::{Algorithm, KeyError};
use crate::encoding::{BASE64URL, json};

/// Parses a JWK or a JWK set into its members.
pub(crate) fn parse_members(text: &str) -> Result<Map<String, Value>, KeyError> {
    json::parse_object(text.as_bytes()).ok_or(KeyError::Malformed(
        "not a JSON object, or a member is repeated",
    ))
}

/// Returns the keys of a JWK set (RFC 7517 section 5.1).
pub(crate) fn member_objects(keys: &Value) -> Result<Vec<&Map<String, Value>>, KeyError> {
    keys.as_array()
        .and_then(|keys| keys.iter().map(Value::as_object).collect())
        .ok_or(KeyError::Malformed("keys is not an array of objects"))
}

/// A JWK with its common members parsed. The members of its key type are read by name.
pub(super) struct Jwk<'a> {
    members: &'a Map<String, Value>,
    pub(super) kid: Option<&'a str>,
    pub(super) may_sign: bool,
}

impl<'a> Jwk<'a> {
    pub(super) fn parse(members: &'a Map<String, Value>) -> Result<Self, KeyError> {
        let mut jwk = Self {
            members,
            kid: None,
            may_sign: true,
        };
        jwk.kid = jwk.text("kid")?;
        if jwk.kid == Some("") {
            return Err(KeyError::Malformed("kid is empty"));
        }
        jwk.may_sign = jwk
            .operations()?
            .is_none_or(|operations| operations.contains(&"sign"));
        Ok(jwk)
    }

    /// Returns a member that must be a string if it is present.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, KeyError> {
        match self.members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(KeyError::Malformed("a member is not a string")),
        }
    }

    /// Returns a member that must be base64url (RFC 7518 section 2) if it is present.
    pub(super) fn octets(&self, name: &str) -> Result<Option<Vec<u8>>, KeyError> {
        self.text(name)?
            .map(|text| {
                BASE64URL
                    .decode(text)
                    .map_err(|_| KeyError::Malformed("a member is not base64url"))
            })
            .transpose()
    }

    /// Returns a member in base64url that must be present.
    pub(super) fn required(&self, name: &str) -> Result<Vec<u8>, KeyError> {
        self.octets(name)?
            .ok_or(KeyError::Malformed("a member of the key is missing"))
    }

    /// Checks that no member is secret (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
    pub(super) fn is_public(&self) -> bool {
        let secret = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        !secret.iter().any(|name| self.has(name))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Returns the algorithm that `alg`, `kty` and `crv` agree on.
    pub(super) fn algorithm(&self, default: Algorithm) -> Result<Algorithm, KeyError> {
        let named = self.text("alg")?.map(str::parse::<Algorithm>).transpose()?;
        let kty = self
            .text("kty")?
            .ok_or(KeyError::Malformed("kty is missing"))?;
        let crv = self.text("crv")?;
        let algorithm = match (kty, crv) {
            ("EC", Some("P-256")) => named.unwrap_or(Algorithm::ES256),
            ("EC", Some("P-384")) => named.unwrap_or(Algorithm::ES384),
            ("OKP", Some("Ed25519")) => named.unwrap_or(Algorithm::EdDSA),
            ("oct" | "RSA", None) => named.unwrap_or(default),
            _ => {
                return Err(KeyError::Unsupported(
                    "kty and crv do not name a supported key type",
                ));
            }
        };
        if is_for_key_type(algorithm, kty, crv) {
            Ok(algorithm)
        } else {
            Err(KeyError::Unsupported(
                "alg (JWT_ALGORITHM if the key has none) does not match kty and crv",
            ))
        }
    }

    /// Checks that `use` and `key_ops` allow signatures (RFC 7517 sections 4.2 and 4.3).
    pub(super) fn check_operations(&self, is_private: bool) -> Result<(), KeyError> {
        let signature_use = self.text("use")?.is_none_or(|purpose| purpose == "sig");
        let operations = self.operations()?;
        let allowed = operations.is_none_or(|operations| {
            let known = operations.iter().all(|o| matches!(*o, "sign" | "verify"));
            let unique = operations
                .iter()
                .enumerate()
                .all(|(i, o)| !operations[..i].contains(o));
            let useful =
                operations.contains(&"verify") || (is_private && operations.contains(&"sign"));
            known && unique && useful
        });
        if signature_use && allowed {
            Ok(())
        } else {
            Err(KeyError::NotForSignatures)
        }
    }

    fn operations(&self) -> Result<Option<Vec<&'a str>>, KeyError> {
        let Some(operations) = self.members.get("key_ops") else {
            return Ok(None);
        };
        operations
            .as_array()
            .and_then(|all| all.iter().map(Value::as_str).collect::<Option<_>>())
            .map(Some)
            .ok_or(KeyError::Malformed("key_ops is not an array of strings"))
    }
}

fn is_for_key_type(algorithm: Algorithm, kty: &str, crv: Option<&str>) -> bool {
    match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => kty == "oct",
        Algorithm::RS256
        | Algorithm::RS384
        | Algorithm::RS512
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512 => kty == "RSA",
        Algorithm::ES256 => crv == Some("P-256"),
        Algorithm::ES384 => crv == Some("P-384"),
        Algorithm::EdDSA => crv == Some("Ed25519"),
    }
}
