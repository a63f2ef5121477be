//! The guard against forged tokens, unusable keys, arbitrary input and Wycheproof's vectors.
//!
//! These tests prove the rules of the modules `bearer`, `key` and `token`. They only use the public API,
//! and [`forge`] makes their tokens without it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests may panic: that's how they fail"
)]

mod attacks;
mod keys;
mod properties;
mod wycheproof;

use auth_core::{
    Algorithm, BearerError, Clock, JwtBearer, Key, KeySet, LoggedUser, TokenSettings, UnixTime,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// The time of every guard, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

/// Returns a set with only the key [`forge::SECRET`].
fn secret_keys() -> KeySet {
    let key = Key::from_secret(forge::SECRET.as_bytes(), Algorithm::HS256);
    key.unwrap().into()
}

/// Returns a guard with the default rules and these keys, at [`NOW`].
fn guard(keys: KeySet) -> JwtBearer {
    let clock = Clock::from_fn(|| UnixTime::from_secs(NOW));
    JwtBearer::new(keys, TokenSettings::default(), clock)
}

/// Returns a guard with the keys of a JWK or JWK set.
fn guard_of(jwks: &str) -> JwtBearer {
    guard(KeySet::parse(jwks, Algorithm::HS256).unwrap())
}

/// Returns the guard's decision on a token.
fn authenticate(guard: &JwtBearer, token: &str) -> Result<LoggedUser, BearerError> {
    let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes());
    authenticate_header(guard, value.unwrap())
}

/// Returns the guard's decision on a value of the `Authorization` header.
fn authenticate_header(guard: &JwtBearer, value: HeaderValue) -> Result<LoggedUser, BearerError> {
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let decision = guard.authenticate(&headers).now_or_never();
    decision.expect("fixed keys are ready at once")
}
