//! Attempt counters: which ones an attempt has, and what their values mean.
//!
//! The keys of counters are MACs, so a store does not reveal who tried to log in from where.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use base64::Engine;
use serde::{Deserialize, Serialize};

use super::{AttemptLimits, SourceNetwork};
use crate::{
    encoding::BASE64URL,
    issuer::SigningError,
    key::{Key, KeySource, KeysUnavailable},
    time::UnixTime,
    token::random_id,
    user::Email,
};

/// The limit of a network, across all emails, as a multiple of [`AttemptLimits::max_failures`].
const NETWORK_FACTOR: u32 = 20;

/// The limit of an email, across all networks, unless [`AttemptLimits::max_failures`] is higher.
const MAX_FAILURES_PER_EMAIL: u32 = 100;

/// How long an unsettled attempt counts. Requests are shorter: the template limits them to 10 s.
const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// What attempts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptKind {
    /// An email and a network together.
    Pair,
    /// A network, with any email.
    Network,
    /// An email, from any network.
    Email,
}

impl AttemptKind {
    /// Returns the name that stores and people see.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// What it counts by.
    pub kind: AttemptKind,
    /// `<kind>#<mac>#<window>`, which does not reveal the email or the network.
    pub key: String,
    /// The MAC of the email, by which operators find its counters; `None` for the counter of a network.
    pub email_mac: Option<String>,
    /// The maximum number of attempts.
    pub limit: u32,
    /// When its window ends.
    pub expires_at: UnixTime,
}

/// An attempt with its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Distinguishes it from all others: `<when it stops counting>.<random>`.
    pub ticket: String,
    /// The counters of the pair, of the network and of the email.
    pub counters: [Counter; 3],
}

/// The value of a counter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The number of attempts that failed.
    #[serde(default)]
    pub failures: u32,
    /// The tickets of attempts that are not settled.
    #[serde(default)]
    pub pending: BTreeSet<String>,
}

/// How full a counter is at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The attempts that count: those that failed, and those in progress.
    pub attempts: u32,
    /// The tickets that no longer count.
    pub expired: Vec<String>,
    /// When the next attempt in progress stops counting.
    pub next_expiry: Option<UnixTime>,
}

impl Count {
    /// Returns how full the counter is at `now`.
    #[must_use]
    pub fn load(&self, now: UnixTime) -> Load {
        let mut load = Load {
            attempts: self.failures,
            expired: Vec::new(),
            next_expiry: None,
        };
        for ticket in &self.pending {
            let expiry = ticket.split('.').next().and_then(|time| time.parse().ok());
            match expiry.map(UnixTime::from_secs) {
                Some(expiry) if expiry > now => {
                    load.attempts = load.attempts.saturating_add(1);
                    let next = load.next_expiry.get_or_insert(expiry);
                    *next = expiry.min(*next);
                }
                _ => load.expired.push(ticket.clone()),
            }
        }
        load
    }

    /// Returns the time by which a full counter has room again: the end of its window or, if it is full of
    /// attempts in progress, the time when the first of them stops counting.
    #[must_use]
    pub fn full_until(&self, counter: &Counter, now: UnixTime) -> UnixTime {
        self.load(now)
            .next_expiry
            .filter(|_| self.failures < counter.limit)
            .map_or(counter.expires_at, |expiry| expiry.min(counter.expires_at))
    }
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The password was wrong. The attempt counts until the window ends.
    Failed,
    /// The attempt does not count: the password was right, or nothing was revealed about it.
    Released,
    /// The password was right, and all earlier failures are forgotten.
    Reset,
}

/// Chooses the counters of attempts.
#[derive(Debug, Clone)]
pub struct AttemptCounters {
    keys: Arc<dyn KeySource>,
    limits: AttemptLimits,
}

impl AttemptCounters {
    /// Returns counters whose names are MACs made with the first of `keys`. If that key changes, counting
    /// starts again.
    #[must_use]
    pub fn new(keys: impl Into<Arc<dyn KeySource>>, limits: AttemptLimits) -> Self {
        Self {
            keys: keys.into(),
            limits,
        }
    }

    /// Returns an attempt at `now` with its counters.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if no key or no randomness is available.
    pub async fn for_attempt(
        &self,
        email: &Email,
        network: &SourceNetwork,
        now: UnixTime,
    ) -> Result<Attempt, SigningError> {
        let keys = self.keys.keys().await?;
        let key = keys.signing_key().ok_or(SigningError::Unavailable)?;
        let AttemptLimits {
            max_failures,
            window,
        } = self.limits;
        let begins = now.0 - now.0 % window.as_secs().max(1);
        let mac = |kind, parts: &[&str]| mac(key, kind, parts).ok_or(SigningError::Unavailable);
        let email_mac = mac(AttemptKind::Email, &[&email.0])?;
        let counter = |kind: AttemptKind, mac: &str, limit| Counter {
            kind,
            key: format!("{}#{mac}#{begins}", kind.name()),
            email_mac: (kind != AttemptKind::Network).then(|| email_mac.clone()),
            limit,
            expires_at: UnixTime(begins) + window,
        };
        let pair_mac = mac(AttemptKind::Pair, &[&network.0, &email.0])?;
        let network_mac = mac(AttemptKind::Network, &[&network.0])?;
        let network_limit = max_failures.saturating_mul(NETWORK_FACTOR);
        let email_limit = max_failures.max(MAX_FAILURES_PER_EMAIL);
        let random = random_id().ok_or(SigningError::Unavailable)?;
        Ok(Attempt {
            ticket: format!("{}.{random}", (now + TICKET_LIFETIME).0),
            counters: [
                counter(AttemptKind::Pair, &pair_mac, max_failures),
                counter(AttemptKind::Network, &network_mac, network_limit),
                counter(AttemptKind::Email, &email_mac, email_limit),
            ],
        })
    }

    /// Returns the MACs that the counters of an email may have, one for each key.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if no key is available.
    pub async fn email_macs(&self, email: &Email) -> Result<Vec<String>, KeysUnavailable> {
        let keys = self.keys.keys().await?;
        let mac = |key| mac(key, AttemptKind::Email, &[&email.0]);
        Ok(keys.iter().filter_map(mac).collect())
    }
}

/// Returns the MAC of `parts`, of which only the last may contain a line break. The MAC key is derived from
/// `key`, so no counter is named by the MAC of a refresh token. `None` if `key` cannot sign.
fn mac(key: &Key, kind: AttemptKind, parts: &[&str]) -> Option<String> {
    let derived = BASE64URL.encode(key.sign(b"auth-core attempts")?);
    let key = hmac::Key::new(hmac::HMAC_SHA256, derived.as_bytes());
    let message = format!("{}\n{}", kind.name(), parts.join("\n"));
    Some(BASE64URL.encode(hmac::sign(&key, message.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Key, KeySet};

    const fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    fn attempt_counters(limits: AttemptLimits) -> AttemptCounters {
        let secret: Vec<u8> = (0..32).collect();
        let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
        AttemptCounters::new(KeySet::from(key), limits)
    }

    async fn counters(email: &str, network: &str, now: u64) -> [Counter; 3] {
        let email = Email::parse(email).unwrap();
        let counters = attempt_counters(AttemptLimits::default());
        let network = SourceNetwork::parse(network);
        counters
            .for_attempt(&email, &network, at(now))
            .await
            .unwrap()
            .counters
    }

    #[tokio::test]
    async fn an_attempt_is_counted_by_pair_network_and_email() {
        let attempt = counters("a@b.c", "203.0.113.7", 1_000).await;
        assert_eq!(
            attempt.each_ref().map(|counter| counter.limit),
            [5, 100, 100]
        );
        for counter in &attempt {
            assert_eq!(counter.expires_at, at(1_800));
            assert!(counter.key.ends_with("#900"), "{}", counter.key);
            assert!(!counter.key.contains("a@b.c") && !counter.key.contains("203.0"));
        }
        let [pair, network, email] = attempt;
        let other_email = counters("b@b.c", "203.0.113.7", 1_000).await;
        let other_network = counters("A@B.C", "203.0.113.8", 1_799).await;
        assert_ne!(pair.key, other_email[0].key);
        assert_ne!(pair.key, other_network[0].key);
        assert_eq!(network, other_email[1]);
        assert_eq!(email, other_network[2]);
        assert_eq!(pair.email_mac, other_network[0].email_mac);
        assert_eq!(network.email_mac, None);
        let later = counters("a@b.c", "203.0.113.7", 1_800).await;
        assert_ne!(pair.key, later[0].key, "another window");
    }

    /// The key of one counter cannot be built from the parts of another.
    #[tokio::test]
    async fn parts_cannot_be_shifted() {
        let [pair, _, email] = counters("x", "unknown", 0).await;
        let [other, ..] = counters("unknown\nx", "", 0).await;
        assert_ne!(pair.key, other.key);
        assert_ne!(pair.key[4..], email.key[5..]);
    }

    #[tokio::test]
    async fn the_limit_of_an_email_is_at_least_that_of_a_pair() {
        let limits = AttemptLimits {
            max_failures: 300,
            window: Duration::from_mins(1),
        };
        let email = Email::parse("a@b.c").unwrap();
        let network = SourceNetwork::default();
        let counters = attempt_counters(limits);
        let attempt = counters
            .for_attempt(&email, &network, at(61))
            .await
            .unwrap();
        assert_eq!(
            attempt.counters.each_ref().map(|counter| counter.limit),
            [300, 6_000, 300]
        );
        assert_eq!(attempt.counters[0].expires_at, at(120));
    }

    #[test]
    fn an_attempt_that_was_not_settled_stops_counting() {
        let count = Count {
            failures: 2,
            pending: ["1030.a", "1031.b", "1031.c", "garbage"]
                .map(String::from)
                .into(),
        };
        assert_eq!(count.load(at(1_029)).attempts, 5);
        let load = count.load(at(1_030));
        assert_eq!((load.attempts, load.next_expiry), (4, Some(at(1_031))));
        assert_eq!(load.expired, ["1030.a", "garbage"]);
        assert_eq!(count.load(at(1_031)).attempts, 2);
    }

    #[test]
    fn a_counter_is_full_until_its_window_or_an_attempt_in_progress_ends() {
        let counter = Counter {
            kind: AttemptKind::Pair,
            key: "pair#mac#900".into(),
            email_mac: None,
            limit: 5,
            expires_at: at(1_800),
        };
        let full_until = |failures, pending: &[&str], now| {
            let count = Count {
                failures,
                pending: pending.iter().map(ToString::to_string).collect(),
            };
            count.full_until(&counter, at(now)).as_secs()
        };
        let tickets = ["990.a", "1020.b", "1025.c"];
        assert_eq!(full_until(4, &tickets, 1_000), 1_020);
        assert_eq!(full_until(5, &tickets, 1_000), 1_800);
        assert_eq!(full_until(4, &["1810.a"], 1_790), 1_800);
    }

    #[tokio::test]
    async fn a_ticket_counts_for_30_seconds_and_no_two_are_the_same() {
        let counters = attempt_counters(AttemptLimits::default());
        let (email, network) = (Email::parse("a@b.c").unwrap(), SourceNetwork::default());
        let ticket = async || {
            let attempt = counters.for_attempt(&email, &network, at(1_000)).await;
            attempt.unwrap().ticket
        };
        let count = Count {
            failures: 0,
            pending: [ticket().await].into(),
        };
        assert_eq!(count.load(at(1_029)).attempts, 1);
        assert_eq!(count.load(at(1_030)).attempts, 0);
        assert_ne!(ticket().await, ticket().await);
    }
}
