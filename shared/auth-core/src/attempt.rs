//! Attempts to sign in, counted so that no password can be guessed.
//!
//! An attempt counts three times: for the address and the network together, for the network, and for
//! the address. It is reserved before the password is hashed, so that any number of guesses at once
//! cannot pass together, and settled when its outcome is known. One that is never settled, because the
//! process or the store broke, stops counting after [`PENDING_FOR`]: an outage locks nobody out.
//!
//! Start at [`AttemptCounters::of`], which names the counters; [`AttemptRepository`] keeps them, and
//! [`Count::attempts`] is the rule.

mod memory;
mod network;
mod repository;

use std::{collections::BTreeSet, sync::Arc};

use aws_lc_rs::hmac;

pub use memory::InMemoryAttemptRepository;
pub use network::SourceNetwork;
pub use repository::{AttemptDirectory, AttemptRepository, CountedAttempts};

use crate::{
    base64url,
    email::Email,
    key_set::KeySet,
    key_source::{KeySource, KeysUnavailable},
    random::random_id,
    token::SigningError,
};

/// How many times [`AttemptLimits::max_failures`] a network may fail, over all addresses.
const NETWORK_FACTOR: u32 = 20;

/// How often an address may fail, over all networks.
const MAX_FAILURES_OF_EMAIL: u32 = 100;

/// Seconds after which an attempt that was not settled no longer counts. No request lives as long: the
/// template gives 10 s.
const PENDING_FOR: u64 = 30;

/// How often a login may fail before it is refused unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// Failures of one address from one network in a window.
    pub max_failures: u32,
    /// The length of a window in seconds. Windows begin at its multiples.
    pub window: u64,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            max_failures: 5,
            window: 900,
        }
    }
}

/// What attempts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptKind {
    /// An address and a network together.
    Pair,
    /// A network, whatever the address.
    Network,
    /// An address, whatever the network.
    Email,
}

impl AttemptKind {
    /// Its name in stores and for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Network => "ip",
            Self::Email => "email",
        }
    }
}

/// One of the counters of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// What it counts by.
    pub kind: AttemptKind,
    /// `<kind>#<mac>#<window>`: no store learns an address or a network from it.
    pub key: String,
    /// The MAC of the address, by which an operator finds its counters; none for a network's.
    pub email_mac: Option<String>,
    /// The most attempts that it takes.
    pub limit: u32,
    /// When its window ends and it counts no more, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: u64,
}

/// What a counter stands at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// The attempts that failed.
    pub failures: u32,
    /// The tickets of those that are not settled.
    pub pending: BTreeSet<String>,
}

impl Count {
    /// How many attempts count at `now`, in seconds since 1970-01-01T00:00:00Z: those that failed, and
    /// those under way.
    #[must_use]
    pub fn attempts(&self, now: u64) -> u32 {
        let pending = self.pending.iter().filter(|ticket| !is_over(ticket, now));
        let pending = u32::try_from(pending.count()).unwrap_or(u32::MAX);
        self.failures.saturating_add(pending)
    }
}

/// Whether a ticket's time is over: `<seconds since 1970>.<random>`.
fn is_over(ticket: &str, now: u64) -> bool {
    let expires_at = ticket.split('.').next().and_then(|text| text.parse().ok());
    expires_at.is_none_or(|expires_at: u64| expires_at <= now)
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was wrong, and counts until the window ends.
    Failed,
    /// It was right, or nothing was learnt from it: it never was.
    GivenBack,
    /// It was right, and all failures before it are forgotten.
    Cleared,
}

/// An attempt by its three counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Tells it from all others.
    pub ticket: String,
    /// Of the address and the network together.
    pub pair: Counter,
    /// Of the network.
    pub network: Counter,
    /// Of the address.
    pub email: Counter,
}

/// Names the counters of attempts.
#[derive(Debug, Clone)]
pub struct AttemptCounters {
    keys: Arc<dyn KeySource>,
    limits: AttemptLimits,
}

impl AttemptCounters {
    /// Counters whose names are made with the first of `keys`. Another key begins anew.
    #[must_use]
    pub fn new(keys: impl Into<Arc<dyn KeySource>>, limits: AttemptLimits) -> Self {
        Self {
            keys: keys.into(),
            limits,
        }
    }

    /// The counters of an attempt at `now`, in seconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`SigningError`] without a key or randomness.
    pub async fn of(
        &self,
        email: &Email,
        network: &SourceNetwork,
        now: u64,
    ) -> Result<Attempt, SigningError> {
        let random = random_id().ok_or(SigningError::Unavailable)?;
        let AttemptLimits {
            max_failures,
            window,
        } = self.limits;
        let key = mac_key(&*self.keys.keys().await?)?;
        let begins = now - now % window;
        let email_mac = mac(&key, AttemptKind::Email, &[email.as_str()]);
        let counter = |kind: AttemptKind, mac: &str, limit| Counter {
            kind,
            key: format!("{}#{mac}#{begins}", kind.name()),
            email_mac: (kind != AttemptKind::Network).then(|| email_mac.clone()),
            limit,
            expires_at: begins.saturating_add(window),
        };
        let network = network.to_string();
        let pair_mac = mac(&key, AttemptKind::Pair, &[&network, email.as_str()]);
        let network_mac = mac(&key, AttemptKind::Network, &[&network]);
        Ok(Attempt {
            ticket: format!("{}.{random}", now.saturating_add(PENDING_FOR)),
            pair: counter(AttemptKind::Pair, &pair_mac, max_failures),
            network: counter(
                AttemptKind::Network,
                &network_mac,
                max_failures.saturating_mul(NETWORK_FACTOR),
            ),
            email: counter(
                AttemptKind::Email,
                &email_mac,
                max_failures.max(MAX_FAILURES_OF_EMAIL),
            ),
        })
    }

    /// The MAC of an address, as its counters carry it.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] without a key.
    pub async fn email_mac(&self, email: &Email) -> Result<String, KeysUnavailable> {
        let key = mac_key(&*self.keys.keys().await?)?;
        Ok(mac(&key, AttemptKind::Email, &[email.as_str()]))
    }
}

/// A key of its own for these names, so that none of them is ever the MAC of a refresh token.
fn mac_key(keys: &KeySet) -> Result<hmac::Key, KeysUnavailable> {
    let derived = keys
        .signing_key()
        .and_then(|key| key.sign(b"auth-core attempts"));
    let derived = derived.ok_or(KeysUnavailable)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, derived.as_bytes()))
}

/// No part but the last may hold a line break.
fn mac(key: &hmac::Key, kind: AttemptKind, parts: &[&str]) -> String {
    let message = format!("{}\n{}", kind.name(), parts.join("\n"));
    base64url::encode(hmac::sign(key, message.as_bytes()))
}

impl Attempt {
    /// The counters, narrowest first.
    #[must_use]
    pub fn counters(&self) -> [&Counter; 3] {
        [&self.pair, &self.network, &self.email]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Key};

    fn counters(limits: AttemptLimits) -> AttemptCounters {
        let secret: Vec<u8> = (0..32).collect();
        let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
        AttemptCounters::new(KeySet::from(key), limits)
    }

    async fn of(email: &str, network: &str, now: u64) -> Attempt {
        let email = Email::parse(email).unwrap();
        let network = SourceNetwork::parse(network);
        let attempt = counters(AttemptLimits::default());
        attempt.of(&email, &network, now).await.unwrap()
    }

    #[tokio::test]
    async fn an_attempt_counts_by_pair_network_and_address() {
        let attempt = of("a@b.c", "203.0.113.7", 1_000).await;
        let limits = attempt.counters().map(|counter| counter.limit);
        assert_eq!(limits, [5, 100, 100]);
        for counter in attempt.counters() {
            assert_eq!(counter.expires_at, 1_800);
            assert!(counter.key.ends_with("#900"), "{}", counter.key);
            assert!(!counter.key.contains("a@b.c") && !counter.key.contains("203.0"));
        }
        let other_email = of("b@b.c", "203.0.113.7", 1_000).await;
        let other_network = of("A@B.C", "203.0.113.8", 1_799).await;
        assert_ne!(attempt.pair.key, other_email.pair.key);
        assert_ne!(attempt.pair.key, other_network.pair.key);
        assert_eq!(attempt.network, other_email.network);
        assert_eq!(attempt.email, other_network.email);
        assert_eq!(attempt.pair.email_mac, other_network.pair.email_mac);
        assert_eq!(attempt.network.email_mac, None);
        let later = of("a@b.c", "203.0.113.7", 1_800).await;
        assert_ne!(attempt.pair.key, later.pair.key, "another window");
    }

    #[test]
    fn an_attempt_that_was_not_settled_stops_counting() {
        let count = Count {
            failures: 2,
            pending: ["1030.a", "1031.b", "1031.c", "garbage"]
                .map(String::from)
                .into(),
        };
        assert_eq!(count.attempts(1_029), 5);
        assert_eq!(count.attempts(1_030), 4);
        assert_eq!(count.attempts(1_031), 2);
    }

    #[tokio::test]
    async fn a_ticket_is_its_own_and_lasts_longer_than_a_request() {
        let (one, other) = (
            of("a@b.c", "203.0.113.7", 1_000).await,
            of("a@b.c", "203.0.113.7", 1_000).await,
        );
        assert_ne!(one.ticket, other.ticket);
        assert!(!is_over(&one.ticket, 1_029) && is_over(&one.ticket, 1_030));
    }

    /// Nobody makes one name out of the parts of another.
    #[tokio::test]
    async fn parts_cannot_be_shifted() {
        let one = of("x", "unknown", 0).await;
        let other = of("unknown\nx", "", 0).await;
        assert_ne!(one.pair.key, other.pair.key);
        assert_ne!(one.pair.key[4..], one.email.key[5..]);
    }

    #[tokio::test]
    async fn an_address_may_fail_as_often_as_a_pair_at_least() {
        let limits = AttemptLimits {
            max_failures: 300,
            window: 60,
        };
        let email = Email::parse("a@b.c").unwrap();
        let network = SourceNetwork::default();
        let attempt = counters(limits).of(&email, &network, 61).await.unwrap();
        let limits = attempt.counters().map(|counter| counter.limit);
        assert_eq!(limits, [300, 6_000, 300]);
        assert_eq!(attempt.pair.expires_at, 120);
    }
}
