//! Public keys: used as HMAC secrets, used with another algorithm, or carried by the token itself.

use auth_core::{Algorithm, Clock, KeySet, SessionId, TokenIssuer, TokenSettings, UnixTime, User};
use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::Table;
use crate::{self as forge, b64};

pub(super) fn add(table: &mut Table) {
    public_key_as_secret(table);
    other_algorithm_of_the_key(table);
    signed_headers(table);
    for (kid, alg) in [
        ("rsa", "RS256"),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("ed25519", "EdDSA"),
    ] {
        let valid = valid(table.now, kid);
        let kids = ["rsa", "p256", "p384", "ed25519", "none"];
        for other in kids.into_iter().filter(|other| *other != kid) {
            let token = forge::signed(header(alg, other), forge::claims(table.now).to_string());
            let signature = valid.rsplit_once('.').expect("a token").1;
            let message = token.rsplit_once('.').expect("a token").0;
            table.add_public(
                format!("{alg} by the key {kid}, with the kid {other}"),
                format!("{message}.{signature}"),
            );
        }
        table.add_public(
            format!("{alg} with other claims"),
            valid.replacen('.', ".e", 1),
        );
    }
}

pub(super) fn header(alg: &str, kid: &str) -> String {
    json!({"alg": alg, "typ": "at+jwt", "kid": kid}).to_string()
}

/// Returns a valid token signed with a [`private_jwk`](forge::private_jwk).
pub(super) fn valid(now: u64, kid: &str) -> String {
    issued(now, &forge::private_jwk(kid))
}

/// Issues a valid token for the tutorial's user with the bundle's own issuer and a private JWK.
#[must_use]
pub fn issued(now: u64, jwk: &Value) -> String {
    let keys = KeySet::parse(&jwk.to_string(), Algorithm::HS256).expect("a key");
    let issuer = TokenIssuer::new(
        keys,
        TokenSettings::default(),
        Clock::from_fn(move || UnixTime::from_secs(now)),
    );
    let user = User {
        id: "1".into(),
        email: "john.doe@leapify.tech".into(),
        disabled: false,
        version: 0,
        roles: Vec::new(),
    };
    let session = SessionId::random().expect("randomness");
    let end = UnixTime::from_secs(now + 3600);
    let token = issuer.issue(&user, &session, end).now_or_never();
    let token = token.expect("fixed keys are ready at once");
    token.expect("a token").expose().to_owned()
}

/// Adds the oldest confusion: an HMAC with the public key as the secret, in every form in which it is
/// published (RFC 8725 section 2.1).
fn public_key_as_secret(table: &mut Table) {
    let jwk = forge::public_jwk("rsa");
    let spki = {
        let components = aws_lc_rs::rsa::PublicKeyComponents {
            n: forge::octets(&jwk, "n"),
            e: forge::octets(&jwk, "e"),
        };
        let key: aws_lc_rs::rsa::PublicEncryptingKey = components.try_into().expect("a public key");
        let der: PublicKeyX509Der<'_> = key.as_der().expect("DER");
        der.as_ref().to_vec()
    };
    let p256 = forge::p256_pair(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let p256_spki: PublicKeyX509Der<'_> = p256.public_key().as_der().expect("DER");
    let ed25519 = forge::octets(&forge::public_jwk("ed25519"), "x");
    let seed = forge::octets(&forge::private_jwk("ed25519"), "d");
    let ed25519_pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &ed25519).expect("a pair");
    let ed25519_spki: PublicKeyX509Der<'_> = ed25519_pair.public_key().as_der().expect("DER");
    let modulus = jwk["n"].as_str().expect("n").as_bytes();
    let forms: Vec<(&str, &str, Vec<u8>)> = vec![
        ("rsa", "modulus", forge::octets(&jwk, "n")),
        ("rsa", "modulus in base64url", modulus.to_vec()),
        ("rsa", "PEM", pem(&spki).into_bytes()),
        (
            "rsa",
            "PEM with a newline",
            format!("{}\n", pem(&spki)).into_bytes(),
        ),
        ("rsa", "SPKI", spki),
        ("rsa", "JWK", jwk.to_string().into_bytes()),
        ("rsa", "JWK set", super::public_keys().into_bytes()),
        ("p256", "point", p256.public_key().as_ref().to_vec()),
        ("p256", "SPKI", p256_spki.as_ref().to_vec()),
        ("p256", "PEM", pem(p256_spki.as_ref()).into_bytes()),
        ("ed25519", "x", ed25519),
        ("ed25519", "SPKI", ed25519_spki.as_ref().to_vec()),
        ("ed25519", "PEM", pem(ed25519_spki.as_ref()).into_bytes()),
    ];
    for (kid, form, secret) in forms {
        for (alg, hash) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            let message = forge::message(header(alg, kid), forge::claims(table.now).to_string());
            let tag = forge::hmac_tag(hash, &secret, message.as_bytes());
            let token = format!("{message}.{}", b64(tag));
            table.add_public(
                format!("{alg} with the public key {kid} as the secret: {form}"),
                token,
            );
        }
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der).into_bytes();
    let lines: Vec<_> = text.chunks(64).map(String::from_utf8_lossy).collect();
    let lines = lines.join("\n");
    format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----")
}

/// Returns a token with any header and claims and a valid ES256 signature by the key `p256`.
fn es256(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let message = forge::message(header, claims);
    let pair = forge::p256_pair(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes());
    format!("{message}.{}", b64(signature.expect("a signature")))
}

/// Adds headers that are never accepted, with a valid signature.
fn signed_headers(table: &mut Table) {
    let claims = forge::claims(table.now).to_string();
    let valid: Value = serde_json::from_str(&header("ES256", "p256")).expect("JSON");
    for change in [
        json!({"crit": ["exp"]}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
        json!({"jwk": forge::public_jwk("p256")}),
        json!({"jku": "https://attacker.example/jwks.json"}),
        json!({"x5u": "https://attacker.example/cert"}),
        json!({"x5c": ["MIIB"]}),
        json!({"kid": null}),
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"alg": "EdDSA"}),
    ] {
        let header = forge::with(valid.clone(), &change).to_string();
        table.add_public(
            format!("ES256 with a valid signature and {change}"),
            es256(header, &claims),
        );
    }
    let duplicate = header("ES256", "p256").replacen('{', r#"{"alg":"none","#, 1);
    table.add_public(
        "ES256 with a valid signature and alg twice",
        es256(duplicate, &claims),
    );
    let attacker = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let point = attacker.public_key().as_ref().to_vec();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])});
    for kid in ["p256", "attacker"] {
        let header = forge::with(valid.clone(), &json!({"kid": kid, "jwk": jwk})).to_string();
        let message = forge::message(header, &claims);
        let signature = attacker.sign(&SystemRandom::new(), message.as_bytes());
        let token = format!("{message}.{}", b64(signature.expect("a signature")));
        table.add_public(
            format!("ES256 by an embedded key with the kid {kid} (CVE-2018-0114)"),
            token,
        );
    }
}

/// Adds valid signatures by the right RSA key, with an algorithm that the key is not for.
fn other_algorithm_of_the_key(table: &mut Table) {
    for alg in ["RS384", "RS512", "PS256", "PS384", "PS512"] {
        let jwk = forge::with(forge::private_jwk("rsa"), &json!({ "alg": alg }));
        table.add_public(
            format!("{alg} by the key of RS256"),
            issued(table.now, &jwk),
        );
    }
    let message = forge::message(header("none", "rsa"), forge::claims(table.now).to_string());
    table.add_public("none with the kid rsa", format!("{message}."));
}
