//! Sessions: what a login leaves behind so that a client can get new access tokens without the
//! password.
//!
//! Start at [`Sessions`]. The rule of rotation is [`Session::rotation`], a function of the stored
//! session, the generation of the presented refresh token, and the time. No token is stored.

mod live;
mod refresh_token;
mod repository;
mod sessions;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use live::{LiveRepository, LiveUser};
pub use refresh_token::RefreshToken;
pub use repository::{Advance, SessionDirectory, SessionRepository};
pub use sessions::{InvalidRefreshToken, IssuedTokens, RefreshError, Sessions};

use crate::{
    id::{SessionId, random_id},
    time::UnixTime,
    user::{Email, User},
};

/// The longest time between a write and the arrival of its response at the client. The template limits requests to
/// 10 s.
const MAX_REQUEST_DURATION: Duration = Duration::from_secs(10);

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// A session that is not refreshed for this long ends.
    pub idle_expiration: Duration,
    /// A session ends after this long, however often it is refreshed.
    pub expiration: Duration,
    /// For this long after a rotation, the previous refresh token gets the same new token again: in
    /// another tab, or after a lost response.
    pub grace: Duration,
}

impl SessionRules {
    /// Returns for how long after a rotation a session is not rotated again.
    pub(crate) fn rotation_pause(&self) -> Duration {
        self.grace + MAX_REQUEST_DURATION
    }
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            idle_expiration: Duration::from_hours(14 * 24),
            expiration: Duration::from_hours(90 * 24),
            grace: Duration::from_secs(30),
        }
    }
}

/// A stored session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// The address by which the session's user is found.
    pub email: Email,
    /// The user's id. Another user with the same address has no access to the session.
    #[serde(rename = "owner")]
    pub user_id: String,
    /// The user's version when the session began. The session has ended if the user has another one.
    pub user_version: u64,
    /// The generation of the only refresh token that rotates the session.
    pub generation: u32,
    /// When the user logged in.
    pub created_at: UnixTime,
    /// When the session was last rotated, or began.
    pub rotated_at: UnixTime,
    /// When the session ends unless it is refreshed; never later than `absolute_expires_at`. Stores
    /// delete expired items by the attribute `expires_at`.
    #[serde(rename = "expires_at")]
    pub idle_expires_at: UnixTime,
    /// When the session ends, however often it is refreshed.
    pub absolute_expires_at: UnixTime,
    /// Whether a logout or a reused refresh token has ended the session.
    pub revoked: bool,
}

/// The effect of a refresh token on a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The token is the newest one. This is the next state of the session.
    Advance(Session),
    /// The session was rotated a moment ago, and the token is the newest one or the previous one. The newest
    /// one is returned again.
    Repeat,
    /// The token was used before, so a copy has leaked. The session must end.
    Reused,
    /// The session has ended, or never issued the token.
    Ended,
}

impl Session {
    /// Creates a session for `user`, found by `email`, that begins at `now`. `None` if no randomness is
    /// available.
    #[must_use]
    pub fn new(email: &Email, user: &User, rules: &SessionRules, now: UnixTime) -> Option<Self> {
        let absolute_expires_at = now + rules.expiration;
        Some(Self {
            id: SessionId(random_id()?),
            email: email.clone(),
            user_id: user.id.clone(),
            user_version: user.version,
            generation: 0,
            created_at: now,
            rotated_at: now,
            idle_expires_at: absolute_expires_at.min(now + rules.idle_expiration),
            absolute_expires_at,
            revoked: false,
        })
    }

    /// Returns whether the session has neither expired nor been revoked, whatever the user's version.
    #[must_use]
    pub fn is_live(&self, now: UnixTime) -> bool {
        !self.revoked && !self.has_expired(now)
    }

    /// Returns whether the session has expired.
    #[must_use]
    pub fn has_expired(&self, now: UnixTime) -> bool {
        now >= self.idle_expires_at || now >= self.absolute_expires_at
    }

    /// Returns whether the session belongs to `user` and has not been ended by a newer version of the user.
    #[must_use]
    pub fn belongs_to(&self, user: &User) -> bool {
        self.user_id == user.id && self.user_version == user.version
    }

    /// Returns whether the session is live, and belongs to `user`, who is enabled.
    #[must_use]
    pub fn is_live_for(&self, user: &User, now: UnixTime) -> bool {
        !user.disabled && self.belongs_to(user) && self.is_live(now)
    }

    /// Returns the effect of a refresh token of generation `presented` at `now`.
    #[must_use]
    pub fn rotation(&self, presented: u32, rules: &SessionRules, now: UnixTime) -> Rotation {
        if !self.is_live(now) || presented > self.generation {
            return Rotation::Ended;
        }
        // Clocks differ: a rotation in the future has just happened.
        let age = now.since(self.rotated_at);
        match self.generation - presented {
            // A session rotates at most once in the grace period and the life of a request, so however slow the
            // requests of a client are, none of them has a token that is two generations old.
            0 if self.generation > 0 && age <= rules.rotation_pause() => Rotation::Repeat,
            0 => self.next(rules, now),
            1 if age <= rules.grace => Rotation::Repeat,
            _ => Rotation::Reused,
        }
    }

    fn next(&self, rules: &SessionRules, now: UnixTime) -> Rotation {
        let Some(generation) = self.generation.checked_add(1) else {
            return Rotation::Ended;
        };
        let mut next = self.clone();
        next.generation = generation;
        next.set_rotated(rules, now);
        Rotation::Advance(next)
    }

    /// Records that the session is rotated at `now`.
    fn set_rotated(&mut self, rules: &SessionRules, now: UnixTime) {
        self.rotated_at = now;
        self.idle_expires_at = self.absolute_expires_at.min(now + rules.idle_expiration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: SessionRules = SessionRules {
        idle_expiration: Duration::from_secs(100),
        expiration: Duration::from_secs(1_000),
        grace: Duration::from_secs(10),
    };

    const fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    fn session(generation: u32) -> Session {
        let user = User {
            id: "1".into(),
            email: "A@b.c".into(),
            disabled: false,
            version: 3,
            roles: vec![],
        };
        let email = Email::parse(&user.email).unwrap();
        Session {
            generation,
            ..Session::new(&email, &user, &RULES, at(1_000)).unwrap()
        }
    }

    #[test]
    fn a_new_session_is_live_and_belongs_to_its_users_version() {
        let session = session(0);
        assert_eq!(
            (session.idle_expires_at, session.absolute_expires_at),
            (at(1_100), at(2_000))
        );
        assert_eq!((session.user_id.as_str(), session.user_version), ("1", 3));
        assert!(session.is_live(at(1_099)) && !session.is_live(at(1_100)));
    }

    #[test]
    fn the_newest_token_advances_and_extends_the_session_up_to_its_end() {
        let first = session(0);
        let Rotation::Advance(next) = first.rotation(0, &RULES, at(1_050)) else {
            panic!("the newest token advances");
        };
        let expected = Session {
            generation: 1,
            rotated_at: at(1_050),
            idle_expires_at: at(1_150),
            ..first.clone()
        };
        assert_eq!(next, expected);
        let late = Session {
            idle_expires_at: at(2_000),
            ..first
        };
        let Rotation::Advance(next) = late.rotation(0, &RULES, at(1_950)) else {
            panic!("the newest token advances");
        };
        assert_eq!(next.idle_expires_at, at(2_000), "never beyond the end");
    }

    #[test]
    fn a_session_rotates_at_most_once_in_the_grace_period_and_the_life_of_a_request() {
        let session = session(7);
        for now in [990, 1_000, 1_020] {
            let rotation = session.rotation(7, &RULES, at(now));
            assert_eq!(rotation, Rotation::Repeat, "{now}");
        }
        let rotation = session.rotation(7, &RULES, at(1_021));
        assert!(matches!(rotation, Rotation::Advance(next) if next.generation == 8));
    }

    #[test]
    fn the_token_of_a_login_advances_at_once() {
        let rotation = session(0).rotation(0, &RULES, at(1_000));
        assert!(matches!(rotation, Rotation::Advance(next) if next.generation == 1));
    }

    #[test]
    fn the_previous_token_is_repeated_within_the_grace_period_and_reused_after_it() {
        let session = session(7);
        for (now, rotation) in [
            (990, Rotation::Repeat),
            (1_000, Rotation::Repeat),
            (1_010, Rotation::Repeat),
            (1_011, Rotation::Reused),
        ] {
            assert_eq!(session.rotation(6, &RULES, at(now)), rotation, "{now}");
        }
        for older in [0, 5] {
            assert_eq!(session.rotation(older, &RULES, at(1_000)), Rotation::Reused);
        }
        assert_eq!(session.rotation(8, &RULES, at(1_000)), Rotation::Ended);
    }

    #[test]
    fn an_ended_session_stays_ended_whatever_token_is_presented() {
        let revoked = Session {
            revoked: true,
            ..session(7)
        };
        let expired = Session {
            absolute_expires_at: at(1_050),
            ..session(7)
        };
        for presented in [0, 6, 7, 8] {
            assert_eq!(
                revoked.rotation(presented, &RULES, at(1_001)),
                Rotation::Ended
            );
            assert_eq!(
                expired.rotation(presented, &RULES, at(1_050)),
                Rotation::Ended
            );
            let idle = session(7).rotation(presented, &RULES, at(1_100));
            assert_eq!(idle, Rotation::Ended);
        }
        let last = session(u32::MAX);
        assert_eq!(last.rotation(u32::MAX, &RULES, at(1_050)), Rotation::Ended);
    }
}
