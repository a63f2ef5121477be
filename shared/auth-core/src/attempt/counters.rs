//! The names of counters: MACs, so that no store learns who tried to sign in from where.

use std::sync::Arc;

use aws_lc_rs::hmac;

use super::{Attempt, AttemptKind, AttemptLimits, Counter, SourceNetwork, count::ticket};
use crate::{
    base64url,
    email::Email,
    key::Key,
    key_source::{KeySource, KeysUnavailable},
    random::random_id,
    token::SigningError,
};

/// How many times [`AttemptLimits::max_failures`] a network may fail, over all emails.
const NETWORK_FACTOR: u32 = 20;

/// How often an email may fail, over all networks.
const MAX_FAILURES_OF_EMAIL: u32 = 100;

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
        let keys = self.keys.keys().await?;
        let key = keys.signing_key().and_then(mac_key);
        let key = key.ok_or(SigningError::Unavailable)?;
        let window = window.max(1);
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
            ticket: ticket(&random, now),
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

    /// The MACs of an email that its counters may carry, one for each key.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] without a key.
    pub async fn email_macs(&self, email: &Email) -> Result<Vec<String>, KeysUnavailable> {
        let keys = self.keys.keys().await?;
        let keys = keys.iter().filter_map(mac_key);
        Ok(keys
            .map(|key| mac(&key, AttemptKind::Email, &[email.as_str()]))
            .collect())
    }
}

/// A key of its own for these names, so that none of them is ever the MAC of a refresh token.
fn mac_key(key: &Key) -> Option<hmac::Key> {
    let derived = key.sign(b"auth-core attempts")?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, derived.as_bytes()))
}

/// No part but the last may hold a line break.
fn mac(key: &hmac::Key, kind: AttemptKind, parts: &[&str]) -> String {
    let message = format!("{}\n{}", kind.name(), parts.join("\n"));
    base64url::encode(hmac::sign(key, message.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Key, KeySet};

    fn counters(limits: AttemptLimits) -> AttemptCounters {
        let secret: Vec<u8> = (0..32).collect();
        let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
        AttemptCounters::new(KeySet::from(key), limits)
    }

    fn all(attempt: &Attempt) -> [&Counter; 3] {
        [&attempt.pair, &attempt.network, &attempt.email]
    }

    async fn of(email: &str, network: &str, now: u64) -> Attempt {
        let email = Email::parse(email).unwrap();
        let network = SourceNetwork::parse(network);
        let attempt = counters(AttemptLimits::default());
        attempt.of(&email, &network, now).await.unwrap()
    }

    #[tokio::test]
    async fn an_attempt_counts_by_pair_network_and_email() {
        let attempt = of("a@b.c", "203.0.113.7", 1_000).await;
        let limits = all(&attempt).map(|counter| counter.limit);
        assert_eq!(limits, [5, 100, 100]);
        for counter in all(&attempt) {
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

    #[tokio::test]
    async fn every_attempt_has_a_ticket_of_its_own() {
        let attempt = || of("a@b.c", "203.0.113.7", 1_000);
        assert_ne!(attempt().await.ticket, attempt().await.ticket);
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
    async fn an_email_may_fail_as_often_as_a_pair_at_least() {
        let limits = AttemptLimits {
            max_failures: 300,
            window: 60,
        };
        let email = Email::parse("a@b.c").unwrap();
        let network = SourceNetwork::default();
        let attempt = counters(limits).of(&email, &network, 61).await.unwrap();
        let limits = all(&attempt).map(|counter| counter.limit);
        assert_eq!(limits, [300, 6_000, 300]);
        assert_eq!(attempt.pair.expires_at, 120);
    }
}
