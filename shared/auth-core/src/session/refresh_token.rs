//! Refresh tokens: the id of a session, a generation, and a MAC over both.
//!
//! The text is base64url of 16 bytes of session id, 4 bytes of generation (big endian) and 32 bytes of
//! HMAC-SHA-256 (RFC 2104). The same session and generation always have the same token, so a lost response
//! can be repeated although no token is stored.

use std::fmt;

use base64::Engine;
use serde::Serialize;

use super::Session;
use crate::{
    encoding::BASE64URL,
    failure::SigningError,
    id::SessionId,
    key::{Key, KeySource, KeysUnavailable},
};

const MESSAGE_BYTES: usize = SessionId::BYTES + size_of::<u32>();
const MAC_BYTES: usize = 32;

/// A refresh token. Its `Debug` shows nothing; it is serialized only into the response to its user.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Returns the text. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Issues the token for a generation of a session.
    pub(super) async fn issue(
        keys: &dyn KeySource,
        session: &Session,
    ) -> Result<Self, SigningError> {
        let mut token = BASE64URL
            .decode(&session.id.0)
            .map_err(|_| SigningError::Unavailable)?;
        token.extend(session.generation.to_be_bytes());
        let keys = keys.keys().await?;
        let mac = keys.signing_key().and_then(|key| key.sign(&token));
        token.extend(mac.ok_or(SigningError::Unavailable)?);
        Ok(Self(BASE64URL.encode(token)))
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(redacted)")
    }
}

/// The contents of a token with a valid MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PresentedToken {
    pub(super) session_id: SessionId,
    pub(super) generation: u32,
}

impl PresentedToken {
    /// Returns the contents of a token with a valid MAC; `None` for any other text.
    pub(super) async fn verify(
        keys: &dyn KeySource,
        text: &str,
    ) -> Result<Option<Self>, KeysUnavailable> {
        let Some((message, mac)) = split(text) else {
            return Ok(None);
        };
        let is_valid = |key: &Key| key.verify(&message, &mac);
        // A token does not name its key, so an unknown MAC may come from a key that was just added to the
        // set.
        let has_valid_mac = keys.keys().await?.iter().any(is_valid)
            || keys.keys_for_unknown_kid().await?.iter().any(is_valid);
        Ok(has_valid_mac.then(|| Self::from_message(message)))
    }

    fn from_message(message: [u8; MESSAGE_BYTES]) -> Self {
        let (mut id, mut generation) = ([0; SessionId::BYTES], [0; size_of::<u32>()]);
        let (first, last) = message.split_at(SessionId::BYTES);
        id.copy_from_slice(first);
        generation.copy_from_slice(last);
        Self {
            session_id: SessionId::from_bytes(id),
            generation: u32::from_be_bytes(generation),
        }
    }
}

/// Splits a token into its message and its MAC, which stays in base64url.
fn split(text: &str) -> Option<([u8; MESSAGE_BYTES], String)> {
    let bytes: [u8; MESSAGE_BYTES + MAC_BYTES] = BASE64URL.decode(text).ok()?.try_into().ok()?;
    let (message, mac) = bytes.split_first_chunk()?;
    Some((*message, BASE64URL.encode(mac)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_lc_rs::hmac;

    use super::*;
    use crate::{Algorithm, Email, KeySet, KeysFuture, UnixTime};

    const SECRET: [u8; 32] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31,
    ];

    fn key(first: u8) -> Key {
        let secret: Vec<u8> = SECRET.iter().map(|byte| byte ^ first).collect();
        Key::from_secret(&secret, Algorithm::HS256).unwrap()
    }

    fn source(keys: impl Into<Arc<dyn KeySource>>) -> Arc<dyn KeySource> {
        keys.into()
    }

    async fn issue(keys: &Arc<dyn KeySource>, id: &SessionId, generation: u32) -> RefreshToken {
        let session = Session {
            id: id.clone(),
            email: Email::parse("a@b.c").unwrap(),
            user_id: "1".into(),
            user_version: 0,
            generation,
            created_at: UnixTime::default(),
            rotated_at: UnixTime::default(),
            idle_expires_at: UnixTime::default(),
            absolute_expires_at: UnixTime::default(),
            revoked: false,
        };
        RefreshToken::issue(&**keys, &session).await.unwrap()
    }

    async fn verify(keys: &Arc<dyn KeySource>, text: &str) -> Option<PresentedToken> {
        PresentedToken::verify(&**keys, text).await.unwrap()
    }

    #[tokio::test]
    async fn a_token_has_the_documented_form() {
        let id = SessionId::from_bytes([7; 16]);
        let keys = source(KeySet::from(key(0)));
        let token = issue(&keys, &id, 258).await;
        let message = [&[7; 16][..], &[0, 0, 1, 2]].concat();
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), &message);
        let bytes = [&message[..], mac.as_ref()].concat();
        assert_eq!(token.expose(), BASE64URL.encode(bytes));
        assert_eq!(token.expose().len(), 70);
        assert_eq!(format!("{token:?}"), "RefreshToken(redacted)");
        assert_eq!(token, issue(&keys, &id, 258).await);
    }

    #[tokio::test]
    async fn a_token_with_any_bit_changed_is_rejected() {
        let keys = source(KeySet::from(key(0)));
        let session_id = SessionId::random().unwrap();
        let token = issue(&keys, &session_id, 3).await;
        let expected = PresentedToken {
            session_id,
            generation: 3,
        };
        assert_eq!(verify(&keys, token.expose()).await, Some(expected));
        let bytes = BASE64URL.decode(token.expose()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = BASE64URL.encode(changed);
            assert_eq!(verify(&keys, &text).await, None, "bit {bit}");
        }
        let text = token.expose();
        for text in [
            "",
            "a.b.c",
            &text[1..],
            &text[..69],
            &format!("{text}="),
            &format!("{text}AAAA"),
            &format!(" {text}"),
            &"A".repeat(9_000),
        ] {
            assert_eq!(verify(&keys, text).await, None, "{text}");
        }
    }

    #[tokio::test]
    async fn the_first_key_of_a_set_issues_tokens_and_all_keys_verify_them() {
        let id = SessionId::random().unwrap();
        let old = source(KeySet::from(key(0)));
        let both = source(KeySet::new(vec![key(128), key(0)]).unwrap());
        let other = source(KeySet::from(key(64)));
        let (first, second) = (issue(&old, &id, 0).await, issue(&both, &id, 0).await);
        assert_ne!(first, second);
        for token in [&first, &second] {
            assert!(verify(&both, token.expose()).await.is_some());
            assert!(verify(&other, token.expose()).await.is_none());
        }
    }

    /// A source that reads its keys again for a key that it does not know.
    #[derive(Debug)]
    struct Rotated;

    impl KeySource for Rotated {
        fn keys(&self) -> KeysFuture<'_> {
            Box::pin(async { Ok(Arc::new(KeySet::from(key(0)))) })
        }

        fn keys_for_unknown_kid(&self) -> KeysFuture<'_> {
            let both = KeySet::new(vec![key(128), key(0)]).unwrap();
            Box::pin(async { Ok(Arc::new(both)) })
        }
    }

    #[tokio::test]
    async fn a_token_of_a_newly_added_key_is_accepted() {
        let elsewhere = source(KeySet::from(key(128)));
        let token = issue(&elsewhere, &SessionId::random().unwrap(), 0).await;
        let here: Arc<dyn KeySource> = Arc::new(Rotated);
        assert!(verify(&here, token.expose()).await.is_some());
    }
}
