//! Properties of the parsers: they never panic, and what they take is what was meant.

use auth_core::{
    Algorithm, BearerError, Email, JwtBearer, Key, KeySet, Password, PasswordHash, TokenSettings,
    verify_compact,
};
use bundle_tests::{
    app::NOW,
    forge::{self, SECRET},
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use proptest::prelude::*;
use serde_json::json;

fn guard() -> JwtBearer {
    let key = Key::from_secret(SECRET.as_bytes(), Algorithm::HS256).unwrap();
    JwtBearer::new(
        KeySet::from(key),
        TokenSettings::default(),
        auth_core::Clock::from_fn(|| NOW),
    )
}

fn authenticate(value: &[u8]) -> Option<Result<auth_core::LoggedUser, BearerError>> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).ok()?);
    guard().authenticate(&headers).now_or_never()
}

fn bearer(token: &str) -> Option<Result<auth_core::LoggedUser, BearerError>> {
    authenticate(format!("Bearer {token}").as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_header_makes_the_guard_panic_or_lets_anyone_in(value in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!matches!(authenticate(&value), Some(Ok(_))));
    }

    #[test]
    fn no_text_behind_the_scheme_lets_anyone_in(token in "[A-Za-z0-9_.=-]{0,200}") {
        let result = bearer(&token);
        prop_assert!(matches!(result, Some(Err(_))));
    }

    #[test]
    fn a_token_with_any_one_byte_changed_is_refused(index in 0_usize..420, byte in 0x21_u8..0x7f) {
        let mut token = forge::token(NOW, &json!({}), &json!({})).into_bytes();
        let index = index % token.len();
        prop_assume!(token[index] != byte && byte != b',');
        token[index] = byte;
        let result = authenticate(&[b"Bearer ", &token[..]].concat());
        prop_assert!(matches!(result, Some(Err(BearerError::InvalidToken(_)))), "{:?}", result);
    }

    #[test]
    fn any_json_in_a_good_envelope_is_refused_or_is_ours(header in ".{0,60}", claims in ".{0,60}") {
        let token = forge::signed(header, claims);
        prop_assert!(matches!(bearer(&token), Some(Err(_))));
    }

    #[test]
    fn any_times_are_taken_only_within_the_rules(iat in -10_000_i64..10_000, nbf in -10_000_i64..10_000, life in -10_000_i64..10_000) {
        let at = |offset: i64| NOW.checked_add_signed(offset).unwrap();
        let (iat, nbf) = (at(iat), at(nbf));
        let exp = iat.checked_add_signed(life).unwrap();
        let token = forge::token(NOW, &json!({}), &json!({"iat": iat, "nbf": nbf, "exp": exp}));
        let taken = matches!(bearer(&token), Some(Ok(_)));
        let expected = iat <= NOW + 5 && nbf <= NOW + 5 && exp > iat && exp - iat <= 3600 && NOW < exp + 5;
        prop_assert_eq!(taken, expected);
    }

    #[test]
    fn no_jws_makes_the_verifier_panic(jws in prop::collection::vec(any::<u8>(), 0..300)) {
        let keys = KeySet::from(Key::from_secret(SECRET.as_bytes(), Algorithm::HS256).unwrap());
        prop_assert!(verify_compact(&jws, &keys).is_err());
    }

    #[test]
    fn no_key_set_makes_the_parser_panic(text in ".{0,200}", kty in "(oct|RSA|EC|OKP|.{0,4})", value in ".{0,20}") {
        let _ = KeySet::parse(&text, Algorithm::HS256);
        let members = json!({"kty": kty, "k": value, "n": value, "e": value, "x": value, "y": value, "d": value, "crv": "P-256", "alg": value});
        let _ = KeySet::parse(&members.to_string(), Algorithm::HS256);
    }

    #[test]
    fn no_phc_string_makes_the_parser_panic(text in ".{0,200}", m in 0_u64..100_000, t in 0_u64..15, p in 0_u64..8) {
        let _ = PasswordHash::parse(&text);
        let hash = format!("$argon2id$v=19$m={m},t={t},p={p}$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU");
        let within = (8 * p..=65_536).contains(&m) && (1..=10).contains(&t) && (1..=4).contains(&p);
        prop_assert_eq!(PasswordHash::parse(&hash).is_ok(), within);
    }

    #[test]
    fn credentials_are_taken_within_their_limits_alone(email in ".{0,300}", password in ".{0,300}") {
        prop_assert_eq!(Email::parse(&email).is_ok(), email.chars().count() <= 254);
        prop_assert_eq!(Password::parse(&password).is_ok(), password.len() <= 1024);
        if let Ok(email) = Email::parse(&email) {
            prop_assert_eq!(email.as_str(), email.to_string());
        }
    }

    #[test]
    fn a_token_s_payload_comes_back_whole(payload in prop::collection::vec(any::<u8>(), 0..500)) {
        let keys = KeySet::from(Key::from_secret(SECRET.as_bytes(), Algorithm::HS256).unwrap());
        let token = forge::signed(forge::header().to_string(), &payload);
        prop_assert_eq!(verify_compact(token.as_bytes(), &keys).unwrap(), payload);
    }
}
