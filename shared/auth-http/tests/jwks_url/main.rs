//! Guards with keys at a URL, against real servers on this machine: keys that rotate, outages, slow servers, responses
//! that are too large or no keys, redirects, forged tokens.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests may panic: that's how they fail"
)]

mod content;
mod outages;
mod rotation;
mod server;
mod tls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Algorithm, Clock, GuardKeys, GuardSettings, JwtBearer, KeyRing, PublishedKeys, SessionId,
    TokenIssuer, TokenSettings, UnixTime, User,
};
use auth_http::{GuardError, guard_from};

use server::Server;

const MINUTE: Duration = Duration::from_mins(1);
const QUARTER: Duration = Duration::from_mins(15);
const DAY: Duration = Duration::from_hours(24);

/// A clock that only the test advances.
#[derive(Clone)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn start() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000)))
    }

    fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }

    /// Advances to a second before `duration` from now.
    fn advance_almost(&self, duration: Duration) {
        self.0.fetch_add(duration.as_secs() - 1, Ordering::Relaxed);
    }

    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::Relaxed))
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }
}

/// A key of the issuer.
struct Issuer {
    ring: KeyRing,
    time: Time,
}

impl Issuer {
    fn new(time: &Time) -> Self {
        Self {
            ring: KeyRing::create(Algorithm::ES256, time.now()).unwrap(),
            time: time.clone(),
        }
    }

    /// Returns the JWK set with the public keys.
    fn jwks(&self) -> String {
        let keys = PublishedKeys::default().covering(&[&self.ring], self.time.now(), DAY);
        keys.jwks(self.time.now())
    }

    /// Returns a token that is valid for an hour from now.
    async fn token(&self) -> String {
        let user = User {
            id: "1".into(),
            email: "jane@example.com".into(),
            disabled: false,
            version: 0,
            roles: vec![],
        };
        let keys = self.ring.key_set().unwrap();
        let issuer = TokenIssuer::new(keys, TokenSettings::default(), self.time.clock());
        let session = SessionId::random().unwrap();
        let token = issuer.issue(&user, &session, self.time.now() + DAY).await;
        token.unwrap().expose().to_owned()
    }
}

/// Returns a guard with the keys at a URL.
async fn guard(url: &str, time: &Time) -> Result<JwtBearer, GuardError> {
    let keys = GuardKeys::Url {
        url: url.parse().unwrap(),
        algorithm: Algorithm::HS256,
    };
    let tokens = TokenSettings::default();
    guard_from(GuardSettings { keys, tokens }, time.clock()).await
}

/// Returns an issuer, a server with its keys, and a guard that has read them.
async fn started(time: &Time) -> (Issuer, Server, JwtBearer) {
    let issuer = Issuer::new(time);
    let server = Server::with_keys(&issuer.jwks());
    let bearer = guard(&server.url(), time).await.unwrap();
    (issuer, server, bearer)
}
