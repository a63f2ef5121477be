//! Keys: every algorithm works, and unusable keys are rejected.

use auth_core::{Algorithm, BearerError, KeyError, KeySet, TokenError, verify_compact};
use forge::hostile;
use serde_json::{Value, json};

use crate::{NOW, authenticate, guard_of};

/// Returns a secret for HMAC. Secrets with another first byte are different.
fn oct(alg: &str, kid: &str, first: u8) -> Value {
    let secret: Vec<u8> = (first..first + 64).collect();
    json!({"kty": "oct", "alg": alg, "kid": kid, "k": forge::b64(secret)})
}

/// Returns a private key for every signature algorithm.
fn private_keys() -> [Value; 9] {
    [
        ("rsa", "RS256"),
        ("rsa", "RS384"),
        ("rsa", "RS512"),
        ("rsa", "PS256"),
        ("rsa", "PS384"),
        ("rsa", "PS512"),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("ed25519", "EdDSA"),
    ]
    .map(|(kid, alg)| forge::with(forge::private_jwk(kid), &json!({ "alg": alg })))
}

fn without_kid(jwk: Value) -> Value {
    forge::with(jwk, &json!({"kid": null}))
}

#[test]
fn every_algorithm_verifies_what_it_signs() {
    let secrets = ["HS256", "HS384", "HS512"].map(|alg| oct(alg, "oct", 0));
    for key in secrets.iter().chain(&private_keys()) {
        let keys = KeySet::parse(&key.to_string(), Algorithm::HS256).unwrap();
        let token = hostile::issued(NOW, key);
        assert!(verify_compact(token.as_bytes(), &keys).is_ok(), "{key}");
        let result = authenticate(&guard_of(&key.to_string()), &token);
        assert!(result.is_ok(), "{key}: {result:?}");
    }
    let count = secrets.len() + private_keys().len();
    println!("algorithms that sign and verify: {count}");
}

#[test]
fn a_public_key_verifies_what_its_private_key_signs() {
    for private in private_keys() {
        let token = hostile::issued(NOW, &private);
        let public = forge::public_half(private);
        let result = authenticate(&guard_of(&public.to_string()), &token);
        assert!(result.is_ok(), "{public}: {result:?}");
    }
}

/// The issuer and the guard derive the same `kid`, from the private and from the public key.
#[test]
fn a_public_key_without_a_kid_verifies_what_its_private_key_signs() {
    for kid in ["rsa", "p256", "p384", "ed25519"] {
        let token = hostile::issued(NOW, &without_kid(forge::private_jwk(kid)));
        let public = without_kid(forge::public_jwk(kid));
        let result = authenticate(&guard_of(&public.to_string()), &token);
        assert!(result.is_ok(), "{kid}: {result:?}");
    }
}

#[test]
fn a_secret_without_a_kid_verifies_a_token_with_the_documented_one() {
    let key = json!({"kty": "oct", "k": forge::b64(forge::SECRET)});
    let token = forge::token(NOW, &json!({}), &json!({}));
    assert!(authenticate(&guard_of(&key.to_string()), &token).is_ok());
}

#[test]
fn every_key_of_a_set_verifies_its_own_tokens() {
    let (a, b) = (oct("HS256", "a", 0), oct("HS256", "b", 64));
    let guard = guard_of(&json!({"keys": [a, b]}).to_string());
    for key in [a, b] {
        let result = authenticate(&guard, &hostile::issued(NOW, &key));
        assert!(result.is_ok(), "{key}: {result:?}");
    }
}

#[test]
fn a_key_of_a_set_does_not_verify_tokens_with_another_kid() {
    let (a, b) = (oct("HS256", "a", 0), oct("HS256", "b", 64));
    let guard = guard_of(&json!({"keys": [a, b]}).to_string());
    for (key, error) in [
        (oct("HS256", "b", 0), TokenError::WrongSignature),
        (oct("HS256", "a", 64), TokenError::WrongSignature),
        (oct("HS256", "c", 0), TokenError::UnknownKid),
    ] {
        assert_eq!(
            authenticate(&guard, &hostile::issued(NOW, &key)),
            Err(BearerError::InvalidToken(error)),
            "{key}"
        );
    }
}

/// Checks that each of these changes makes a good key unusable, and how the error describes it.
fn assert_rejected(key: &Value, table: &[(Value, &str)]) {
    let parse = |key: &Value| KeySet::parse(&key.to_string(), Algorithm::HS256);
    assert!(parse(key).is_ok(), "{key}");
    for (changes, reason) in table {
        let error = parse(&forge::with(key.clone(), changes)).expect_err(reason);
        assert_eq!(error.to_string(), *reason, "{changes}");
    }
}

const MISSING: &str = "not a JWK or JWK set: a member of the key is missing";
const NOT_BASE64: &str = "not a JWK or JWK set: a member is not base64url";
const NOT_A_STRING: &str = "not a JWK or JWK set: a member is not a string";
const NOT_STRINGS: &str = "not a JWK or JWK set: key_ops is not an array of strings";
const UNKNOWN_ALGORITHM: &str = "alg must be one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA";
const UNKNOWN_TYPE: &str = "kty and crv do not name a supported key type";
const WRONG_ALGORITHM: &str = "alg (JWT_ALGORITHM if the key has none) does not match kty and crv";
const NOT_FOR_SIGNATURES: &str = "use and key_ops do not allow signatures";
const INCONSISTENT: &str = "the parts of the key do not match";

#[test]
fn unusable_secrets_are_rejected() {
    assert_rejected(
        &json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": forge::b64(forge::SECRET)}),
        &[
            (json!({"kty": null}), "not a JWK or JWK set: kty is missing"),
            (json!({"kty": "OCT"}), UNKNOWN_TYPE),
            (json!({"kty": 1}), NOT_A_STRING),
            (json!({"crv": "P-256"}), UNKNOWN_TYPE),
            (json!({"k": null}), MISSING),
            (json!({"k": "a b"}), NOT_BASE64),
            (json!({"k": 1}), NOT_A_STRING),
            (
                json!({"k": ""}),
                "must be at least 32 bytes for HS256, has 0",
            ),
            (
                json!({"alg": "HS512"}),
                "must be at least 64 bytes for HS512, has 46",
            ),
            (json!({"alg": "none"}), UNKNOWN_ALGORITHM),
            (json!({"alg": "dir"}), UNKNOWN_ALGORITHM),
            (json!({"alg": "RS256"}), WRONG_ALGORITHM),
            (json!({"alg": 1}), NOT_A_STRING),
        ],
    );
}

#[test]
fn keys_with_unusable_common_members_are_rejected() {
    assert_rejected(
        &json!({"kty": "oct", "k": forge::b64(forge::SECRET)}),
        &[
            (json!({"kid": ""}), "not a JWK or JWK set: kid is empty"),
            (json!({"kid": 1}), NOT_A_STRING),
            (json!({"use": "enc"}), NOT_FOR_SIGNATURES),
            (json!({"use": 1}), NOT_A_STRING),
            (json!({"key_ops": []}), NOT_FOR_SIGNATURES),
            (json!({"key_ops": ["encrypt"]}), NOT_FOR_SIGNATURES),
            (json!({"key_ops": ["verify", "verify"]}), NOT_FOR_SIGNATURES),
            (
                json!({"key_ops": ["sign", "verify", "wrapKey"]}),
                NOT_FOR_SIGNATURES,
            ),
            (json!({"key_ops": "verify"}), NOT_STRINGS),
            (json!({"key_ops": [1]}), NOT_STRINGS),
        ],
    );
}

#[test]
fn unusable_public_rsa_keys_are_rejected() {
    let bits = "RSA key rejected: the modulus must have 2048 to 8192 bits";
    let exponent = "RSA key rejected: the exponent must be odd, 3 or more and 32 bits or less";
    assert_rejected(
        &forge::public_jwk("rsa"),
        &[
            (
                json!({"use": null, "key_ops": ["sign"]}),
                NOT_FOR_SIGNATURES,
            ),
            (json!({"e": "AQ"}), exponent),
            (json!({"e": "AA"}), exponent),
            (json!({"e": null}), MISSING),
            (json!({"n": "AQAB"}), bits),
            (json!({"alg": "ES256"}), WRONG_ALGORITHM),
            (json!({"alg": "HS256"}), WRONG_ALGORITHM),
            (json!({"alg": null}), WRONG_ALGORITHM),
            (json!({"d": "AQAB"}), MISSING),
            (json!({"p": "AQAB"}), INCONSISTENT),
            (json!({"oth": []}), "RSA keys of more than two primes"),
        ],
    );
}

#[test]
fn a_private_rsa_key_with_inconsistent_parts_is_rejected() {
    let private = forge::private_jwk("rsa");
    assert_rejected(&private, &[(json!({"dp": private["dq"]}), INCONSISTENT)]);
}

#[test]
fn unusable_ecdsa_keys_are_rejected() {
    let key = forge::public_jwk("p256");
    let length = "not a JWK or JWK set: x and y must be as long as the curve's field";
    let other = forge::private_jwk("p384");
    assert_rejected(
        &key,
        &[
            (json!({"crv": "P-384"}), WRONG_ALGORITHM),
            (json!({"crv": "P-384", "alg": null}), length),
            (json!({"crv": "secp256k1"}), UNKNOWN_TYPE),
            (json!({"crv": null}), UNKNOWN_TYPE),
            (json!({"alg": "ES384"}), WRONG_ALGORITHM),
            (json!({"x": key["y"], "y": key["x"]}), INCONSISTENT),
            (json!({"y": null}), MISSING),
            (json!({"x": other["x"]}), length),
            (json!({"d": other["d"]}), INCONSISTENT),
            (json!({"d": forge::b64([0; 32])}), INCONSISTENT),
            (json!({"d": forge::b64([7; 32])}), INCONSISTENT),
        ],
    );
}

#[test]
fn unusable_ed25519_keys_are_rejected() {
    let length = "not a JWK or JWK set: x must have 32 bytes";
    assert_rejected(
        &forge::public_jwk("ed25519"),
        &[
            // Points of small order.
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
            (json!({"crv": "Ed448"}), UNKNOWN_TYPE),
            (json!({"alg": "ES256"}), WRONG_ALGORITHM),
            (json!({"d": forge::b64([7; 32])}), INCONSISTENT),
        ],
    );
}

#[test]
fn unusable_sets_are_rejected() {
    let (rsa, p256) = (forge::public_jwk("rsa"), forge::public_jwk("p256"));
    let oct = json!({"kty": "oct", "k": forge::b64(forge::SECRET)});
    let with_the_same_kid = forge::with(p256.clone(), &json!({"kid": "rsa"}));
    let for_encryption = forge::with(p256.clone(), &json!({"use": "enc"}));
    let array = "not a JWK or JWK set: keys is not an array of objects";
    let mixed = "a set must not mix HMAC and signature keys";
    let duplicate = "two keys have the same kid";
    assert_rejected(
        &json!({"keys": [rsa, p256]}),
        &[
            (json!({"keys": []}), "the set is empty"),
            (json!({"keys": {}}), array),
            (json!({"keys": [1]}), array),
            (json!({"keys": [oct, rsa]}), mixed),
            (json!({"keys": [rsa, oct]}), mixed),
            (json!({"keys": [rsa, rsa]}), duplicate),
            (json!({"keys": [rsa, with_the_same_kid]}), duplicate),
            (json!({"keys": [rsa, for_encryption]}), NOT_FOR_SIGNATURES),
        ],
    );
}

#[test]
fn text_that_is_not_an_object_with_unique_members_is_rejected() {
    let repeated = r#"{"kty":"oct","kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
    for text in [repeated, "[]", "text", ""] {
        let error = KeySet::parse(text, Algorithm::HS256).expect_err(text);
        assert_eq!(
            error.to_string(),
            "not a JWK or JWK set: not a JSON object, or a member is repeated",
            "{text}"
        );
    }
}

#[test]
fn a_public_set_is_accepted() {
    let key = forge::public_jwk("ed25519").to_string();
    assert!(KeySet::parse_public(&key, Algorithm::HS256).is_ok());
}

#[test]
fn a_public_set_with_a_secret_is_rejected() {
    let verify_only = json!({"key_ops": ["verify"], "use": null});
    for secret in [
        forge::with(forge::private_jwk("ed25519"), &verify_only),
        forge::private_jwk("rsa"),
        forge::private_jwk("p256"),
        json!({"kty": "oct", "k": forge::b64(forge::SECRET)}),
    ] {
        assert_eq!(
            KeySet::parse_public(&secret.to_string(), Algorithm::HS256).unwrap_err(),
            KeyError::NotPublic,
            "{secret}"
        );
    }
}
