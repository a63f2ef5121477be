//! Public keys: taken for HMAC secrets, used with another algorithm, signed in another format.

use auth_core::{Algorithm, Clock, KeySet, TokenIssuer, TokenSettings, User};
use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Table;
use crate::forge::{self, b64};

/// The order of the P-256 group.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(super) fn add(table: &mut Table) {
    public_key_as_secret(table);
    other_algorithm_of_the_key(table);
    ecdsa_formats(table);
    trivial_signatures(table);
    for (kid, alg) in [
        ("rsa", "RS256"),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("ed25519", "EdDSA"),
    ] {
        let good = good(table.now, kid);
        let kids = ["rsa", "p256", "p384", "ed25519", "none"];
        for other in kids.into_iter().filter(|other| *other != kid) {
            let token = forge::signed(header(alg, other), forge::claims(table.now).to_string());
            let signature = good.rsplit_once('.').expect("a token").1;
            let message = token.rsplit_once('.').expect("a token").0;
            table.add_public(
                format!("{alg} of {kid} under the name of {other}"),
                format!("{message}.{signature}"),
            );
        }
        table.add_public(
            format!("{alg} with other claims"),
            good.replacen('.', ".e", 1),
        );
    }
}

fn header(alg: &str, kid: &str) -> String {
    json!({"alg": alg, "typ": "at+jwt", "kid": kid}).to_string()
}

/// A good token of a key of `tests/keys`.
fn good(now: u64, key: &str) -> String {
    issued(now, &forge::private_jwk(key))
}

/// A good token of the tutorial's user by the bundle's own issuer, with the key of a private JWK.
#[must_use]
pub fn issued(now: u64, jwk: &Value) -> String {
    let keys = KeySet::parse(&jwk.to_string(), Algorithm::HS256).expect("a key");
    let issuer = TokenIssuer::new(keys, TokenSettings::default(), Clock::from_fn(move || now));
    let user = User {
        id: "1".into(),
        email: "john.doe@leapify.tech".into(),
        disabled: false,
        roles: Vec::new(),
    };
    issuer.issue(&user).expect("a token").expose().to_owned()
}

/// The oldest confusion: an HMAC under the public key, in every form in which it is published.
fn public_key_as_secret(table: &mut Table) {
    let jwk = forge::public_jwk("rsa");
    let spki = {
        let components = aws_lc_rs::rsa::PublicKeyComponents {
            n: forge::octets(&jwk, "n"),
            e: forge::octets(&jwk, "e"),
        };
        let key: aws_lc_rs::rsa::PublicEncryptingKey = components.try_into().expect("a public key");
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = key.as_der().expect("DER");
        der.as_ref().to_vec()
    };
    let lines: Vec<String> = STANDARD
        .encode(&spki)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        lines.join("\n")
    );
    let ec = forge::public_jwk("p256");
    let forms: [(&str, &str, Vec<u8>); 9] = [
        ("rsa", "modulus", forge::octets(&jwk, "n")),
        (
            "rsa",
            "modulus in base64url",
            jwk["n"].as_str().expect("n").into(),
        ),
        ("rsa", "SPKI", spki),
        ("rsa", "PEM", pem.clone().into()),
        ("rsa", "PEM with a line end", format!("{pem}\n").into()),
        ("rsa", "JWK", jwk.to_string().into()),
        ("rsa", "JWK set", super::public_keys().into()),
        (
            "p256",
            "point",
            [&[4][..], &forge::octets(&ec, "x"), &forge::octets(&ec, "y")].concat(),
        ),
        (
            "ed25519",
            "x",
            forge::octets(&forge::public_jwk("ed25519"), "x"),
        ),
    ];
    for (kid, form, secret) in forms {
        let message = forge::message(header("HS256", kid), forge::claims(table.now).to_string());
        let tag = forge::hmac_sha256(&secret, message.as_bytes());
        table.add_public(
            format!("HS256 under the {form} of {kid}"),
            format!("{message}.{}", b64(tag)),
        );
    }
}

/// Right signatures of the right RSA key, with an algorithm that the key is not for.
fn other_algorithm_of_the_key(table: &mut Table) {
    for alg in ["RS384", "RS512", "PS256", "PS384", "PS512"] {
        let jwk = forge::with(forge::private_jwk("rsa"), &json!({ "alg": alg }));
        table.add_public(
            format!("{alg} by the key of RS256"),
            issued(table.now, &jwk),
        );
    }
    let message = forge::message(header("none", "rsa"), forge::claims(table.now).to_string());
    table.add_public("none under the name of rsa", format!("{message}."));
}

fn ecdsa_formats(table: &mut Table) {
    let message = forge::message(
        header("ES256", "p256"),
        forge::claims(table.now).to_string(),
    );
    let random = SystemRandom::new();
    let fixed = forge::p256_pair(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let der = forge::p256_pair(&ECDSA_P256_SHA256_ASN1_SIGNING);
    let good = fixed
        .sign(&random, message.as_bytes())
        .expect("a signature");
    let der = der.sign(&random, message.as_bytes()).expect("a signature");
    let (r, s) = good.as_ref().split_at(32);
    for (name, signature) in [
        ("in DER", der.as_ref().to_vec()),
        ("with r and s exchanged", [s, r].concat()),
        ("with r alone", r.to_vec()),
        (
            "with a leading zero in each half",
            [&[0][..], r, &[0], s].concat(),
        ),
        ("with a trailing zero", [r, s, &[0]].concat()),
        (
            "with the public key for r",
            [fixed.public_key().as_ref()[1..33].to_vec(), s.to_vec()].concat(),
        ),
    ] {
        table.add_public(
            format!("ES256 {name}"),
            format!("{message}.{}", b64(signature)),
        );
    }
}

/// Signatures that hold for any message where a verifier forgets to look (CVE-2022-21449 and kin).
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
        ("the order", P256_ORDER, P256_ORDER),
        ("zero and one", [0; 32], one),
        ("one and zero", one, [0; 32]),
        ("one and the order", one, P256_ORDER),
        ("all bits", [0xff; 32], [0xff; 32]),
    ];
    for (name, r, s) in pairs {
        let message = forge::message(header("ES256", "p256"), &claims);
        table.add_public(
            format!("ES256 of {name}"),
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
            format!("{alg} of zeros"),
            format!("{message}.{}", b64(vec![0; bytes])),
        );
        table.add_public(format!("{alg} of nothing"), format!("{message}."));
    }
    let message = forge::message(header("EdDSA", "ed25519"), &claims);
    let neutral = [&[1][..], &[0; 63]].concat();
    table.add_public(
        "EdDSA of the neutral point",
        format!("{message}.{}", b64(neutral)),
    );
    let message = forge::message(header("RS256", "rsa"), &claims);
    table.add_public(
        "RS256 of one",
        format!("{message}.{}", b64([vec![0; 255], vec![1]].concat())),
    );
}
