//! Public-key signatures: in other formats, trivial ones, and second spellings of valid ones.

use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING;

use super::{
    Table,
    confusion::{header, valid},
};
use crate::{self as forge, Signer, b64};

/// The order of the P-256 group.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Adds attacks on each of the keys in the folder.
pub(super) fn add(table: &mut Table) {
    for kid in ["p256", "rsa"] {
        add_for(table, &Signer::new(&forge::private_jwk(kid)));
    }
    for (alg, kid, bytes) in [("ES384", "p384", 96), ("EdDSA", "ed25519", 64)] {
        add_zeros(table, alg, kid, bytes);
    }
    let message = forge::message(
        header("EdDSA", "ed25519"),
        forge::claims(table.now).to_string(),
    );
    let neutral = [&[1][..], &[0; 63]].concat();
    table.add_public(
        "EdDSA with the neutral point as R and zero as S",
        format!("{message}.{}", b64(neutral)),
    );
    shifted_ed25519(table);
}

/// Adds attacks on one key.
pub(super) fn add_for(table: &mut Table, signer: &Signer) {
    let message = forge::message(
        signer.header().to_string(),
        forge::claims(table.now).to_string(),
    );
    let signatures = match signer.algorithm() {
        "RS256" => rsa_signatures(signer, message.as_bytes()),
        "ES256" => ecdsa_signatures(signer, message.as_bytes()),
        other => panic!("no attacks on {other}"),
    };
    for (name, signature) in signatures {
        table.add_public(
            format!("{} {name}", signer.algorithm()),
            format!("{message}.{}", b64(signature)),
        );
    }
    if signer.algorithm() == "RS256" {
        add_zeros(table, "RS256", signer.kid(), 256);
    }
}

fn add_zeros(table: &mut Table, alg: &str, kid: &str, bytes: usize) {
    let message = forge::message(header(alg, kid), forge::claims(table.now).to_string());
    table.add_public(
        format!("{alg} with a signature of zeros"),
        format!("{message}.{}", b64(vec![0; bytes])),
    );
    table.add_public(
        format!("{alg} with an empty signature"),
        format!("{message}."),
    );
}

fn ecdsa_signatures(signer: &Signer, message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let der = forge::p256_pair(signer.private_jwk(), &ECDSA_P256_SHA256_ASN1_SIGNING);
    let der = der.sign(&aws_lc_rs::rand::SystemRandom::new(), message);
    let valid = signer.sign(message);
    let (r, s) = valid.split_at(32);
    let named = |(name, signature): (&str, Vec<u8>)| (name.to_owned(), signature);
    let formats = [
        ("in DER", der.expect("a signature").as_ref().to_vec()),
        ("with r and s swapped", [s, r].concat()),
        ("with only r", r.to_vec()),
        (
            "with a leading zero in each half",
            [&[0][..], r, &[0], s].concat(),
        ),
        ("with a leading zero", [&[0][..], r, s].concat()),
        ("with a trailing zero", [r, s, &[0]].concat()),
        ("without its last byte", valid[..63].to_vec()),
        (
            "with the public key as r",
            [&signer.public_key()[1..33], s].concat(),
        ),
        ("with zero as s", [r, &[0; 32]].concat()),
        ("with zero as r", [&[0; 32], s].concat()),
        (
            "with the order of the group as s",
            [r, &P256_ORDER].concat(),
        ),
        (
            "with the order of the group as r",
            [&P256_ORDER, s].concat(),
        ),
    ];
    formats
        .map(named)
        .into_iter()
        .chain(trivial_pairs())
        .collect()
}

/// Returns signatures that are valid for any message if a verifier omits a check (CVE-2022-21449 and similar).
fn trivial_pairs() -> impl Iterator<Item = (String, Vec<u8>)> {
    let one = {
        let mut one = [0; 32];
        one[31] = 1;
        one
    };
    let pairs = [
        ("zeros", [0; 32], [0; 32]),
        ("ones", one, one),
        ("the order of the group", P256_ORDER, P256_ORDER),
        ("zero and one", [0; 32], one),
        ("one and zero", one, [0; 32]),
        ("one and the order of the group", one, P256_ORDER),
        ("all bits set", [0xff; 32], [0xff; 32]),
    ];
    pairs.into_iter().map(|(name, r, s)| {
        let name = format!("with r and s: {name}");
        (name, [r, s].concat())
    })
}

/// Returns signatures in other encodings, second spellings of a valid one, and some that need no key.
fn rsa_signatures(signer: &Signer, message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let signature = signer.sign(message);
    let modulus = forge::octets(&signer.verifying_jwk(), "n");
    let others = signer.other_algorithms().iter().map(|alg| {
        let name = format!("with the signature of {alg}");
        (name, signer.sign_otherwise(alg, message))
    });
    let spellings = [
        ("with a leading zero", [&[0], &signature[..]].concat()),
        ("with a trailing zero", [&signature[..], &[0]].concat()),
        ("without its last byte", signature[..255].to_vec()),
        ("without its first byte", signature[1..].to_vec()),
        ("with the modulus added", sum(&signature, &modulus)),
        ("that is one", [vec![0; 255], vec![1]].concat()),
        ("that is the modulus", modulus),
        ("with all bits set", vec![0xff; 256]),
    ];
    spellings
        .into_iter()
        .map(|(name, signature)| (format!("signature {name}"), signature))
        .chain(others)
        .collect()
}

/// Returns the sum of two big-endian numbers of the same length, with one more byte if it needs one.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let digits = a.iter().zip(b).rev().map(|(a, b)| {
        carry += u16::from(*a) + u16::from(*b);
        let low = carry.to_le_bytes()[0];
        carry >>= 8;
        low
    });
    let mut sum: Vec<u8> = digits.collect();
    if carry > 0 {
        sum.push(1);
    }
    sum.reverse();
    sum
}

/// The order of the group of Ed25519, big-endian (RFC 8032 section 5.1).
const ED25519_ORDER: [u8; 32] = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c,
    0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];

/// Adds a valid signature in a second spelling that a lenient verifier accepts.
fn shifted_ed25519(table: &mut Table) {
    let token = valid(table.now, "ed25519");
    let (message, signature) = token.rsplit_once('.').expect("a token");
    let mut signature = forge::decoded(signature);
    // The numbers of Ed25519 are little-endian.
    signature[32..].reverse();
    let mut shifted = sum(&signature[32..], &ED25519_ORDER);
    shifted.reverse();
    let signature = [&signature[..32], &shifted].concat();
    table.add_public(
        "EdDSA with the order of the group added to S",
        format!("{message}.{}", b64(signature)),
    );
}
