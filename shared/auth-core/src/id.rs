//! Random ids: those of sessions, users and tokens.

use std::fmt;

use aws_lc_rs::rand;
use base64::Engine;
use serde::{Deserialize, Serialize};

use crate::encoding::BASE64URL;

/// The id of a session: 128 random bits in base64url, the `sid` of its access tokens. It is not a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionId(pub(crate) String);

/// The text is not the id of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a session")]
pub struct InvalidSessionId;

impl SessionId {
    pub(crate) const BYTES: usize = 16;

    /// Returns a new id; `None` if no randomness is available.
    #[must_use]
    pub fn random() -> Option<Self> {
        random_id().map(Self)
    }

    #[cfg(feature = "sign-in")]
    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(BASE64URL.encode(bytes))
    }

    /// Returns the id in base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = InvalidSessionId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64URL.decode(&text);
        let is_id = bytes.is_ok_and(|bytes| bytes.len() == Self::BYTES);
        is_id.then_some(Self(text)).ok_or(InvalidSessionId)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns 128 random bits in base64url, for example as the `jti` of a token or the id of a user. `None` if
/// no randomness is available.
#[must_use]
pub fn random_id() -> Option<String> {
    random_bytes::<{ SessionId::BYTES }>().map(|bytes| BASE64URL.encode(bytes))
}

/// Returns random bytes. `None` if no randomness is available.
pub(crate) fn random_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_ids_differ_and_have_22_characters() {
        let (one, two) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 22);
    }

    #[test]
    fn a_session_id_is_the_text_that_it_was_parsed_from() {
        let text = "AAECAwQFBgcICQoLDA0ODw";
        let id = SessionId::try_from(text.to_owned()).unwrap();
        assert_eq!((id.as_str(), id.to_string()), (text, text.to_owned()));
        assert_eq!(
            id,
            SessionId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        );
        for text in [
            "",
            "AAECAwQFBgcICQoLDA0OD",
            "AAECAwQFBgcICQoLDA0ODw==",
            "AAEC",
        ] {
            let parsed = SessionId::try_from(text.to_owned());
            assert_eq!(parsed, Err(InvalidSessionId), "{text}");
        }
    }
}
