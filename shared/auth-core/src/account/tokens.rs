//! Tokens of links: an [`Action`] with its times, and a MAC over both.
//!
//! The text is base64url of JSON followed by 32 bytes of HMAC-SHA-256 (RFC 2104). The message of the MAC begins with the
//! label of the kind. The MAC is checked before the JSON is parsed, so a forged token costs neither a hash nor a
//! query.

use std::{fmt, sync::Arc};

use base64::Engine;
use serde::{Deserialize, Serialize};

use super::{Action, ActionKind, ActionMark};
use crate::{
    encoding::BASE64URL,
    failure::SigningError,
    id::SessionId,
    key::{Key, KeySource, KeysUnavailable},
    time::UnixTime,
};

/// The maximum length of a token in bytes. The longest are those with the roles of an invitation.
const MAX_ACTION_TOKEN_BYTES: usize = 4096;

const MAC_BYTES: usize = 32;

/// The bytes of a MAC that a mark keeps.
const MARK_BYTES: usize = 16;

/// The token of a link. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct ActionToken(String);

impl ActionToken {
    /// Returns the text. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ActionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActionToken(redacted)")
    }
}

/// A link in an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kind, for `kind=` of the link.
    pub kind: ActionKind,
    /// The token, for `token=` of the link.
    pub token: ActionToken,
    /// When the link no longer works.
    pub expires_at: UnixTime,
}

/// The contents of a token.
#[derive(Serialize, Deserialize)]
struct Claims {
    action: Action,
    issued_at: UnixTime,
    expires_at: UnixTime,
}

/// The contents of a token with a valid MAC that has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAction {
    /// What the link does.
    pub action: Action,
    /// When the link was sent.
    pub issued_at: UnixTime,
    /// Identifies the token.
    pub mark: ActionMark,
}

/// Why a token is rejected before the store is queried. The reason is for logs, never for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAction {
    /// Malformed, of another kind, or with a wrong MAC.
    #[error("malformed, of another kind, or with a wrong MAC")]
    Forged,
    /// The link was sent too long ago.
    #[error("expired")]
    Expired,
    /// The keys cannot be read, so the token cannot be checked.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
}

impl Action {
    /// Returns whether a link has room for the action. The roles of an invitation may be too long.
    #[must_use]
    pub fn fits_link(&self) -> bool {
        // Ten digits each, until the year 2286.
        let time = UnixTime::from_secs(9_999_999_999);
        let claims = Claims {
            action: self.clone(),
            issued_at: time,
            expires_at: time,
        };
        let message = serde_json::to_vec(&claims);
        let token_bytes = |message: Vec<u8>| ((message.len() + MAC_BYTES) * 4).div_ceil(3);
        message.is_ok_and(|message| token_bytes(message) <= MAX_ACTION_TOKEN_BYTES)
    }
}

/// Issues and verifies the tokens of links.
#[derive(Debug, Clone)]
pub struct ActionTokens {
    keys: Arc<dyn KeySource>,
}

impl ActionTokens {
    /// Returns tokens that are issued with the first of `keys` and verified with all of them.
    #[must_use]
    pub fn new(keys: impl Into<Arc<dyn KeySource>>) -> Self {
        Self { keys: keys.into() }
    }

    /// Issues the token of a link that is sent at `now`, and returns the link.
    ///
    /// # Errors
    ///
    /// [`SigningError`] without keys, or if the roles of an invitation make the token too long.
    pub async fn issue(&self, action: Action, now: UnixTime) -> Result<Link, SigningError> {
        let kind = action.kind();
        let claims = Claims {
            action,
            issued_at: now,
            expires_at: now + kind.lifetime(),
        };
        let message = serde_json::to_vec(&claims).map_err(|_| SigningError::Unavailable)?;
        let keys = self.keys.keys().await?;
        let mac = keys
            .signing_key()
            .and_then(|key| key.sign(&labelled(kind.name(), &message)));
        let mac = mac.ok_or(SigningError::Unavailable)?;
        let token = BASE64URL.encode([message, mac].concat());
        if token.len() > MAX_ACTION_TOKEN_BYTES {
            return Err(SigningError::TooLong);
        }
        Ok(Link {
            kind,
            token: ActionToken(token),
            expires_at: claims.expires_at,
        })
    }

    /// Returns the contents of a token of one of `kinds` that has not expired at `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidAction`] for any other text. The store was not queried.
    pub async fn verify(
        &self,
        token: &str,
        kinds: &[ActionKind],
        now: UnixTime,
    ) -> Result<VerifiedAction, InvalidAction> {
        let (message, mac) = split(token).ok_or(InvalidAction::Forged)?;
        let found = self.find_mark(&message, &mac, kinds).await?;
        let (kind, mark) = found.ok_or(InvalidAction::Forged)?;
        let claims: Claims = serde_json::from_slice(&message).map_err(|_| InvalidAction::Forged)?;
        // The label names the kind, too.
        if claims.action.kind() != kind {
            return Err(InvalidAction::Forged);
        }
        if now >= claims.expires_at {
            return Err(InvalidAction::Expired);
        }
        Ok(VerifiedAction {
            action: claims.action,
            issued_at: claims.issued_at,
            mark,
        })
    }

    /// Returns the kind whose label the MAC of a token covers, and the mark of the token; `None` if none of the keys
    /// made the MAC.
    async fn find_mark(
        &self,
        message: &[u8],
        mac: &str,
        kinds: &[ActionKind],
    ) -> Result<Option<(ActionKind, ActionMark)>, KeysUnavailable> {
        let find = |key: &Key| {
            let mut kinds = kinds.iter();
            let kind = kinds.find(|kind| key.verify(&labelled(kind.name(), message), mac))?;
            Some((*kind, mark(key, kind.name(), message)?))
        };
        let found = self.keys.keys().await?.iter().find_map(find);
        if found.is_some() {
            return Ok(found);
        }
        // A token does not name its key, so an unknown MAC may come from a key that was just added to the set.
        let keys = self.keys.keys_for_unknown_kid().await?;
        Ok(keys.iter().find_map(find))
    }

    /// Returns the mark of a change that a signed-in user makes in a session. `purpose` names the kind of change.
    ///
    /// # Errors
    ///
    /// [`SigningError`] without keys.
    pub async fn session_mark(
        &self,
        purpose: &str,
        session: &SessionId,
    ) -> Result<ActionMark, SigningError> {
        let keys = self.keys.keys().await?;
        let key = keys.signing_key().ok_or(SigningError::Unavailable)?;
        let mark = mark(key, purpose, session.as_str().as_bytes());
        mark.ok_or(SigningError::Unavailable)
    }
}

/// Returns the message of the MAC of a token.
fn labelled(kind: &str, message: &[u8]) -> Vec<u8> {
    [b"action\n", kind.as_bytes(), b"\n", message].concat()
}

/// Returns the mark of a token or a session, or `None` if `key` cannot sign.
fn mark(key: &Key, label: &str, message: &[u8]) -> Option<ActionMark> {
    let mac = key.sign(&[b"mark\n", label.as_bytes(), b"\n", message].concat())?;
    Some(ActionMark(BASE64URL.encode(mac.get(..MARK_BYTES)?)))
}

/// Splits a token into its message and its MAC, which stays in base64url.
fn split(token: &str) -> Option<(Vec<u8>, String)> {
    if token.len() > MAX_ACTION_TOKEN_BYTES {
        return None;
    }
    let mut message = BASE64URL.decode(token).ok()?;
    let mac = message.split_off(message.len().checked_sub(MAC_BYTES)?);
    Some((message, BASE64URL.encode(mac)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_lc_rs::hmac;

    use super::*;
    use crate::{Algorithm, Email, EmailChange, KeySet, Role};

    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    fn secret(first: u8) -> Vec<u8> {
        (first..first + 32).collect()
    }

    fn key(first: u8) -> Key {
        Key::from_secret(&secret(first), Algorithm::HS256).unwrap()
    }

    fn tokens(first: u8) -> ActionTokens {
        ActionTokens::new(KeySet::from(key(first)))
    }

    fn email(address: &str) -> Email {
        Email::parse(address).unwrap()
    }

    /// One action of each kind.
    fn actions() -> [Action; 5] {
        let change = EmailChange {
            user_id: "1".into(),
            version: 7,
            from: email("a@b.c"),
            to: email("b@b.c"),
        };
        let role = Role {
            id: "1".into(),
            name: "Admin".into(),
            description: "Full access".into(),
            permissions: vec!["read".into()],
        };
        [
            Action::SignUp {
                email: email("a@b.c"),
            },
            Action::Invite {
                email: email("a@b.c"),
                roles: vec![role],
            },
            Action::Reset {
                email: email("a@b.c"),
                user_id: "1".into(),
                version: 7,
            },
            Action::Email(change.clone()),
            Action::Undo(change),
        ]
    }

    async fn issue(action: &Action) -> String {
        let issued = tokens(0).issue(action.clone(), NOW).await;
        issued.unwrap().token.expose().to_owned()
    }

    async fn verify(token: &str, now: UnixTime) -> Result<Action, InvalidAction> {
        let verified = tokens(0).verify(token, &ActionKind::ALL, now).await;
        verified.map(|verified| verified.action)
    }

    #[tokio::test]
    async fn a_token_has_the_documented_form_and_is_not_printed() {
        let [_, _, reset, ..] = actions();
        let link = tokens(0).issue(reset, NOW).await.unwrap();
        assert_eq!(link.kind, ActionKind::Reset);
        assert_eq!(link.expires_at, NOW + Duration::from_mins(30));
        assert_eq!(format!("{:?}", link.token), "ActionToken(redacted)");
        let bytes = BASE64URL.decode(link.token.expose()).unwrap();
        let (message, mac) = bytes.split_at(bytes.len() - 32);
        assert_eq!(
            std::str::from_utf8(message).unwrap(),
            r#"{"action":{"reset":{"email":"a@b.c","user_id":"1","version":7}},"issued_at":1000000,"expires_at":1001800}"#
        );
        let expected = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &secret(0)),
            &[b"action\nreset\n", message].concat(),
        );
        assert_eq!(mac, expected.as_ref());
    }

    #[tokio::test]
    async fn a_token_is_accepted_until_its_kind_expires() {
        for action in actions() {
            let token = issue(&action).await;
            let end = NOW + action.kind().lifetime();
            let last = end - Duration::from_secs(1);
            assert_eq!(verify(&token, last).await, Ok(action));
            assert_eq!(verify(&token, end).await, Err(InvalidAction::Expired));
        }
    }

    #[tokio::test]
    async fn a_token_is_valid_only_for_its_kind_and_key() {
        for action in actions() {
            let token = issue(&action).await;
            for kind in ActionKind::ALL {
                let verified = tokens(0).verify(&token, &[kind], NOW).await;
                assert_eq!(verified.is_ok(), kind == action.kind(), "{kind:?}");
            }
            let other = tokens(64).verify(&token, &ActionKind::ALL, NOW).await;
            assert_eq!(other, Err(InvalidAction::Forged));
        }
    }

    /// If the label were missing or had no end, one MAC could be valid for two different messages.
    #[tokio::test]
    async fn a_token_whose_label_and_contents_name_different_kinds_is_rejected() {
        let claims = Claims {
            action: actions()[2].clone(),
            issued_at: NOW,
            expires_at: NOW + Duration::from_mins(30),
        };
        let message = serde_json::to_vec(&claims).unwrap();
        for kind in ["sign-up", "invite", "email", "undo", "", "reset\n"] {
            let mac = key(0).sign(&labelled(kind, &message)).unwrap();
            let token = BASE64URL.encode([message.clone(), mac].concat());
            assert_eq!(
                verify(&token, NOW).await,
                Err(InvalidAction::Forged),
                "{kind}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_with_any_bit_changed_is_rejected() {
        let token = issue(&actions()[2]).await;
        let bytes = BASE64URL.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = BASE64URL.encode(changed);
            assert_eq!(
                verify(&text, NOW).await,
                Err(InvalidAction::Forged),
                "bit {bit}"
            );
        }
        for length in 0..token.len() {
            let text = &token[..length];
            assert_eq!(
                verify(text, NOW).await,
                Err(InvalidAction::Forged),
                "{length}"
            );
        }
        for text in [
            format!("{token}="),
            format!("{token}AAAA"),
            format!(" {token}"),
            "a.b.c".into(),
            "é".into(),
            "A".repeat(MAX_ACTION_TOKEN_BYTES + 4),
        ] {
            assert_eq!(
                verify(&text, NOW).await,
                Err(InvalidAction::Forged),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn a_mark_identifies_one_token_or_session_whatever_key_signs_now() {
        let both = ActionTokens::new(KeySet::new(vec![key(64), key(0)]).unwrap());
        let mut marks = std::collections::BTreeSet::new();
        for action in actions() {
            let token = issue(&action).await;
            let before = tokens(0).verify(&token, &ActionKind::ALL, NOW).await;
            let after = both.verify(&token, &ActionKind::ALL, NOW).await.unwrap();
            assert_eq!(before.unwrap().mark, after.mark);
            assert_eq!(after.issued_at, NOW);
            marks.insert(after.mark);
        }
        for session in [[1; 16], [2; 16]].map(SessionId::from_bytes) {
            for purpose in ["password", "deletion"] {
                marks.insert(tokens(0).session_mark(purpose, &session).await.unwrap());
            }
        }
        assert_eq!(marks.len(), 9);
    }

    #[tokio::test]
    async fn roles_that_do_not_fit_into_a_link_are_an_error() {
        let now = UnixTime::from_secs(1_800_000_000);
        let mut fitting = 0;
        for chars in 2_800..3_000 {
            let role = Role {
                id: "1".into(),
                name: "Admin".into(),
                description: "x".repeat(chars),
                permissions: vec![],
            };
            let invite = Action::Invite {
                email: email("a@b.c"),
                roles: vec![role],
            };
            let fits = invite.fits_link();
            fitting += u32::from(fits);
            match tokens(0).issue(invite, now).await {
                Ok(_) => assert!(fits, "{chars}"),
                Err(error) => assert_eq!((error, fits), (SigningError::TooLong, false)),
            }
        }
        assert!((1..200).contains(&fitting), "{fitting}");
    }
}
