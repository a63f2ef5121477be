//! Servers that are down, slow, or respond with an error: the last keys stay in use.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use auth_core::{BearerError, JwtBearer, KeysUnavailable};

use crate::{
    DAY, Issuer, MINUTE, QUARTER, Time, guard,
    server::{Behaviour, Server, ok, with_status},
    started,
};

const UNAVAILABLE: BearerError = BearerError::KeysUnavailable(KeysUnavailable);

/// More than the time limit of a fetch, which is 2 s, on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// Returns every way in which a server can fail, with keys that must not be used.
fn failures(jwks: &str) -> Vec<(&'static str, Behaviour)> {
    let status = |status: &str| Behaviour::Respond(with_status(status, jwks));
    let cut: Vec<u8> = ok(jwks).into_iter().rev().skip(10).rev().collect();
    vec![
        ("no response", Behaviour::HangUp),
        ("silence", Behaviour::Silence),
        ("a body that never ends", Behaviour::Drip(ok(jwks))),
        ("a body that ends early", Behaviour::Respond(cut)),
        ("not HTTP", Behaviour::Respond(jwks.as_bytes().to_vec())),
        ("500", status("500 Internal Server Error")),
        ("404", status("404 Not Found")),
        ("201", status("201 Created")),
        ("206", status("206 Partial Content")),
    ]
}

async fn assert_valid(bearer: &JwtBearer, issuer: &Issuer, what: &str) {
    let result = bearer.verify(&issuer.token().await).await;
    assert!(result.is_ok(), "{what}: {result:?}");
}

#[tokio::test]
async fn the_last_keys_stay_in_use_whatever_happens_to_the_server() {
    let time = Time::start();
    let (issuer, server, bearer) = started(&time).await;
    let other = Issuer::new(&time);
    for (what, failure) in failures(&other.jwks()) {
        server.behave(failure);
        time.advance(QUARTER);
        let (requests, start) = (server.requests(), Instant::now());
        assert_valid(&bearer, &issuer, what).await;
        assert!(start.elapsed() < SOON, "{what}: {:?}", start.elapsed());
        assert_eq!(server.requests(), requests + 1, "{what}");
        assert_valid(&bearer, &issuer, what).await;
        assert_eq!(server.requests(), requests + 1, "{what}: once a minute");
        assert_eq!(bearer.verify(&other.token().await).await, Err(UNAVAILABLE));
    }
}

#[tokio::test]
async fn a_guard_starts_while_the_server_fails_and_then_recovers() {
    let time = Time::start();
    let issuer = Issuer::new(&time);
    for (what, failure) in failures(&issuer.jwks()) {
        let server = Server::start(failure);
        let bearer = guard(&server.url(), &time).await.expect(what);
        let token = issuer.token().await;
        for _ in 0..100 {
            assert_eq!(bearer.verify(&token).await, Err(UNAVAILABLE), "{what}");
        }
        assert_eq!(server.requests(), 1, "{what}: no fetch for each request");
        server.serve_keys(&issuer.jwks());
        time.advance(Duration::from_secs(5));
        assert_valid(&bearer, &issuer, what).await;
    }
}

#[tokio::test]
async fn an_outage_of_a_day_is_survived_and_a_longer_one_is_unavailability() {
    let time = Time::start();
    let (issuer, server, bearer) = started(&time).await;
    server.behave(Behaviour::HangUp);
    time.advance_almost(DAY);
    assert_valid(&bearer, &issuer, "almost a day").await;
    time.advance(Duration::from_secs(1));
    assert_eq!(bearer.verify(&issuer.token().await).await, Err(UNAVAILABLE));
    server.serve_keys(&issuer.jwks());
    time.advance(MINUTE);
    assert_valid(&bearer, &issuer, "it is back").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage() {
    let time = Time::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let bearer = guard(&url, &time).await.unwrap();
    let token = Issuer::new(&time).token().await;
    assert_eq!(bearer.verify(&token).await, Err(UNAVAILABLE));
}
