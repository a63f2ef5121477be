//! New key pairs, as the members of their private JWKs.

mod der;

use aws_lc_rs::{
    encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der},
    rsa::{self, KeySize},
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::Engine;

use super::{
    elliptic::{P256, UNCOMPRESSED_POINT},
    rsa::{PKCS1_OFFSET, without_leading_zeros},
};
use crate::encoding::BASE64URL;
use der::DerReader;

/// Returns the members of a new private key on P-256; `None` if AWS-LC cannot make one.
pub(super) fn generate_p256() -> Option<Vec<(&'static str, String)>> {
    let pair = EcdsaKeyPair::generate(P256.signing).ok()?;
    let point = pair
        .public_key()
        .as_ref()
        .strip_prefix(&[UNCOMPRESSED_POINT])?;
    let (x, y) = point.split_at_checked(P256.coordinate_bytes)?;
    let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
    Some(vec![
        ("kty", "EC".to_owned()),
        ("crv", P256.name.to_owned()),
        ("x", BASE64URL.encode(x)),
        ("y", BASE64URL.encode(y)),
        ("d", BASE64URL.encode(d.as_ref())),
    ])
}

/// Returns the members of a new private key on Ed25519; `None` if AWS-LC cannot make one.
pub(super) fn generate_ed25519() -> Option<Vec<(&'static str, String)>> {
    let pair = Ed25519KeyPair::generate().ok()?;
    let seed: Curve25519SeedBin<'_> = pair.seed().ok()?.as_be_bytes().ok()?;
    Some(vec![
        ("kty", "OKP".to_owned()),
        ("crv", "Ed25519".to_owned()),
        ("x", BASE64URL.encode(pair.public_key())),
        ("d", BASE64URL.encode(seed.as_ref())),
    ])
}

/// The members of a private key in the order of `RSAPrivateKey` (RFC 8017 appendix A.1.2).
const PRIVATE_MEMBERS: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

/// Returns the members of a new private key of 2048 bits; `None` if AWS-LC cannot make one.
pub(super) fn generate_rsa() -> Option<Vec<(&'static str, String)>> {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).ok()?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let mut key = DerReader::new(pkcs8.as_ref().get(PKCS1_OFFSET..)?).sequence()?;
    let _version = key.integer()?;
    let mut members = vec![("kty", "RSA".to_owned())];
    for name in PRIVATE_MEMBERS {
        let number = without_leading_zeros(key.integer()?);
        members.push((name, BASE64URL.encode(number)));
    }
    Some(members)
}
