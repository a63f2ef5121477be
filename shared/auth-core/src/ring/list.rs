//! The list of keys for operators, without any key material.

use serde::Serialize;

use super::{KeyRing, KeyState, PublishedKey};
use crate::{key::PrivateJwk, time::UnixTime};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It signs new tokens.
    Signs,
    /// It signs after the next rotation.
    Next,
    /// It no longer signs, but its tokens may still be valid.
    Verifies,
    /// It is never used again.
    Revoked,
}

/// A key in a list. Times are in seconds since 1970, and `null` if they are unknown or do not apply; 0 means that the
/// private set was stored by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedKey<'a> {
    /// Its name.
    pub kid: &'a str,
    /// Its algorithm; unknown for a revoked key that is not public.
    pub algorithm: Option<&'static str>,
    /// What it does.
    pub state: KeyStatus,
    /// Since when it has signed.
    pub signs_since: Option<UnixTime>,
    /// Since when it has been public.
    pub public_since: Option<UnixTime>,
    /// When it expires.
    pub until: Option<UnixTime>,
}

impl KeyStatus {
    /// Returns the name, as it is serialized.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Signs => "signs",
            Self::Next => "next",
            Self::Verifies => "verifies",
            Self::Revoked => "revoked",
        }
    }
}

impl KeyState {
    /// Lists the keys of the private set, those that only verify, and the revoked ones.
    #[must_use]
    pub fn list(&self, now: UnixTime) -> Vec<ListedKey<'_>> {
        let ring = self.ring.iter();
        let own = ring.clone().flat_map(|ring| {
            let keys = ring.keys();
            keys.map(move |key| private(ring, key, self.published.public_since(key.kid(), now)))
        });
        let only_verifies = |key: &&PublishedKey| {
            let kid = key.jwk().kid();
            let mut ring = self.ring.iter();
            !ring.any(|ring| ring.contains(kid) || ring.revoked().contains(kid))
        };
        let others = self.published.usable(now).filter(only_verifies);
        let revoked = ring.flat_map(KeyRing::revoked).map(|kid| {
            let public = self
                .published
                .usable(now)
                .find(|key| key.jwk().kid() == kid);
            revoked(kid, public)
        });
        own.chain(others.map(public)).chain(revoked).collect()
    }
}

fn private<'a>(
    ring: &KeyRing,
    key: &'a PrivateJwk,
    public_since: Option<UnixTime>,
) -> ListedKey<'a> {
    let is_active = ring.active().kid() == key.kid();
    ListedKey {
        kid: key.kid(),
        algorithm: Some(key.algorithm().name()),
        state: if is_active {
            KeyStatus::Signs
        } else {
            KeyStatus::Next
        },
        signs_since: is_active.then(|| ring.active_since()),
        public_since,
        until: None,
    }
}

/// A revoked key is public if the table was restored to before its revocation.
fn revoked<'a>(kid: &'a str, public: Option<&PublishedKey>) -> ListedKey<'a> {
    ListedKey {
        kid,
        algorithm: public.map(|key| key.jwk().algorithm().name()),
        state: KeyStatus::Revoked,
        signs_since: None,
        public_since: public.map(PublishedKey::published_at),
        until: public.and_then(PublishedKey::until),
    }
}

fn public(key: &PublishedKey) -> ListedKey<'_> {
    ListedKey {
        kid: key.jwk().kid(),
        algorithm: Some(key.jwk().algorithm().name()),
        state: KeyStatus::Verifies,
        signs_since: None,
        public_since: Some(key.published_at()),
        until: key.until(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        key::Algorithm,
        ring::{KeyChange, KeyRules, PublishedKeys, RotateWhen},
    };

    const CREATED: UnixTime = UnixTime::from_secs(1_800_000_000);
    const RULES: KeyRules = KeyRules {
        algorithm: Algorithm::ES256,
        expiration: Duration::from_hours(1),
    };

    /// Returns both sets after a change.
    fn changed(change: KeyChange, now: UnixTime) -> KeyState {
        KeyState {
            published: change
                .before
                .covering(&[&change.ring], now, RULES.retention()),
            ring: Some(change.ring),
        }
    }

    fn listed(kid: &str, state: KeyStatus) -> ListedKey<'_> {
        ListedKey {
            kid,
            algorithm: (state != KeyStatus::Revoked).then_some("ES256"),
            state,
            signs_since: None,
            public_since: None,
            until: None,
        }
    }

    #[test]
    fn a_key_is_listed_with_its_state_and_the_times_that_apply_to_it() {
        let rotated_at = CREATED + Duration::from_hours(3);
        let revoked_at = rotated_at + Duration::from_hours(1);
        let first = RULES.complete(&KeyState::default(), CREATED).unwrap();
        let first = changed(first.unwrap(), CREATED);
        let rotated = RULES.rotate(&first, RotateWhen::Ready, rotated_at).unwrap();
        let rotated = changed(rotated, rotated_at);
        let revoked = rotated.ring.as_ref().unwrap().standby().unwrap().kid();
        let last = RULES.revoke(&rotated, revoked, revoked_at).unwrap();
        let last = changed(last.unwrap(), revoked_at);

        let ring = last.ring.as_ref().unwrap();
        let retired = first.ring.as_ref().unwrap().active().kid();
        let end = rotated_at + RULES.retention();
        let private = [
            ListedKey {
                signs_since: Some(rotated_at),
                public_since: Some(CREATED),
                ..listed(ring.active().kid(), KeyStatus::Signs)
            },
            ListedKey {
                public_since: Some(revoked_at),
                ..listed(ring.standby().unwrap().kid(), KeyStatus::Next)
            },
        ];
        let verifies = ListedKey {
            public_since: Some(CREATED),
            until: Some(end),
            ..listed(retired, KeyStatus::Verifies)
        };
        let revoked = [listed(revoked, KeyStatus::Revoked)];
        let all = [&private[..], &[verifies], &revoked].concat();
        assert_eq!(last.list(revoked_at), all);
        assert_eq!(last.list(end), [&private[..], &revoked].concat());
        for key in all {
            assert_eq!(serde_json::json!(key.state), key.state.name());
        }
    }

    #[test]
    fn a_private_key_that_is_not_published_has_never_been_public() {
        let state = KeyState {
            ring: Some(KeyRing::create(Algorithm::ES256, CREATED).unwrap()),
            published: PublishedKeys::default(),
        };
        let list = state.list(CREATED);
        assert_eq!(list.len(), 2);
        assert!(list.iter().all(|key| key.public_since.is_none()));
        assert!(KeyState::default().list(CREATED).is_empty());
    }
}
