//! Public-key signatures: in other formats, trivial ones, and second spellings of valid ones.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, KeyPair},
};

use super::{
    Table,
    confusion::{header, valid},
};
use crate::{self as forge, b64};

/// The order of the P-256 group.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(super) fn add(table: &mut Table) {
    ecdsa_formats(table);
    trivial_signatures(table);
    shifted_signatures(table);
}

fn ecdsa_formats(table: &mut Table) {
    let message = forge::message(
        header("ES256", "p256"),
        forge::claims(table.now).to_string(),
    );
    let random = SystemRandom::new();
    let fixed = forge::p256_pair(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let der = forge::p256_pair(&ECDSA_P256_SHA256_ASN1_SIGNING);
    let valid = fixed
        .sign(&random, message.as_bytes())
        .expect("a signature");
    let der = der.sign(&random, message.as_bytes()).expect("a signature");
    let (r, s) = valid.as_ref().split_at(32);
    for (name, signature) in [
        ("in DER", der.as_ref().to_vec()),
        ("with r and s swapped", [s, r].concat()),
        ("with only r", r.to_vec()),
        (
            "with a leading zero in each half",
            [&[0][..], r, &[0], s].concat(),
        ),
        ("with a trailing zero", [r, s, &[0]].concat()),
        (
            "with the public key as r",
            [fixed.public_key().as_ref()[1..33].to_vec(), s.to_vec()].concat(),
        ),
    ] {
        table.add_public(
            format!("ES256 {name}"),
            format!("{message}.{}", b64(signature)),
        );
    }
}

/// Adds signatures that are valid for any message if a verifier omits a check (CVE-2022-21449 and similar).
fn trivial_signatures(table: &mut Table) {
    let claims = forge::claims(table.now).to_string();
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
    for (name, r, s) in pairs {
        let message = forge::message(header("ES256", "p256"), &claims);
        table.add_public(
            format!("ES256 with r and s: {name}"),
            format!("{message}.{}", b64([r, s].concat())),
        );
    }
    for (alg, kid, bytes) in [
        ("ES384", "p384", 96),
        ("EdDSA", "ed25519", 64),
        ("RS256", "rsa", 256),
    ] {
        let message = forge::message(header(alg, kid), &claims);
        table.add_public(
            format!("{alg} with a signature of zeros"),
            format!("{message}.{}", b64(vec![0; bytes])),
        );
        table.add_public(
            format!("{alg} with an empty signature"),
            format!("{message}."),
        );
    }
    let message = forge::message(header("EdDSA", "ed25519"), &claims);
    let neutral = [&[1][..], &[0; 63]].concat();
    table.add_public(
        "EdDSA with the neutral point as R and zero as S",
        format!("{message}.{}", b64(neutral)),
    );
    let message = forge::message(header("RS256", "rsa"), &claims);
    table.add_public(
        "RS256 with a signature of one",
        format!("{message}.{}", b64([vec![0; 255], vec![1]].concat())),
    );
}

/// The order of the group of Ed25519, little-endian (RFC 8032 section 5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Adds valid signatures in a second spelling that a lenient verifier accepts.
fn shifted_signatures(table: &mut Table) {
    let split = |token: &str| {
        let (message, signature) = token.rsplit_once('.').expect("a token");
        (message.to_owned(), forge::decoded(signature))
    };
    let (message, signature) = split(&valid(table.now, "ed25519"));
    let mut carry = 0;
    let shifted: Vec<u8> = signature[32..]
        .iter()
        .zip(ED25519_ORDER)
        .map(|(digit, order)| {
            carry += u16::from(*digit) + u16::from(order);
            let low = carry.to_le_bytes()[0];
            carry >>= 8;
            low
        })
        .collect();
    let signature = [&signature[..32], &shifted].concat();
    table.add_public(
        "EdDSA with the order of the group added to S",
        format!("{message}.{}", b64(signature)),
    );

    let (message, signature) = split(&valid(table.now, "rsa"));
    let modulus = forge::octets(&forge::public_jwk("rsa"), "n");
    for (name, signature) in [
        ("with a leading zero", [&[0], &signature[..]].concat()),
        ("with a trailing zero", [&signature[..], &[0]].concat()),
        ("without its last byte", signature[..255].to_vec()),
        ("without its first byte", signature[1..].to_vec()),
        ("that is the modulus", modulus),
        ("with all bits set", vec![0xff; 256]),
    ] {
        table.add_public(
            format!("RS256 signature {name}"),
            format!("{message}.{}", b64(signature)),
        );
    }
}
