//! Elliptic keys: ECDSA on P-256 and P-384 (RFC 7518 section 6.2), Ed25519 (RFC 8037 section 2).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    ParsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::{KeyError, Parts, jwk::Jwk, thumbprint};
use crate::encoding::BASE64URL;

/// The parameters of an ECDSA curve.
pub(super) struct Curve {
    pub(super) name: &'static str,
    pub(super) coordinate_bytes: usize,
    verifying: &'static dyn VerificationAlgorithm,
    pub(super) signing: &'static EcdsaSigningAlgorithm,
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

pub(super) const UNCOMPRESSED_POINT: u8 = 4;

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
    let (x, y) = (BASE64URL.encode(x), BASE64URL.encode(y));
    Ok(Parts {
        verifying: DecodingKey::from_ec_der(&point),
        signing,
        derived_kid: thumbprint(&format!(
            r#"{{"crv":"{}","kty":"EC","x":"{x}","y":"{y}"}}"#,
            curve.name
        )),
        is_known_secret: false,
    })
}

const ED25519_BYTES: usize = 32;

/// The encodings of points of small order, sign bit cleared: 0 and 1 in both of their spellings, -1, and the
/// two of order eight. Under such a key one signature is valid for every message.
const SMALL_ORDER: [[u8; ED25519_BYTES]; 7] = [
    [0; 32],
    with_ends(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    with_ends(0xec, 0xff, 0x7f),
    with_ends(0xed, 0xff, 0x7f),
    with_ends(0xee, 0xff, 0x7f),
];

const fn with_ends(first: u8, middle: u8, last: u8) -> [u8; ED25519_BYTES] {
    let mut bytes = [middle; ED25519_BYTES];
    bytes[0] = first;
    bytes[ED25519_BYTES - 1] = last;
    bytes
}

/// Parses an Ed25519 key. A public `x` that is not a point is accepted here, but verifies no signature.
pub(super) fn parse_ed25519(jwk: &Jwk) -> Result<Parts, KeyError> {
    let x = jwk.required("x")?;
    let mut y: [u8; ED25519_BYTES] = x[..]
        .try_into()
        .map_err(|_| KeyError::Malformed("x must have 32 bytes"))?;
    y[ED25519_BYTES - 1] &= 0x7f;
    if SMALL_ORDER.contains(&y) {
        return Err(KeyError::Inconsistent);
    }
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
            BASE64URL.encode(&x)
        )),
        verifying: DecodingKey::from_ed_der(&x),
        signing,
        is_known_secret: false,
    })
}
