//! Public keys as HMAC secrets, in every form in which they are published or can be derived.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Table, confusion::header};
use crate::{self as forge, Signer, b64};

/// Adds the oldest confusion: an HMAC with the public key as the secret, in every form in which it is published
/// (RFC 8725 section 2.1), with the `kid` of the key, another one, and none.
pub(super) fn public_key_as_secret(table: &mut Table, kid: &str, forms: &[(&str, Vec<u8>)]) {
    let claims = forge::claims(table.now).to_string();
    for (form, secret) in forms {
        for (alg, hash) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            for named in [json!(kid), json!("other"), json!(null)] {
                let header: Value = serde_json::from_str(&header(alg, kid)).expect("JSON");
                let header = forge::with(header, &json!({ "kid": named })).to_string();
                let message = forge::message(header, &claims);
                let tag = forge::hmac_tag(hash, secret, message.as_bytes());
                table.add_public(
                    format!("{alg} with the public key {kid} as the secret: {form}, as {named}"),
                    format!("{message}.{}", b64(tag)),
                );
            }
        }
    }
}

/// Adds HMACs with the whole set as the secret.
pub(super) fn key_set_as_secret(table: &mut Table, kid: &str, jwks: &str) {
    public_key_as_secret(table, kid, &[("JWK set", jwks.as_bytes().to_vec())]);
}

/// Returns the forms of a public key that others can read or derive. `jwks` is the set that contains it.
pub(super) fn public_forms(signer: &Signer, jwks: &str) -> Vec<(&'static str, Vec<u8>)> {
    let (spki, raw) = (signer.spki(), signer.public_key());
    let jwk = published_jwk(signer, jwks);
    let mut forms = vec![
        ("SPKI", spki.clone()),
        ("JWK", jwk.to_string().into_bytes()),
        ("JWK of its thumbprint", required_members(&jwk).into_bytes()),
        (
            "JWK set of one",
            json!({ "keys": [jwk] }).to_string().into_bytes(),
        ),
        ("kid", signer.kid().as_bytes().to_vec()),
    ];
    forms.extend(pem_forms("PUBLIC KEY", &spki));
    let numbers = if signer.algorithm() == "RS256" {
        forms.push(("PKCS#1", raw.clone()));
        forms.extend(pem_forms("RSA PUBLIC KEY", &raw));
        vec![("n", "n in base64url")]
    } else {
        forms.push(("point", raw.clone()));
        forms.push(("point without its format", raw[1..].to_vec()));
        vec![("x", "x in base64url"), ("y", "y in base64url")]
    };
    for (name, in_base64url) in numbers {
        let text = jwk[name].as_str().expect("a string");
        forms.push((name, forge::decoded(text)));
        forms.push((in_base64url, text.as_bytes().to_vec()));
    }
    forms
}

/// Returns the key as it is in the set.
fn published_jwk(signer: &Signer, jwks: &str) -> Value {
    let set: Value = serde_json::from_str(jwks).expect("JSON");
    let mut keys = set["keys"].as_array().expect("an array").iter();
    let published = keys.find(|jwk| jwk["kid"] == signer.kid());
    published.expect("it is published").clone()
}

/// Returns the text whose hash is the thumbprint of a key (RFC 7638 section 3).
fn required_members(jwk: &Value) -> String {
    let names: &[_] = if jwk["kty"] == "RSA" {
        &["e", "kty", "n"]
    } else {
        &["crv", "kty", "x", "y"]
    };
    let members = names.iter().map(|name| format!("\"{name}\":{}", jwk[name]));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Returns the forms of the Ed25519 key in the folder.
pub(super) fn ed25519_forms() -> Vec<(&'static str, Vec<u8>)> {
    let x = forge::octets(&forge::public_jwk("ed25519"), "x");
    let seed = forge::octets(&forge::private_jwk("ed25519"), "d");
    let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &x).expect("a pair");
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    let mut forms = vec![("x", x), ("SPKI", spki.as_ref().to_vec())];
    forms.extend(pem_forms("PUBLIC KEY", spki.as_ref()));
    forms
}

/// Returns a key as PEM (RFC 7468) with and without what editors and tools add.
fn pem_forms(label: &str, der: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = STANDARD.encode(der).into_bytes();
    let lines: Vec<_> = text.chunks(64).map(String::from_utf8_lossy).collect();
    let lines = lines.join("\n");
    let pem = format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----");
    let names = if label == "PUBLIC KEY" {
        ["PEM", "PEM with a newline", "PEM of Windows"]
    } else {
        [
            "PKCS#1 PEM",
            "PKCS#1 PEM with a newline",
            "PKCS#1 PEM of Windows",
        ]
    };
    let texts = [
        pem.clone(),
        format!("{pem}\n"),
        format!("{}\r\n", pem.replace('\n', "\r\n")),
    ];
    names
        .into_iter()
        .zip(texts.map(String::into_bytes))
        .collect()
}
