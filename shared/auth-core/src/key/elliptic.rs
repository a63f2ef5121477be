//! Elliptic keys: ECDSA on P-256 and P-384 (RFC 7518 section 6.2), Ed25519 (RFC 8037 section 2).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    ParsedPublicKey, VerificationAlgorithm,
};
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::{KeyError, Parts, jwk::Jwk, thumbprint};
use crate::base64url;

/// What tells one ECDSA curve from another.
pub(super) struct Curve {
    name: &'static str,
    coordinate_bytes: usize,
    verifying: &'static dyn VerificationAlgorithm,
    signing: &'static EcdsaSigningAlgorithm,
}

pub(super) const P256: Curve = Curve {
    name: "P-256",
    coordinate_bytes: 32,
    verifying: &ECDSA_P256_SHA256_FIXED,
    signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
};

pub(super) const P384: Curve = Curve {
    name: "P-384",
    coordinate_bytes: 48,
    verifying: &ECDSA_P384_SHA384_FIXED,
    signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
};

const UNCOMPRESSED_POINT: u8 = 4;

pub(super) fn parse_ecdsa(jwk: &Jwk, curve: &Curve) -> Result<Parts, KeyError> {
    let (x, y) = (jwk.required("x")?, jwk.required("y")?);
    if x.len() != curve.coordinate_bytes || y.len() != curve.coordinate_bytes {
        return Err(KeyError::Malformed(
            "x and y must be as long as the curve's field",
        ));
    }
    let point = [&[UNCOMPRESSED_POINT], &x[..], &y[..]].concat();
    ParsedPublicKey::new(curve.verifying, &point).map_err(|_| KeyError::Inconsistent)?;
    let signing = jwk
        .octets("d")?
        .map(|d| {
            EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &d, &point)
                .ok()
                .and_then(|pair| pair.to_pkcs8v1().ok())
                .map(|pkcs8| EncodingKey::from_ec_der(pkcs8.as_ref()))
                .ok_or(KeyError::Inconsistent)
        })
        .transpose()?;
    let (x, y) = (base64url::encode(x), base64url::encode(y));
    Ok(Parts {
        verifying: DecodingKey::from_ec_der(&point),
        signing,
        derived_kid: thumbprint(&format!(
            r#"{{"crv":"{}","kty":"EC","x":"{x}","y":"{y}"}}"#,
            curve.name
        )),
    })
}

pub(super) fn parse_ed25519(jwk: &Jwk) -> Result<Parts, KeyError> {
    let x = jwk.required("x")?;
    ParsedPublicKey::new(&ED25519, &x).map_err(|_| KeyError::Inconsistent)?;
    let signing = jwk
        .octets("d")?
        .map(|seed| {
            Ed25519KeyPair::from_seed_and_public_key(&seed, &x)
                .ok()
                .and_then(|pair| pair.to_pkcs8v1().ok())
                .map(|pkcs8| EncodingKey::from_ed_der(pkcs8.as_ref()))
                .ok_or(KeyError::Inconsistent)
        })
        .transpose()?;
    Ok(Parts {
        derived_kid: thumbprint(&format!(
            r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
            base64url::encode(&x)
        )),
        verifying: DecodingKey::from_ed_der(&x),
        signing,
    })
}
