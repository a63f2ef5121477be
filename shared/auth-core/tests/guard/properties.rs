//! Properties of the parsers: they never panic, and they accept exactly what they should.

use auth_core::{
    Algorithm, BearerError, Email, KeySet, LoggedUser, Password, PasswordHash, verify_compact,
};
use http::HeaderValue;
use proptest::prelude::*;
use serde_json::json;

use crate::{NOW, authenticate_header, guard, secret_keys};

/// Returns the guard's decision on a header value. `None` if no HTTP request can have it.
fn decision(value: &[u8]) -> Option<Result<LoggedUser, BearerError>> {
    let value = HeaderValue::from_bytes(value).ok()?;
    Some(authenticate_header(&guard(secret_keys()), value))
}

fn decision_on_token(token: &str) -> Option<Result<LoggedUser, BearerError>> {
    decision(format!("Bearer {token}").as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_random_header_authenticates_a_user_or_makes_the_guard_panic(value in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!matches!(decision(&value), Some(Ok(_))));
    }

    #[test]
    fn no_random_token_authenticates_a_user(token in "[A-Za-z0-9_.=-]{0,200}") {
        prop_assert!(matches!(decision_on_token(&token), Some(Err(_))));
    }

    #[test]
    fn a_token_with_one_changed_byte_is_rejected(index in 0_usize..420, byte in 0x21_u8..0x7f) {
        let mut token = forge::token(NOW, &json!({}), &json!({})).into_bytes();
        let index = index % token.len();
        prop_assume!(token[index] != byte && byte != b',');
        token[index] = byte;
        let decision = decision(&[b"Bearer ", &token[..]].concat());
        prop_assert!(matches!(decision, Some(Err(BearerError::InvalidToken(_)))), "{:?}", decision);
    }

    #[test]
    fn random_text_with_a_valid_mac_is_rejected(header in ".{0,60}", claims in ".{0,60}") {
        prop_assert!(matches!(decision_on_token(&forge::signed(header, claims)), Some(Err(_))));
    }

    #[test]
    fn times_are_accepted_exactly_if_they_follow_the_rules(iat in -10_000_i64..10_000, nbf in -10_000_i64..10_000, lifetime in -10_000_i64..10_000) {
        let at = |offset: i64| NOW.checked_add_signed(offset).unwrap();
        let (iat, nbf) = (at(iat), at(nbf));
        let exp = iat.checked_add_signed(lifetime).unwrap();
        let token = forge::token(NOW, &json!({}), &json!({"iat": iat, "nbf": nbf, "exp": exp}));
        let is_accepted = matches!(decision_on_token(&token), Some(Ok(_)));
        let expected = iat <= NOW + 5 && nbf <= NOW + 5 && exp > iat && exp - iat <= 3600 && NOW < exp + 5;
        prop_assert_eq!(is_accepted, expected);
    }

    #[test]
    fn no_random_jws_is_valid_or_makes_the_verifier_panic(jws in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify_compact(&jws, &secret_keys()).is_err());
    }

    #[test]
    fn no_random_text_makes_the_parser_of_key_sets_panic(text in ".{0,200}") {
        let _ = KeySet::parse(&text, Algorithm::HS256);
    }

    #[test]
    fn no_random_key_makes_the_parser_of_key_sets_panic(kty in "(oct|RSA|EC|OKP|.{0,4})", value in ".{0,20}") {
        let members = json!({"kty": kty, "k": value, "n": value, "e": value, "x": value, "y": value, "d": value, "crv": "P-256", "alg": value});
        let _ = KeySet::parse(&members.to_string(), Algorithm::HS256);
    }

    #[test]
    fn no_random_text_makes_the_parser_of_hashes_panic(text in ".{0,200}") {
        let _ = PasswordHash::parse(&text);
    }

    #[test]
    fn a_hash_is_accepted_exactly_if_its_parameters_are_in_bounds(m in 0_u64..100_000, t in 0_u64..15, p in 0_u64..8) {
        let hash = format!("$argon2id$v=19$m={m},t={t},p={p}$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU");
        let is_in_bounds = (8 * p..=65_536).contains(&m) && (1..=10).contains(&t) && (1..=4).contains(&p);
        prop_assert_eq!(PasswordHash::parse(&hash).is_ok(), is_in_bounds);
    }

    #[test]
    fn an_email_is_accepted_exactly_up_to_its_maximum_length(email in ".{0,300}") {
        prop_assert_eq!(Email::parse(&email).is_ok(), email.chars().count() <= 254);
        if let Ok(email) = Email::parse(&email) {
            prop_assert_eq!(email.as_str(), email.to_string());
        }
    }

    #[test]
    fn a_password_is_accepted_exactly_up_to_its_maximum_length(password in ".{0,300}") {
        prop_assert_eq!(Password::parse(&password).is_ok(), password.len() <= 1024);
    }

    #[test]
    fn the_verifier_returns_the_payload_unchanged(payload in prop::collection::vec(any::<u8>(), 0..500)) {
        let token = forge::signed(forge::header().to_string(), &payload);
        prop_assert_eq!(verify_compact(token.as_bytes(), &secret_keys()).unwrap(), payload);
    }
}
