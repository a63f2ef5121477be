//! Addresses that are kept for a while after their user has left them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ActionMark;
use crate::{time::UnixTime, user::Email};

/// How long an address is held, and how long another change of the address and a deletion are refused: 72 hours, enough
/// for a weekend (docs/decisions/0012-self-service.md). A link that undoes a change works just as long.
pub const HOLD: Duration = Duration::from_hours(72);

/// An address that its user has left, by a change or a deletion. Stores delete it by `expires_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldAddress {
    /// The id of the user who left.
    pub user_id: String,
    /// When the user left. A link sent at or before this time no longer adds a user with the address.
    pub since: UnixTime,
    /// The time until which no other user can have the address. Equal to `since` if an operator deleted the user: the
    /// address is free at once.
    pub until: UnixTime,
    /// The user's address now; `None` after a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Email>,
    /// The user's version when the change was requested. A link that undoes the change has the same version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Identifies the session that deleted the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_action: Option<ActionMark>,
    /// When the item is no longer needed.
    pub expires_at: UnixTime,
}

impl HeldAddress {
    /// Returns the address of a user whom an operator deletes at `now`: free, but not for links that were sent before.
    #[must_use]
    pub fn freed(user_id: String, now: UnixTime) -> Self {
        Self {
            user_id,
            since: now,
            until: now,
            current: None,
            version: None,
            last_action: None,
            expires_at: now + HOLD,
        }
    }

    /// Returns whether anyone can have the address at `now`.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        now >= self.until
    }

    /// Returns whether a user with this id, if any yet, can have the address at `now`.
    #[must_use]
    pub fn is_free_for(&self, user_id: Option<&str>, now: UnixTime) -> bool {
        self.is_over(now) || user_id == Some(self.user_id.as_str())
    }

    /// Returns whether a link that was sent at `issued_at` may add a user with the address at `now`.
    #[must_use]
    pub fn allows_link(&self, issued_at: UnixTime, now: UnixTime) -> bool {
        self.is_over(now) && issued_at > self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ActionKind;

    const fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    fn held(until: u64) -> HeldAddress {
        HeldAddress {
            until: at(until),
            ..HeldAddress::freed("1".into(), at(100))
        }
    }

    #[test]
    fn an_address_is_held_as_long_as_a_link_to_it_undoes_the_change() {
        assert_eq!(HOLD, ActionKind::Undo.lifetime());
    }

    #[test]
    fn a_held_address_is_free_for_its_own_user_and_later_for_everyone() {
        let held = held(200);
        assert!(held.is_free_for(Some("1"), at(100)));
        for other in [None, Some("2"), Some("")] {
            assert!(!held.is_free_for(other, at(199)) && held.is_free_for(other, at(200)));
        }
    }

    #[test]
    fn only_a_link_that_was_sent_after_the_user_left_adds_a_user() {
        for (until, issued_at, now, expected) in [
            (200, 101, 199, false),
            (200, 101, 200, true),
            (200, 100, 200, false),
            (200, 99, 300, false),
            // An operator has deleted the user.
            (100, 101, 101, true),
            (100, 100, 101, false),
        ] {
            let allowed = held(until).allows_link(at(issued_at), at(now));
            assert_eq!(allowed, expected, "{until} {issued_at} {now}");
        }
    }
}
