//! Device tokens: they prove that a user has logged in on a device before.
//!
//! The text is base64url of 16 random bytes that name the device, the time of issue (8 bytes, big endian) and an
//! HMAC-SHA-256 over both and the email. Nothing is stored.

use std::fmt;

use base64::Engine;
use serde::Serialize;

use super::attempts::{Attempts, message};
use crate::{
    encoding::BASE64URL,
    failure::SigningError,
    id::random_bytes,
    key::{Key, KeysUnavailable},
    time::UnixTime,
    user::Email,
};

/// Begins the message of a token's MAC.
const LABEL: &str = "device token";

/// A device token. Its `Debug` shows nothing; it is serialized only into the response to its user.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DeviceToken(pub(super) String);

impl DeviceToken {
    /// Returns the text. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(redacted)")
    }
}

/// A device on which the user of an email has logged in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceId(pub(super) [u8; Self::BYTES]);

impl DeviceId {
    pub(super) const BYTES: usize = 16;
}

impl Attempts {
    /// Issues a token for a device on which the user of `email` has just logged in: for `device` again, or for a
    /// new one.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if no key or no randomness is available.
    pub async fn issue_device_token(
        &self,
        email: &Email,
        device: Option<DeviceId>,
        now: UnixTime,
    ) -> Result<DeviceToken, SigningError> {
        let id = device.map(|device| device.0).or_else(random_bytes);
        let id = id.ok_or(SigningError::Unavailable)?;
        let issued_at = now.as_secs().to_be_bytes();
        let keys = self.keys.keys().await?;
        let parts = [&id[..], &issued_at, email.0.as_bytes()];
        let mac = keys
            .signing_key()
            .and_then(|key| key.sign(&message(LABEL, &parts)));
        let mac = mac.ok_or(SigningError::Unavailable)?;
        let token = [&id[..], &issued_at, &mac].concat();
        Ok(DeviceToken(BASE64URL.encode(token)))
    }

    /// Returns the device of a token of the email that has not lapsed; `None` for any other text.
    pub(super) async fn verify_device_token(
        &self,
        email: &Email,
        token: &str,
        now: UnixTime,
    ) -> Result<Option<DeviceId>, KeysUnavailable> {
        const TIME_BYTES: usize = size_of::<u64>();
        let Some(bytes) = BASE64URL.decode(token).ok() else {
            return Ok(None);
        };
        let Some((id, rest)) = bytes.split_first_chunk::<{ DeviceId::BYTES }>() else {
            return Ok(None);
        };
        let Some((issued_at, presented)) = rest.split_first_chunk::<TIME_BYTES>() else {
            return Ok(None);
        };
        let message = message(LABEL, &[id, issued_at, email.0.as_bytes()]);
        let presented = BASE64URL.encode(presented);
        let is_valid = |key: &Key| key.verify(&message, &presented);
        // A token does not name its key, so an unknown MAC may come from a key that was just added to the set.
        let has_valid_mac = self.keys.keys().await?.iter().any(is_valid)
            || (self.keys.keys_for_unknown_kid().await).is_ok_and(|keys| keys.iter().any(is_valid));
        let issued_at = UnixTime::from_secs(u64::from_be_bytes(*issued_at));
        let is_current = now.since(issued_at) < self.device_lifetime;
        Ok((has_valid_mac && is_current).then_some(DeviceId(*id)))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        AttemptLimits, KeySet, KeySource, KeysFuture, SourceNetwork,
        attempt::attempts::tests::{LIFETIME, NOW, attempts},
    };

    #[tokio::test]
    async fn a_known_device_has_another_counter_and_keeps_its_id() {
        let (attempts, email) = (attempts(), Email::parse("a@b.c").unwrap());
        let begin = async |token: &str, now| {
            let network = SourceNetwork::parse("203.0.113.7");
            let attempt = attempts.begin(&email, &network, Some(token), now).await;
            attempt.unwrap()
        };
        let token = attempts
            .issue_device_token(&email, None, NOW)
            .await
            .unwrap();
        assert_eq!(format!("{token:?}"), "DeviceToken(redacted)");
        let attempt = begin(token.expose(), NOW).await;
        let known = attempt.known_device.unwrap();
        assert_ne!(known.counter.id, attempt.email_counter.id);
        let again = attempts.issue_device_token(&email, Some(known.id), NOW);
        assert_eq!(again.await.unwrap(), token);

        let last = NOW + LIFETIME - Duration::from_secs(1);
        assert!(begin(token.expose(), last).await.known_device.is_some());
        let lapsed = begin(token.expose(), NOW + LIFETIME).await;
        assert_eq!(lapsed.known_device, None);
    }

    /// Keys that were read before a source failed.
    #[derive(Debug)]
    struct CachedKeys(Arc<KeySet>);

    impl KeySource for CachedKeys {
        fn keys(&self) -> KeysFuture<'_> {
            self.0.keys()
        }

        fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
            Box::pin(async { Err(KeysUnavailable) })
        }
    }

    #[tokio::test]
    async fn a_device_token_of_another_email_is_ignored_while_the_keys_cannot_be_read() {
        let keys = attempts().keys.keys().await.unwrap();
        let source: Arc<dyn KeySource> = Arc::new(CachedKeys(keys));
        let attempts = Attempts::new(source, AttemptLimits::default(), LIFETIME);
        let [jane, john] = ["jane@b.c", "john@b.c"].map(|email| Email::parse(email).unwrap());
        let token = attempts.issue_device_token(&jane, None, NOW).await.unwrap();
        let network = SourceNetwork::default();
        let begin = attempts.begin(&john, &network, Some(token.expose()), NOW);
        assert_eq!(begin.await.unwrap().known_device, None);
    }

    #[tokio::test]
    async fn a_device_token_with_any_bit_changed_is_ignored() {
        let (attempts, email) = (attempts(), Email::parse("a@b.c").unwrap());
        let token = attempts
            .issue_device_token(&email, None, NOW)
            .await
            .unwrap();
        let verify = async |email: &Email, text: &str| {
            let verified = attempts.verify_device_token(email, text, NOW).await;
            verified.unwrap()
        };
        let bytes = BASE64URL.decode(token.expose()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = BASE64URL.encode(changed);
            assert_eq!(verify(&email, &text).await, None, "bit {bit}");
        }
        let text = token.expose();
        for text in ["", "a.b.c", &text[1..], &text[..70], &format!("{text}AAAA")] {
            assert_eq!(verify(&email, text).await, None, "{text}");
        }
        let other = Email::parse("b@b.c").unwrap();
        assert_eq!(verify(&other, token.expose()).await, None);
        assert!(verify(&email, token.expose()).await.is_some());
    }
}
