//! Chooses the counters of an attempt.
//!
//! Everything is named by MACs, so a store does not reveal who tried to log in from where. Each use of the key
//! begins its message with its own label.

use std::{sync::Arc, time::Duration};

use base64::Engine;

use super::{
    AttemptLimits, Counter, DeviceId, Full, NetworkCounter, Subject, counter, full::FullCounters,
};
use crate::{
    encoding::BASE64URL,
    failure::SigningError,
    id::SessionId,
    key::{Key, KeySource, KeysUnavailable},
    network::SourceNetwork,
    time::UnixTime,
    user::Email,
};

const NETWORK: &str = "network";
const SOURCE: &str = "source";

/// The maximum number of attempts to repeat a request with one link: that of the tickets of a counter.
const MAX_PER_LINK: u32 = 20;

/// The characters of a MAC that name a source next to its window. An attacker cannot choose two sources that
/// share them; if two share them by accident, they only share a limit.
const SOURCE_CHARS: usize = 3;

/// An attempt with its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The device, if its token is valid.
    pub known_device: Option<KnownDevice>,
    /// The counter of the email.
    pub email_counter: Counter,
    /// The counter of the network.
    pub network_counter: NetworkCounter,
}

/// A device on which the user has logged in before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Names the device.
    pub id: DeviceId,
    /// The counter of the known devices of the email. It is tried first.
    pub counter: Counter,
}

impl Attempt {
    /// Returns the MAC of the email, which groups attempts in logs without naming anyone.
    #[must_use]
    pub fn email_mac(&self) -> &str {
        self.email_counter.id.split('#').next().unwrap_or_default()
    }
}

/// Chooses the counters of attempts, remembers full ones, and issues device tokens
/// ([`DeviceToken`](super::DeviceToken)).
#[derive(Debug)]
pub struct Attempts {
    pub(crate) keys: Arc<dyn KeySource>,
    limits: AttemptLimits,
    pub(super) device_lifetime: Duration,
    full: FullCounters,
}

impl Attempts {
    /// Returns the rules of attempts. Counters are named by the first of `keys`; if that key changes, counting
    /// starts again. A device token lapses after `device_lifetime`.
    #[must_use]
    pub fn new(
        keys: impl Into<Arc<dyn KeySource>>,
        limits: AttemptLimits,
        device_lifetime: Duration,
    ) -> Self {
        Self {
            keys: keys.into(),
            limits,
            device_lifetime,
            full: FullCounters::default(),
        }
    }

    /// Returns an attempt at `now` with its counters. A device token that is not valid is ignored.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if no key is available.
    pub async fn begin(
        &self,
        email: &Email,
        network: &SourceNetwork,
        device_token: Option<&str>,
        now: UnixTime,
    ) -> Result<Attempt, SigningError> {
        let device = match device_token {
            Some(token) => self.verify_device_token(email, token, now).await?,
            None => None,
        };
        let keys = self.keys.keys().await?;
        let key = keys.signing_key();
        let attempt = key.and_then(|key| self.attempt(key, email, network, device, now));
        attempt.ok_or(SigningError::Unavailable)
    }

    /// Returns an attempt whose counters are named by MACs under `key`; `None` if it cannot sign.
    fn attempt(
        &self,
        key: &Key,
        email: &Email,
        network: &SourceNetwork,
        device: Option<DeviceId>,
        now: UnixTime,
    ) -> Option<Attempt> {
        let counter = |subject, source: &[u8]| self.counter(key, subject, email, source, now);
        let known_device = match device {
            Some(id) => Some(KnownDevice {
                id,
                counter: counter(Subject::Devices, &id.0)?,
            }),
            None => None,
        };
        Some(Attempt {
            known_device,
            email_counter: counter(Subject::Email, network.0.as_bytes())?,
            network_counter: self.network_counter(key, network, now)?,
        })
    }

    /// Returns the counters of an attempt in a session, by a signed-in user: that of the sessions of the email, and that
    /// of the network, which counts the failure too but does not refuse the attempt.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if no key is available.
    pub async fn begin_in_session(
        &self,
        email: &Email,
        session: &SessionId,
        network: &SourceNetwork,
        now: UnixTime,
    ) -> Result<(Counter, NetworkCounter), SigningError> {
        let keys = self.keys.keys().await?;
        let key = keys.signing_key().ok_or(SigningError::Unavailable)?;
        let source = session.as_str().as_bytes();
        let counter = self.counter(key, Subject::Sessions, email, source, now);
        let network = self.network_counter(key, network, now);
        counter.zip(network).ok_or(SigningError::Unavailable)
    }

    /// Returns the counter of attempts to repeat a request with a link that was used. Each link, by its mark, is a
    /// source. Requests that use one link at once may fill all its tickets.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if no key is available.
    pub async fn link_counter(
        &self,
        email: &Email,
        mark: &str,
        now: UnixTime,
    ) -> Result<Counter, SigningError> {
        let keys = self.keys.keys().await?;
        let key = keys.signing_key().ok_or(SigningError::Unavailable)?;
        let counter = self.counter(key, Subject::Links, email, mark.as_bytes(), now);
        let mut counter = counter.ok_or(SigningError::Unavailable)?;
        counter.max_per_source = MAX_PER_LINK;
        Ok(counter)
    }

    fn network_counter(
        &self,
        key: &Key,
        network: &SourceNetwork,
        now: UnixTime,
    ) -> Option<NetworkCounter> {
        let (_, window_ends) = counter::window(&self.limits, now);
        let mac = short_mac(key, NETWORK, &[network.0.as_bytes()])?;
        Some(NetworkCounter {
            id: format!("{mac}#{}", window_ends.as_secs()),
            max_failures: self.limits.max_failures_per_network,
            window_ends,
        })
    }

    fn counter(
        &self,
        key: &Key,
        subject: Subject,
        email: &Email,
        source: &[u8],
        now: UnixTime,
    ) -> Option<Counter> {
        let mac = short_mac(key, subject.name(), &[email.0.as_bytes()])?;
        let source = short_mac(key, SOURCE, &[mac.as_bytes(), source])?;
        let source = &source[..SOURCE_CHARS];
        Some(Counter::new(subject, &mac, source, &self.limits, now))
    }

    /// Returns the counters that an email has at `now`, for each key and without a source, so that operators
    /// can inspect them.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`] if no key is available.
    pub async fn counters(
        &self,
        email: &Email,
        now: UnixTime,
    ) -> Result<Vec<Counter>, KeysUnavailable> {
        let keys = self.keys.keys().await?;
        let counters = keys.iter().flat_map(|key| {
            Subject::ALL.into_iter().filter_map(|subject| {
                let mac = short_mac(key, subject.name(), &[email.0.as_bytes()])?;
                Some(Counter::new(subject, &mac, "", &self.limits, now))
            })
        });
        Ok(counters.collect())
    }

    /// Remembers that failures fill a counter, so that [`Attempts::is_known_full`] returns true.
    pub fn remember_full(&self, counter: &Counter, full: Full, now: UnixTime) {
        match full {
            Full::Subject(until) => self.full.insert(&counter.id, until, now),
            Full::Source(until) => self.full.insert(&source_key(counter), until, now),
            Full::InProgress(_) => {}
        }
    }

    /// Returns whether a counter was full of failures. It must be read again before an attempt is refused.
    #[must_use]
    pub fn is_known_full(&self, counter: &Counter) -> bool {
        self.full.contains(&counter.id) || self.full.contains(&source_key(counter))
    }

    /// Forgets that a counter was full.
    pub fn forget_full(&self, counter: &Counter) {
        self.full.remove(&counter.id);
        self.full.remove(&source_key(counter));
    }

    /// As [`Attempts::remember_full`], for the counter of a network.
    pub fn remember_full_network(&self, counter: &NetworkCounter, now: UnixTime) {
        self.full.insert(&counter.id, counter.window_ends, now);
    }

    /// As [`Attempts::is_known_full`], for the counter of a network, which stays full until its window ends.
    #[must_use]
    pub fn is_known_full_network(&self, counter: &NetworkCounter) -> bool {
        self.full.contains(&counter.id)
    }
}

fn source_key(counter: &Counter) -> String {
    format!("{}#{}", counter.id, counter.source)
}

/// Returns 128 bits of the MAC of `parts` in base64url, or `None` if `key` cannot sign.
pub(crate) fn short_mac(key: &Key, label: &str, parts: &[&[u8]]) -> Option<String> {
    let mac = key.sign(&message(label, parts))?;
    Some(BASE64URL.encode(mac.first_chunk::<16>()?))
}

/// Returns a message that is unique to its label and parts: all `parts` except the last have a fixed length.
pub(super) fn message(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    [label.as_bytes(), b"\n", &parts.concat()].concat()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Algorithm, KeySet};

    pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_000_000);
    pub(crate) const LIFETIME: Duration = Duration::from_hours(1);

    pub(crate) fn attempts() -> Attempts {
        let secret: Vec<u8> = (0..32).collect();
        let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
        Attempts::new(KeySet::from(key), AttemptLimits::default(), LIFETIME)
    }

    async fn begin(email: &str, address: &str) -> Attempt {
        let (email, network) = (Email::parse(email).unwrap(), SourceNetwork::parse(address));
        let attempt = attempts().begin(&email, &network, None, NOW).await;
        attempt.unwrap()
    }

    #[tokio::test]
    async fn an_attempt_is_counted_by_email_and_network_without_naming_them() {
        let attempt = begin("A@b.c", "203.0.113.7").await;
        let text = format!("{attempt:?}");
        assert!(!text.contains("a@b.c") && !text.contains("203.0"), "{text}");
        assert_eq!(attempt.known_device, None);

        let other_network = begin("a@b.c", "203.0.113.8").await;
        assert_eq!(attempt.email_counter.id, other_network.email_counter.id);
        assert_eq!(attempt.email_mac(), other_network.email_mac());
        assert_ne!(
            attempt.email_counter.source,
            other_network.email_counter.source
        );
        assert_ne!(attempt.network_counter.id, other_network.network_counter.id);

        let other_email = begin("b@b.c", "203.0.113.7").await;
        assert_ne!(attempt.email_counter.id, other_email.email_counter.id);
        assert_eq!(attempt.network_counter, other_email.network_counter);
    }

    #[tokio::test]
    async fn a_counter_that_is_full_is_remembered_until_it_is_forgotten() {
        let attempts = attempts();
        let (here, there) = (
            begin("a@b.c", "203.0.113.7").await,
            begin("a@b.c", "::1").await,
        );
        let (here, there) = (&here.email_counter, &there.email_counter);
        attempts.remember_full(here, Full::InProgress(NOW), NOW);
        assert!(!attempts.is_known_full(here));
        attempts.remember_full(here, Full::Source(here.window_ends), NOW);
        assert!(attempts.is_known_full(here) && !attempts.is_known_full(there));
        attempts.remember_full(here, Full::Subject(here.day_ends()), NOW);
        assert!(attempts.is_known_full(there), "for every source");
        attempts.forget_full(there);
        assert!(!attempts.is_known_full(there));
    }
}
