//! Refresh tokens: the name of a session, a generation, and a MAC over both.
//!
//! The text is base64url of 16 bytes of session id, 4 bytes of generation (big endian) and 32 bytes
//! of HMAC-SHA-256 (RFC 2104). The same session and generation make the same token, so that a lost
//! answer can be given again without storing one.

use std::{fmt, sync::Arc};

use super::{ID_BYTES, SessionId};
use crate::{
    base64url,
    key::Key,
    key_source::{KeySource, KeysUnavailable},
    token::SigningError,
};

const MESSAGE_BYTES: usize = ID_BYTES + size_of::<u32>();
const MAC_BYTES: usize = 32;

/// A refresh token. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// The text, for the answer to the user.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(redacted)")
    }
}

/// What a refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Presented {
    pub(super) session: SessionId,
    pub(super) generation: u32,
}

impl Presented {
    fn message(self) -> [u8; MESSAGE_BYTES] {
        let mut message = [0; MESSAGE_BYTES];
        let (id, generation) = message.split_at_mut(ID_BYTES);
        id.copy_from_slice(&self.session.0);
        generation.copy_from_slice(&self.generation.to_be_bytes());
        message
    }
}

/// Makes refresh tokens and takes them apart.
#[derive(Debug, Clone)]
pub(super) struct RefreshTokens {
    keys: Arc<dyn KeySource>,
}

impl RefreshTokens {
    pub(super) fn new(keys: Arc<dyn KeySource>) -> Self {
        Self { keys }
    }

    /// The token of a session's generation.
    pub(super) async fn issue(
        &self,
        session: SessionId,
        generation: u32,
    ) -> Result<RefreshToken, SigningError> {
        let message = Presented {
            session,
            generation,
        }
        .message();
        let keys = self.keys.keys().await?;
        let mac = keys.signing_key().and_then(|key| key.sign(&message));
        let mac = mac.and_then(base64url::decode);
        let mac = mac.ok_or(SigningError::Unavailable)?;
        Ok(RefreshToken(base64url::encode(
            [&message[..], &mac].concat(),
        )))
    }

    /// What a token says whose MAC is right; `None` for any other text.
    pub(super) async fn verify(&self, text: &str) -> Result<Option<Presented>, KeysUnavailable> {
        let Some((presented, mac)) = parse(text) else {
            return Ok(None);
        };
        let message = presented.message();
        let is_right = |key: &Key| key.verify(&message, &mac);
        // A token names no key. One that none of them made may be of a key that is new in the set.
        if self.keys.keys().await?.iter().any(is_right)
            || self.keys.keys_for_unknown_kid().await?.iter().any(is_right)
        {
            return Ok(Some(presented));
        }
        Ok(None)
    }
}

/// The parts of a token, the MAC in base64url.
fn parse(text: &str) -> Option<(Presented, String)> {
    let bytes: [u8; MESSAGE_BYTES + MAC_BYTES] = base64url::decode(text)?.try_into().ok()?;
    let (id, rest) = bytes.split_first_chunk()?;
    let (generation, mac) = rest.split_first_chunk()?;
    let presented = Presented {
        session: SessionId(*id),
        generation: u32::from_be_bytes(*generation),
    };
    Some((presented, base64url::encode(mac)))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;
    use crate::{Algorithm, KeySet, KeysFuture};

    const SECRET: [u8; 32] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31,
    ];

    fn key(first: u8) -> Key {
        let secret: Vec<u8> = SECRET.iter().map(|byte| byte ^ first).collect();
        Key::from_secret(&secret, Algorithm::HS256).unwrap()
    }

    fn tokens(keys: impl Into<Arc<dyn KeySource>>) -> RefreshTokens {
        RefreshTokens::new(keys.into())
    }

    #[tokio::test]
    async fn a_token_is_what_is_documented() {
        let session = SessionId([7; 16]);
        let tokens = tokens(KeySet::from(key(0)));
        let token = tokens.issue(session, 258).await.unwrap();
        let message = [&[7; 16][..], &[0, 0, 1, 2]].concat();
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), &message);
        let bytes = [&message[..], mac.as_ref()].concat();
        assert_eq!(token.expose(), base64url::encode(bytes));
        assert_eq!(token.expose().len(), 70);
        assert_eq!(format!("{token:?}"), "RefreshToken(redacted)");
        assert_eq!(token, tokens.issue(session, 258).await.unwrap());
    }

    #[tokio::test]
    async fn a_token_with_any_bit_changed_is_none() {
        let tokens = tokens(KeySet::from(key(0)));
        let session = SessionId::random().unwrap();
        let token = tokens.issue(session, 3).await.unwrap();
        let expected = Presented {
            session,
            generation: 3,
        };
        assert_eq!(tokens.verify(token.expose()).await, Ok(Some(expected)));
        let bytes = base64url::decode(token.expose()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = base64url::encode(changed);
            assert_eq!(tokens.verify(&text).await, Ok(None), "bit {bit}");
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
            assert_eq!(tokens.verify(text).await, Ok(None), "{text}");
        }
    }

    #[tokio::test]
    async fn the_first_key_of_a_set_makes_tokens_and_all_take_them() {
        let session = SessionId::random().unwrap();
        let old = tokens(KeySet::from(key(0)));
        let both = tokens(KeySet::new(vec![key(128), key(0)]).unwrap());
        let stranger = tokens(KeySet::from(key(64)));
        let of_old = old.issue(session, 0).await.unwrap();
        let of_new = both.issue(session, 0).await.unwrap();
        assert_ne!(of_old, of_new);
        for token in [&of_old, &of_new] {
            assert!(both.verify(token.expose()).await.unwrap().is_some());
            assert!(stranger.verify(token.expose()).await.unwrap().is_none());
        }
    }

    /// A source that reads its keys anew for a key that it does not know.
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
    async fn a_token_of_a_key_that_is_new_in_the_set_is_taken() {
        let session = SessionId::random().unwrap();
        let source: Arc<dyn KeySource> = Arc::new(Rotated);
        let here = tokens(source);
        let elsewhere = tokens(KeySet::from(key(128)));
        let token = elsewhere.issue(session, 0).await.unwrap();
        assert!(here.verify(token.expose()).await.unwrap().is_some());
    }
}
