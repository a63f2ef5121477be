//! Every hostile token is refused by the guard, in process and by the real `me`; good ones pass.

use std::collections::BTreeSet;

use auth_core::{
    Algorithm, BearerError, Clock, JwtBearer, Key, KeySet, Rejection, TokenSettings, verify_compact,
};
use bundle_tests::{
    app::{NOW, authenticate, guard},
    binaries::{self, Function},
    events, forge,
    hostile::{self, Target, public_keys},
};
use serde_json::{Value, json};

fn secret_guard() -> JwtBearer {
    let key = Key::from_secret(forge::SECRET.as_bytes(), Algorithm::HS256).unwrap();
    JwtBearer::new(
        KeySet::from(key),
        TokenSettings::default(),
        Clock::from_fn(|| NOW),
    )
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
fn a_token_of_8_kib_passes_and_one_of_a_byte_more_does_not() {
    let padded = |length: usize| {
        let pad = |size: usize| json!({"x": "x".repeat(size)});
        let sizes = (0..4).flat_map(|header| (5_500..6_000).map(move |claims| (header, claims)));
        let mut tokens =
            sizes.map(|(header, claims)| forge::token(NOW, &pad(header), &pad(claims)));
        tokens
            .find(|token| token.len() == length)
            .expect("a token of the length")
    };
    assert!(authenticate(&secret_guard(), &padded(8192)).is_ok());
    let result = authenticate(&secret_guard(), &padded(8193));
    assert_eq!(result, Err(BearerError::InvalidToken(Rejection::TooLong)));
}

#[test]
fn a_million_dots_are_refused_at_once() {
    let keys = KeySet::parse(&public_keys(), Algorithm::RS256).unwrap();
    assert!(verify_compact(".".repeat(1_000_000).as_bytes(), &keys).is_err());
    assert!(authenticate(&secret_guard(), &".".repeat(1_000_000)).is_err());
}
