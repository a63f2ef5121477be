//! Keys that change, and tokens that name unknown keys.

use std::time::Duration;

use auth_core::{BearerError, KeysUnavailable, TokenError};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    Issuer, MINUTE, QUARTER, Time,
    server::{Behaviour, ok},
    started,
};

const UNKNOWN: BearerError = BearerError::InvalidToken(TokenError::UnknownKid);

/// Returns a token that names this key and is signed by no key.
fn forged(kid: usize) -> String {
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"forged-{kid}"}}"#);
    let header = URL_SAFE_NO_PAD.encode(header);
    format!("{header}.e30.{}", URL_SAFE_NO_PAD.encode([1; 64]))
}

#[tokio::test]
async fn the_keys_at_the_url_verify_tokens() {
    let time = Time::start();
    let (issuer, server, bearer) = started(&time).await;
    for _ in 0..3 {
        let user = bearer.verify(&issuer.token().await).await.unwrap();
        assert_eq!(user.email(), "jane@example.com");
    }
    let other = Issuer::new(&time).token().await;
    assert_eq!(bearer.verify(&other).await, Err(UNKNOWN));
    assert_eq!(server.requests(), 1);
    assert_eq!(
        server.first_line(),
        "GET /.well-known/jwks.json?v=1 HTTP/1.1"
    );
}

#[tokio::test]
async fn a_thousand_forged_tokens_cause_one_fetch_a_minute() {
    let time = Time::start();
    let (issuer, server, bearer) = started(&time).await;
    for minute in 1..=3 {
        time.advance(MINUTE);
        for kid in 0..500 {
            assert_eq!(bearer.verify(&forged(kid)).await, Err(UNKNOWN));
        }
        let tokens: Vec<String> = (500..1_000).map(forged).collect();
        let at_once = join_all(tokens.iter().map(|token| bearer.verify(token))).await;
        assert!(at_once.iter().all(|result| *result == Err(UNKNOWN)));
        assert!(bearer.verify(&issuer.token().await).await.is_ok());
        assert_eq!(server.requests(), 1 + minute);
        time.advance_almost(MINUTE);
        assert_eq!(bearer.verify(&forged(0)).await, Err(UNKNOWN));
        assert_eq!(server.requests(), 1 + minute);
        time.advance(Duration::from_secs(1));
        time.advance(MINUTE);
    }
}

#[tokio::test]
async fn forged_tokens_during_an_outage_cause_one_fetch_a_minute() {
    let time = Time::start();
    let (issuer, server, bearer) = started(&time).await;
    server.behave(Behaviour::HangUp);
    time.advance(MINUTE);
    for kid in 0..1_000 {
        // The key may be a new one: there is no way to find out now.
        let unavailable = Err(BearerError::KeysUnavailable(KeysUnavailable));
        assert_eq!(bearer.verify(&forged(kid)).await, unavailable);
    }
    assert!(bearer.verify(&issuer.token().await).await.is_ok());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_token_of_a_new_key_is_accepted_after_a_minute_at_most() {
    let time = Time::start();
    let (old, server, bearer) = started(&time).await;
    let new = Issuer::new(&time);
    server.serve_keys(&new.jwks());
    time.advance(MINUTE);
    assert!(bearer.verify(&new.token().await).await.is_ok());
    assert_eq!(bearer.verify(&old.token().await).await, Err(UNKNOWN));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_revoked_key_is_rejected_after_a_quarter_of_an_hour() {
    let time = Time::start();
    let (old, server, bearer) = started(&time).await;
    server.serve_keys(&Issuer::new(&time).jwks());
    time.advance_almost(QUARTER);
    assert!(bearer.verify(&old.token().await).await.is_ok());
    time.advance(Duration::from_secs(1));
    assert_eq!(bearer.verify(&old.token().await).await, Err(UNKNOWN));
}

/// Otherwise, clients that disconnect at the right time could keep a revoked key in use.
#[tokio::test]
async fn a_fetch_goes_on_without_the_request_that_began_it() {
    let time = Time::start();
    let (old, server, bearer) = started(&time).await;
    let new = Issuer::new(&time);
    let pause = Duration::from_millis(300);
    server.behave(Behaviour::RespondAfter(pause, ok(new.jwks())));
    time.advance(QUARTER);
    let token = old.token().await;
    let disconnected = timeout(pause / 3, bearer.verify(&token)).await;
    assert!(disconnected.is_err(), "the request ended before the fetch");
    tokio::time::sleep(pause).await;
    for _ in 0..20 {
        if bearer.verify(&token).await == Err(UNKNOWN) {
            break;
        }
        tokio::time::sleep(pause / 3).await;
    }
    assert!(bearer.verify(&new.token().await).await.is_ok());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_request_does_not_wait_for_the_fetch_of_another_one() {
    let time = Time::start();
    let (issuer, server, bearer) = started(&time).await;
    server.behave(Behaviour::Silence);
    time.advance(QUARTER);
    let token = issuer.token().await;
    let first = bearer.verify(&token);
    let second = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        timeout(Duration::from_millis(200), bearer.verify(&token)).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok());
    assert!(second.expect("it did not wait").is_ok());
}
