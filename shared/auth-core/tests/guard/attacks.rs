//! The guard rejects every hostile token, and accepts valid ones up to every limit.

use std::collections::BTreeSet;

use auth_core::{
    Algorithm, BearerError, Clock, InMemoryStore, JwtBearer, KeyKeeper, KeyRules, TokenError,
    TokenSettings, UnixTime, verify_compact,
};
use forge::hostile::{self, Hostile, Published, Target};
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::{NOW, authenticate, guard, guard_of, secret_keys};

fn secret_guard() -> JwtBearer {
    guard(secret_keys())
}

fn valid_token() -> String {
    forge::token(NOW, &json!({}), &json!({}))
}

/// Returns why a token with these changes to its header and claims is rejected.
fn rejection(header: &Value, claims: &Value) -> BearerError {
    authenticate(&secret_guard(), &forge::token(NOW, header, claims)).unwrap_err()
}

fn assert_accepted(header: &Value, claims: &Value) {
    let result = authenticate(&secret_guard(), &forge::token(NOW, header, claims));
    assert!(result.is_ok(), "{header} {claims}: {result:?}");
}

#[test]
fn every_hostile_token_is_rejected() {
    let tokens = hostile::tokens(NOW, 1);
    let (secret, public) = (secret_guard(), guard_of(&hostile::public_keys()));
    for hostile in &tokens {
        assert_rejected(
            match hostile.target {
                Target::Secret => &secret,
                Target::PublicKeys => &public,
            },
            hostile,
        );
    }
    println!("hostile tokens rejected in process: {}", tokens.len());
    assert!(tokens.len() >= 480);
    assert_distinct(tokens);
}

fn assert_rejected(guard: &JwtBearer, hostile: &Hostile) {
    let result = authenticate(guard, &hostile.token);
    let is_rejected = if hostile.is_expired {
        matches!(result, Err(BearerError::Expired))
    } else {
        matches!(result, Err(BearerError::InvalidToken(_)))
    };
    assert!(is_rejected, "{}: {result:?}", hostile.name);
}

/// Checks that no two tokens are the same, and no two names.
fn assert_distinct(tokens: Vec<Hostile>) {
    let (mut names, mut known) = (BTreeSet::new(), BTreeSet::new());
    for hostile in tokens {
        assert!(names.insert(hostile.name.clone()), "{}", hostile.name);
        let is_new = known.insert((hostile.target, hostile.token));
        assert!(is_new, "{}", hostile.name);
    }
}

#[test]
fn every_hostile_token_is_rejected_with_published_keys_for_rs256() {
    check_published_keys(Algorithm::RS256);
}

#[test]
fn every_hostile_token_is_rejected_with_published_keys_for_es256() {
    check_published_keys(Algorithm::ES256);
}

/// Checks a guard on the published half of new keys. It accepts what both keys sign.
fn check_published_keys(algorithm: Algorithm) {
    let (guard, keys) = published(algorithm);
    for signer in [&keys.active, &keys.standby] {
        let token = signer.token(NOW, &json!({}), &json!({}));
        let user = authenticate(&guard, &token).unwrap();
        assert_eq!((user.id(), user.roles()), ("1", &["Admin".to_owned()][..]));
    }
    let tokens = hostile::tokens_for(&keys, NOW, 1);
    for hostile in &tokens {
        assert_rejected(&guard, hostile);
    }
    println!(
        "hostile tokens for {} rejected in process: {}",
        algorithm.name(),
        tokens.len()
    );
    assert!(tokens.len() >= 480);
    assert_distinct(tokens);
}

/// Creates keys as the bundle does. Returns a guard that accepts the published half, and both halves for an attacker.
fn published(algorithm: Algorithm) -> (JwtBearer, Published) {
    let (store, now) = (InMemoryStore::default(), UnixTime::from_secs(NOW));
    let clock = Clock::from_fn(move || now);
    let rules = KeyRules {
        algorithm,
        expiration: TokenSettings::default().expiration,
    };
    let keeper = KeyKeeper::new(store.clone(), store.clone(), rules, clock);
    let created = keeper.repair().now_or_never().expect("it never waits");
    let state = created.unwrap();
    let jwks = state.published.jwks(now);
    let keys = Published::new(&state.ring.unwrap().expose(), jwks);
    (guard(state.published.key_set().unwrap()), keys)
}

#[test]
fn a_token_with_the_signature_of_another_is_rejected() {
    let (valid, other) = (
        valid_token(),
        forge::token(NOW, &json!({}), &json!({"sub": "2"})),
    );
    let (message, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = valid.rsplit_once('.').unwrap();
    assert_eq!(
        authenticate(&secret_guard(), &format!("{message}.{signature}")),
        Err(BearerError::InvalidToken(TokenError::WrongSignature))
    );
}

#[test]
fn an_expired_token_is_rejected() {
    let claims = json!({"iat": NOW - 3_600, "nbf": NOW - 3_600, "exp": NOW - 5});
    assert_eq!(rejection(&json!({}), &claims), BearerError::Expired);
}

#[test]
fn a_token_that_has_expired_and_is_invalid_is_reported_as_invalid() {
    let claims = json!({"iat": NOW - 3_600, "nbf": NOW - 3_600, "exp": NOW - 5, "iss": "other"});
    assert_eq!(
        rejection(&json!({}), &claims),
        BearerError::InvalidToken(TokenError::WrongIssuer)
    );
}

#[test]
fn a_token_of_another_issuer_is_rejected() {
    assert_eq!(
        rejection(&json!({}), &json!({"iss": "other"})),
        BearerError::InvalidToken(TokenError::WrongIssuer)
    );
}

#[test]
fn a_token_for_another_audience_is_rejected() {
    assert_eq!(
        rejection(&json!({}), &json!({"aud": "other"})),
        BearerError::InvalidToken(TokenError::WrongAudience)
    );
}

#[test]
fn a_token_of_another_type_is_rejected() {
    assert_eq!(
        rejection(&json!({"typ": "JWT"}), &json!({})),
        BearerError::InvalidToken(TokenError::WrongType)
    );
}

#[test]
fn a_token_that_is_not_valid_yet_is_rejected() {
    assert_eq!(
        rejection(&json!({}), &json!({"nbf": NOW + 6})),
        BearerError::InvalidToken(TokenError::NotYetValid)
    );
}

#[test]
fn a_token_that_lives_longer_than_configured_is_rejected() {
    assert_eq!(
        rejection(&json!({}), &json!({"exp": NOW + 3_601})),
        BearerError::InvalidToken(TokenError::InvalidLifetime)
    );
}

#[test]
fn a_valid_token_authenticates_its_user() {
    let user = authenticate(&secret_guard(), &valid_token()).unwrap();
    assert_eq!((user.id(), user.email()), ("1", "john.doe@leapify.tech"));
    assert_eq!(user.roles(), ["Admin"]);
    assert_eq!(user.permissions(), ["create", "delete", "read", "update"]);
}

#[test]
fn the_type_may_be_a_full_media_type() {
    assert_accepted(&json!({"typ": "application/at+jwt"}), &json!({}));
}

#[test]
fn an_unknown_header_member_is_ignored() {
    assert_accepted(&json!({"unknown": "anything"}), &json!({}));
}

#[test]
fn an_unknown_claim_is_ignored() {
    assert_accepted(&json!({}), &json!({"unknown": {"claim": [1, 2]}}));
}

#[test]
fn the_audience_may_be_one_of_several() {
    for audiences in [json!(["api"]), json!(["other", "api"])] {
        assert_accepted(&json!({}), &json!({ "aud": audiences }));
    }
}

#[test]
fn roles_and_permissions_may_be_empty() {
    for claims in [json!({"roles": []}), json!({"scope": ""})] {
        assert_accepted(&json!({}), &claims);
    }
}

#[test]
fn the_leeway_applies_to_both_ends_of_a_lifetime() {
    for (iat, exp) in [(NOW + 5, NOW + 3_605), (NOW - 3_600, NOW - 4)] {
        assert_accepted(&json!({}), &json!({"iat": iat, "nbf": iat, "exp": exp}));
    }
}

#[test]
fn times_may_have_fractions() {
    for claims in [
        json!({"exp": 1_800_000_000.5}),
        json!({"iat": 1_799_999_999.25, "nbf": 1_799_999_999.25, "exp": NOW + 3_599}),
    ] {
        assert_accepted(&json!({}), &claims);
    }
}

#[test]
fn non_ascii_characters_are_rejected() {
    for (token, error) in [
        ("é".to_owned(), TokenError::NotThreeParts),
        (format!("é{}", valid_token()), TokenError::NotBase64Url),
        (format!("{}é", valid_token()), TokenError::WrongSignature),
    ] {
        assert_eq!(
            authenticate(&secret_guard(), &token),
            Err(BearerError::InvalidToken(error)),
            "{token}"
        );
    }
}

#[test]
fn whitespace_inside_a_token_is_rejected() {
    for space in ["\t.", " ."] {
        assert_eq!(
            authenticate(&secret_guard(), &valid_token().replacen('.', space, 1)),
            Err(BearerError::InvalidToken(TokenError::NotBase64Url)),
            "{space:?}"
        );
    }
}

/// Returns a valid token with this length in bytes.
fn token_of(length: usize) -> String {
    let padding = |size: usize| json!({"x": "x".repeat(size)});
    (0..4)
        .flat_map(|header| (5_500..6_000).map(move |claims| (header, claims)))
        .map(|(header, claims)| forge::token(NOW, &padding(header), &padding(claims)))
        .find(|token| token.len() == length)
        .expect("no token of this length")
}

#[test]
fn a_token_of_8_kib_is_accepted() {
    assert!(authenticate(&secret_guard(), &token_of(8_192)).is_ok());
}

#[test]
fn a_token_that_is_one_byte_longer_than_8_kib_is_rejected() {
    assert_eq!(
        authenticate(&secret_guard(), &token_of(8_193)),
        Err(BearerError::InvalidToken(TokenError::TooLong))
    );
}

#[test]
fn a_million_dots_are_rejected() {
    let dots = ".".repeat(1_000_000);
    assert_eq!(
        verify_compact(dots.as_bytes(), &secret_keys()),
        Err(TokenError::TooLong)
    );
    assert_eq!(
        authenticate(&secret_guard(), &dots),
        Err(BearerError::InvalidToken(TokenError::TooLong))
    );
}
