//! Every hostile token is refused by the guard, in process and by the real `me`; good ones pass.

use std::collections::BTreeSet;

use auth_core::{
    Algorithm, BearerError, Clock, JwtBearer, Key, KeySet, LoggedUser, TokenSettings,
    verify_compact,
};
use bundle_tests::{
    app::{NOW, guard},
    binaries::{self, Function},
    events, forge,
    hostile::{self, Target, public_keys},
};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Value, json};

fn secret_guard() -> JwtBearer {
    let key = Key::from_secret(forge::SECRET.as_bytes(), Algorithm::HS256).unwrap();
    JwtBearer::new(key.into(), TokenSettings::default(), Clock::from_fn(|| NOW))
}

fn authenticate(guard: &JwtBearer, token: &str) -> Result<LoggedUser, BearerError> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).expect("a header");
    headers.insert(AUTHORIZATION, value);
    guard.authenticate(&headers)
}

#[test]
fn every_hostile_token_is_refused() {
    let tokens = hostile::tokens(NOW, 1);
    let (secret, public) = (secret_guard(), guard(&public_keys()));
    for hostile in &tokens {
        let guard = if hostile.target == Target::Secret {
            &secret
        } else {
            &public
        };
        let result = authenticate(guard, &hostile.token);
        let expected = if hostile.is_expired {
            matches!(result, Err(BearerError::Expired))
        } else {
            matches!(result, Err(BearerError::InvalidToken(_)))
        };
        assert!(expected, "{}: {result:?}", hostile.name);
    }
    println!("hostile tokens refused in process: {}", tokens.len());
    assert!(tokens.len() >= 100);
}

#[test]
fn no_two_hostile_tokens_are_the_same() {
    let tokens = hostile::tokens(NOW, 1);
    let (mut names, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for hostile in &tokens {
        assert!(names.insert(&hostile.name), "{}", hostile.name);
        assert!(
            texts.insert((hostile.target, &hostile.token)),
            "{}",
            hostile.name
        );
    }
}

#[tokio::test]
async fn every_hostile_token_is_refused_by_the_real_me() {
    let (binary, keys) = (binaries::release("me"), public_keys());
    let secret = Function::start(&binary).await;
    let variables = [("AUTH_STORE", "memory"), ("JWT_JWKS", keys.as_str())];
    let public = Function::start_with(&binary, &variables, &[]).await;
    let event: Value = serde_json::from_str(&events::all()["me_no_token"]).unwrap();
    let tokens = hostile::tokens(binaries::now(), 600);
    for hostile in &tokens {
        let me = if hostile.target == Target::Secret {
            &secret
        } else {
            &public
        };
        let mut event = event.clone();
        event["headers"]["authorization"] = json!(format!("Bearer {}", hostile.token));
        let answer = me.answer(&event.to_string()).await;
        let detail = if hostile.is_expired {
            "Token has expired"
        } else {
            "Invalid token"
        };
        assert_eq!(
            (answer.status(), answer.detail()),
            (401, json!(detail)),
            "{}",
            hostile.name
        );
    }
    println!("hostile tokens refused by the real me: {}", tokens.len());
}

#[test]
fn good_tokens_pass_up_to_every_limit() {
    let guard = secret_guard();
    let none = json!({});
    let life = |iat: u64, exp: u64| json!({"iat": iat, "nbf": iat, "exp": exp});
    for (header, claims) in [
        (none.clone(), none.clone()),
        (json!({"typ": "application/at+jwt"}), none.clone()),
        (json!({"cty": "anything else"}), none.clone()),
        (none.clone(), json!({"aud": ["api"]})),
        (none.clone(), json!({"aud": ["other", "api"]})),
        (none.clone(), json!({"roles": []})),
        (none.clone(), json!({"scope": ""})),
        (none.clone(), json!({"unknown": {"claim": [1, 2]}})),
        (none.clone(), life(NOW + 5, NOW + 3605)),
        (none.clone(), life(NOW - 3600, NOW - 4)),
        (none.clone(), json!({"exp": 1_800_000_000.5})),
        (
            none.clone(),
            json!({"iat": 1_799_999_999.25, "nbf": 1_799_999_999.25, "exp": NOW + 3599}),
        ),
    ] {
        let result = authenticate(&guard, &forge::token(NOW, &header, &claims));
        assert!(result.is_ok(), "{header} {claims}: {result:?}");
    }
}

#[test]
fn the_user_is_the_one_of_the_token() {
    let user = authenticate(&secret_guard(), &forge::token(NOW, &json!({}), &json!({}))).unwrap();
    assert_eq!((user.id(), user.email()), ("1", "john.doe@leapify.tech"));
    assert_eq!(user.roles(), ["Admin"]);
    assert_eq!(user.permissions(), ["create", "delete", "read", "update"]);
}

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
fn bytes_beyond_ascii_and_white_space_inside_are_refused() {
    let good = forge::token(NOW, &json!({}), &json!({}));
    for token in [
        "é".to_owned(),
        format!("{good}é"),
        good.replacen('.', "\t.", 1),
        good.replacen('.', " .", 1),
    ] {
        assert!(
            matches!(
                authenticate(&secret_guard(), &token),
                Err(BearerError::InvalidToken(_))
            ),
            "{token}"
        );
    }
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

#[test]
fn a_million_dots_are_refused_at_once() {
    let keys = KeySet::parse(&public_keys(), Algorithm::RS256).unwrap();
    assert!(verify_compact(".".repeat(1_000_000).as_bytes(), &keys).is_err());
    assert!(authenticate(&secret_guard(), &".".repeat(1_000_000)).is_err());
}

#[test]
fn keys_that_are_not_fit_for_use_are_refused() {
    let rsa = forge::public_jwk("rsa");
    let p256 = forge::public_jwk("p256");
    let ed = forge::public_jwk("ed25519");
    let oct = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": forge::b64(forge::SECRET)});
    let with = |key: &Value, changes: Value| forge::with(key.clone(), &changes);
    let set = |keys: &[&Value]| json!({ "keys": keys });
    let p384 = forge::public_jwk("p384");
    let other_d = forge::private_jwk("p384")["d"].clone();
    for key in [
        json!({}),
        json!({"keys": []}),
        json!({"keys": {}}),
        json!({"keys": [1]}),
        json!([]),
        json!("text"),
        with(&oct, json!({"kty": null})),
        with(&oct, json!({"kty": "OCT"})),
        with(&oct, json!({"kty": 1})),
        with(&oct, json!({"k": null})),
        with(&oct, json!({"k": ""})),
        with(&oct, json!({"k": "a b"})),
        with(&oct, json!({"k": 1})),
        with(&oct, json!({"alg": "HS512"})),
        with(&oct, json!({"alg": "none"})),
        with(&oct, json!({"alg": "RS256"})),
        with(&oct, json!({"alg": "dir"})),
        with(&oct, json!({"alg": 1})),
        with(&oct, json!({"kid": ""})),
        with(&oct, json!({"kid": 1})),
        with(&oct, json!({"use": "enc"})),
        with(&oct, json!({"use": 1})),
        with(&oct, json!({"crv": "P-256"})),
        with(&oct, json!({"key_ops": []})),
        with(&oct, json!({"key_ops": ["encrypt"]})),
        with(&oct, json!({"key_ops": ["verify", "verify"]})),
        with(&oct, json!({"key_ops": ["sign", "verify", "wrapKey"]})),
        with(&oct, json!({"key_ops": "verify"})),
        with(&oct, json!({"key_ops": [1]})),
        with(&rsa, json!({"use": null, "key_ops": ["sign"]})),
        with(&rsa, json!({"e": "AQ"})),
        with(&rsa, json!({"e": "AA"})),
        with(&rsa, json!({"e": null})),
        with(&rsa, json!({"n": "AQAB"})),
        with(&rsa, json!({"alg": "ES256"})),
        with(&rsa, json!({"alg": "HS256"})),
        with(&rsa, json!({"alg": null})),
        with(&rsa, json!({"d": "AQAB"})),
        with(&rsa, json!({"oth": []})),
        with(
            &forge::private_jwk("rsa"),
            json!({"dp": forge::private_jwk("rsa")["dq"]}),
        ),
        with(&p256, json!({"crv": "P-384"})),
        with(&p256, json!({"crv": "secp256k1"})),
        with(&p256, json!({"crv": null})),
        with(&p256, json!({"alg": "ES384"})),
        with(&p256, json!({"x": p256["y"], "y": p256["x"]})),
        with(&p256, json!({"y": null})),
        with(&p256, json!({"x": p384["x"]})),
        with(&p256, json!({"d": other_d})),
        with(&p256, json!({"d": forge::b64([0; 32])})),
        with(&ed, json!({"x": forge::b64([0; 32])})),
        with(&ed, json!({"x": forge::b64([&[1][..], &[0; 31]].concat())})),
        with(
            &ed,
            json!({"x": forge::b64([&[1][..], &[0; 30], &[0x80]].concat())}),
        ),
        with(
            &ed,
            json!({"x": forge::b64([&[0xec][..], &[0xff; 30], &[0x7f]].concat())}),
        ),
        with(
            &ed,
            json!({"x": "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU"}),
        ),
        with(&ed, json!({"x": forge::b64([7; 44])})),
        with(&rsa, json!({"p": "AQAB"})),
        with(&ed, json!({"crv": "Ed448"})),
        with(&ed, json!({"x": "AQAB"})),
        with(&ed, json!({"alg": "ES256"})),
        with(&ed, json!({"d": forge::b64([7; 32])})),
        set(&[&oct, &rsa]),
        set(&[&rsa, &oct]),
        set(&[&rsa, &rsa]),
        set(&[&rsa, &with(&p256, json!({"kid": "rsa"}))]),
        set(&[&rsa, &with(&p256, json!({"use": "enc"}))]),
    ] {
        assert!(
            KeySet::parse(&key.to_string(), Algorithm::HS256).is_err(),
            "{key}"
        );
    }
    for good in [&rsa, &p256, &ed, &oct, &set(&[&rsa, &p256, &ed])] {
        assert!(
            KeySet::parse(&good.to_string(), Algorithm::HS256).is_ok(),
            "{good}"
        );
    }
    for secret in [
        with(
            &forge::private_jwk("ed25519"),
            json!({"key_ops": ["verify"], "use": null}),
        ),
        forge::private_jwk("rsa"),
        forge::private_jwk("p256"),
        oct.clone(),
    ] {
        assert!(KeySet::parse_public(&secret.to_string(), Algorithm::HS256).is_err());
    }
    let twice = oct.to_string().replacen('{', "{\"kty\":\"oct\",", 1);
    assert!(KeySet::parse(&twice, Algorithm::HS256).is_err());
}
