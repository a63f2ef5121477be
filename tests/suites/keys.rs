//! Keys: every algorithm works, and what is not fit for use is refused.

use auth_core::{Algorithm, KeySet, verify_compact};
use bundle_tests::{
    app::{NOW, authenticate, guard},
    forge, hostile,
};
use serde_json::{Value, json};

#[test]
fn every_algorithm_signs_what_it_verifies() {
    let jwk = |name: &str, alg: &str| forge::with(forge::private_jwk(name), &json!({ "alg": alg }));
    let oct = |alg: &str| json!({"kty": "oct", "alg": alg, "k": forge::b64((0..64).collect::<Vec<u8>>())});
    let keys = [
        oct("HS256"),
        oct("HS384"),
        oct("HS512"),
        jwk("rsa", "RS256"),
        jwk("rsa", "RS384"),
        jwk("rsa", "RS512"),
        jwk("rsa", "PS256"),
        jwk("rsa", "PS384"),
        jwk("rsa", "PS512"),
        jwk("p256", "ES256"),
        jwk("p384", "ES384"),
        jwk("ed25519", "EdDSA"),
    ];
    for key in &keys {
        let set = KeySet::parse(&key.to_string(), Algorithm::HS256).unwrap();
        let token = hostile::issued(NOW, key);
        assert!(
            verify_compact(token.as_bytes(), &set).is_ok(),
            "{}",
            key["alg"]
        );
        assert!(
            authenticate(&guard(&key.to_string()), &token).is_ok(),
            "{}",
            key["alg"]
        );
        if key["kty"] != "oct" {
            let public = forge::with(
                key.clone(),
                &json!({"d": null, "p": null, "q": null, "dp": null, "dq": null, "qi": null}),
            );
            assert!(
                authenticate(&guard(&public.to_string()), &token).is_ok(),
                "{}",
                key["alg"]
            );
        }
    }
    println!("algorithms that sign and verify: {}", keys.len());
}

/// Keys that do not say what they are called are called the same by everyone who reads them.
#[test]
fn a_key_without_a_kid_signs_and_verifies() {
    for name in ["rsa", "p256", "p384", "ed25519"] {
        let private = forge::with(forge::private_jwk(name), &json!({"kid": null}));
        let public = forge::with(forge::public_jwk(name), &json!({"kid": null}));
        let token = hostile::issued(NOW, &private);
        assert!(
            authenticate(&guard(&public.to_string()), &token).is_ok(),
            "{name}"
        );
    }
    let secret = forge::b64(forge::SECRET);
    let jwk = json!({"kty": "oct", "k": secret}).to_string();
    assert!(authenticate(&guard(&jwk), &forge::token(NOW, &json!({}), &json!({}))).is_ok());
}

#[test]
fn a_key_does_not_verify_under_the_name_of_another() {
    let oct = |kid: &str, first: u8| json!({"kty": "oct", "alg": "HS256", "kid": kid, "k": forge::b64((first..first + 64).collect::<Vec<u8>>())});
    let (a, b) = (oct("a", 0), oct("b", 64));
    let both = guard(&json!({"keys": [a, b]}).to_string());
    let renamed = |key: &Value, kid: &str| forge::with(key.clone(), &json!({ "kid": kid }));
    for (key, accepted) in [
        (a.clone(), true),
        (b.clone(), true),
        (renamed(&a, "b"), false),
        (renamed(&b, "a"), false),
        (renamed(&a, "c"), false),
    ] {
        let result = authenticate(&both, &hostile::issued(NOW, &key));
        assert_eq!(result.is_ok(), accepted, "{key}: {result:?}");
    }
}

/// Changes of a good key, and what is said of the result.
fn assert_refused(key: &Value, table: &[(Value, &str)]) {
    let parse = |key: &Value| KeySet::parse(&key.to_string(), Algorithm::HS256);
    assert!(parse(key).is_ok(), "{key}");
    for (changes, reason) in table {
        let error = parse(&forge::with(key.clone(), changes)).expect_err(reason);
        assert_eq!(error.to_string(), *reason, "{changes}");
    }
}

const MISSING: &str = "not a JWK or JWK set: a member of the key is missing";
const NO_BASE64: &str = "not a JWK or JWK set: a member is not base64url";
const NO_STRING: &str = "not a JWK or JWK set: a member is not a string";
const NO_ALGORITHM: &str = "alg must be one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA";
const NO_TYPE: &str = "kty and crv name no supported key type";
const UNFIT: &str = "alg, or JWT_ALGORITHM where the key names none, does not fit kty and crv";
const NO_USE: &str = "use and key_ops do not allow signatures";
const INCONSISTENT: &str = "key parts do not fit each other";

#[test]
fn secrets_that_are_not_fit_for_use_are_refused() {
    let key = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": forge::b64(forge::SECRET)});
    let operations = "not a JWK or JWK set: key_ops is not an array of strings";
    assert_refused(
        &key,
        &[
            (json!({"kty": null}), "not a JWK or JWK set: kty is missing"),
            (json!({"kty": "OCT"}), NO_TYPE),
            (json!({"kty": 1}), NO_STRING),
            (json!({"crv": "P-256"}), NO_TYPE),
            (json!({"k": null}), MISSING),
            (json!({"k": "a b"}), NO_BASE64),
            (json!({"k": 1}), NO_STRING),
            (
                json!({"k": ""}),
                "must be at least 32 bytes for HS256, has 0",
            ),
            (
                json!({"alg": "HS512"}),
                "must be at least 64 bytes for HS512, has 46",
            ),
            (json!({"alg": "none"}), NO_ALGORITHM),
            (json!({"alg": "dir"}), NO_ALGORITHM),
            (json!({"alg": "RS256"}), UNFIT),
            (json!({"alg": 1}), NO_STRING),
            (json!({"kid": ""}), "not a JWK or JWK set: kid is empty"),
            (json!({"kid": 1}), NO_STRING),
            (json!({"use": "enc"}), NO_USE),
            (json!({"use": 1}), NO_STRING),
            (json!({"key_ops": []}), NO_USE),
            (json!({"key_ops": ["encrypt"]}), NO_USE),
            (json!({"key_ops": ["verify", "verify"]}), NO_USE),
            (json!({"key_ops": ["sign", "verify", "wrapKey"]}), NO_USE),
            (json!({"key_ops": "verify"}), operations),
            (json!({"key_ops": [1]}), operations),
        ],
    );
}

#[test]
fn rsa_keys_that_are_not_fit_for_use_are_refused() {
    let bits = "RSA key refused: the modulus must have 2048 to 8192 bits";
    let exponent = "RSA key refused: the exponent must be odd, 3 or more and 32 bits or less";
    assert_refused(
        &forge::public_jwk("rsa"),
        &[
            (json!({"use": null, "key_ops": ["sign"]}), NO_USE),
            (json!({"e": "AQ"}), exponent),
            (json!({"e": "AA"}), exponent),
            (json!({"e": null}), MISSING),
            (json!({"n": "AQAB"}), bits),
            (json!({"alg": "ES256"}), UNFIT),
            (json!({"alg": "HS256"}), UNFIT),
            (json!({"alg": null}), UNFIT),
            (json!({"d": "AQAB"}), MISSING),
            (json!({"p": "AQAB"}), INCONSISTENT),
            (json!({"oth": []}), "RSA keys of more than two primes"),
        ],
    );
    let private = forge::private_jwk("rsa");
    assert_refused(&private, &[(json!({"dp": private["dq"]}), INCONSISTENT)]);
}

#[test]
fn elliptic_keys_that_are_not_fit_for_use_are_refused() {
    let key = forge::public_jwk("p256");
    let length = "not a JWK or JWK set: x and y must be as long as the curve's field";
    let other = forge::private_jwk("p384");
    assert_refused(
        &key,
        &[
            (json!({"crv": "P-384"}), UNFIT),
            (json!({"crv": "P-384", "alg": null}), length),
            (json!({"crv": "secp256k1"}), NO_TYPE),
            (json!({"crv": null}), NO_TYPE),
            (json!({"alg": "ES384"}), UNFIT),
            (json!({"x": key["y"], "y": key["x"]}), INCONSISTENT),
            (json!({"y": null}), MISSING),
            (json!({"x": other["x"]}), length),
            (json!({"d": other["d"]}), INCONSISTENT),
            (json!({"d": forge::b64([0; 32])}), INCONSISTENT),
            (json!({"d": forge::b64([7; 32])}), INCONSISTENT),
        ],
    );
    let length = "not a JWK or JWK set: x must have 32 bytes";
    assert_refused(
        &forge::public_jwk("ed25519"),
        &[
            (json!({"x": forge::b64([0; 32])}), INCONSISTENT),
            (
                json!({"x": forge::b64([&[1][..], &[0; 31]].concat())}),
                INCONSISTENT,
            ),
            (
                json!({"x": forge::b64([&[1][..], &[0; 30], &[0x80]].concat())}),
                INCONSISTENT,
            ),
            (
                json!({"x": forge::b64([&[0xec][..], &[0xff; 30], &[0x7f]].concat())}),
                INCONSISTENT,
            ),
            (
                json!({"x": "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU"}),
                INCONSISTENT,
            ),
            (json!({"x": forge::b64([7; 44])}), length),
            (json!({"x": "AQAB"}), length),
            (json!({"crv": "Ed448"}), NO_TYPE),
            (json!({"alg": "ES256"}), UNFIT),
            (json!({"d": forge::b64([7; 32])}), INCONSISTENT),
        ],
    );
}

#[test]
fn sets_that_are_not_fit_for_use_are_refused() {
    let (rsa, p256) = (forge::public_jwk("rsa"), forge::public_jwk("p256"));
    let oct = json!({"kty": "oct", "k": forge::b64(forge::SECRET)});
    let namesake = forge::with(p256.clone(), &json!({"kid": "rsa"}));
    let unfit = forge::with(p256.clone(), &json!({"use": "enc"}));
    let array = "not a JWK or JWK set: keys is not an array of objects";
    assert_refused(
        &json!({"keys": [rsa, p256]}),
        &[
            (json!({"keys": []}), "the set has no key"),
            (json!({"keys": {}}), array),
            (json!({"keys": [1]}), array),
            (
                json!({"keys": [oct, rsa]}),
                "a set may not mix HMAC and signature keys",
            ),
            (
                json!({"keys": [rsa, oct]}),
                "a set may not mix HMAC and signature keys",
            ),
            (json!({"keys": [rsa, rsa]}), "two keys have one kid"),
            (json!({"keys": [rsa, namesake]}), "two keys have one kid"),
            (json!({"keys": [rsa, unfit]}), NO_USE),
        ],
    );
    let twice = oct.to_string().replacen('{', "{\"kty\":\"oct\",", 1);
    for text in [&twice, "[]", "text", ""] {
        let error = KeySet::parse(text, Algorithm::HS256)
            .expect_err(text)
            .to_string();
        assert!(error.contains("a member stands twice"), "{error}");
    }
}

#[test]
fn public_sets_hold_nothing_secret() {
    let parse = |key: &Value| KeySet::parse_public(&key.to_string(), Algorithm::HS256);
    assert!(parse(&forge::public_jwk("ed25519")).is_ok());
    let verify_only = json!({"key_ops": ["verify"], "use": null});
    for secret in [
        forge::with(forge::private_jwk("ed25519"), &verify_only),
        forge::private_jwk("rsa"),
        forge::private_jwk("p256"),
        json!({"kty": "oct", "k": forge::b64(forge::SECRET)}),
    ] {
        let error = parse(&secret).expect_err("a secret").to_string();
        assert_eq!(error, "must hold public keys alone");
    }
}
