//! Sessions: what a sign-in leaves behind so that a client can have new access tokens without the
//! password.
//!
//! Start at [`Sessions`]. The rule of rotation is [`Session::rotation`], a function of the stored
//! session, the generation that a refresh token presents, and the time. No token is ever stored.

mod memory;
mod refresh_token;
mod repository;
mod sessions;

use std::fmt;

use aws_lc_rs::rand;

pub use memory::InMemorySessionRepository;
pub use refresh_token::RefreshToken;
pub use repository::{Advance, SessionDirectory, SessionRepository};
pub use sessions::{InvalidRefreshToken, RefreshError, Refreshed, Sessions, TokenPair};

use crate::{base64url, email::Email, user::User};

const ID_BYTES: usize = 16;

/// The name of a session: 128 random bits, the `sid` of its access tokens. It is no secret: a
/// refresh token is worth something by its MAC alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; ID_BYTES]);

impl SessionId {
    /// A new one; `None` where the machine has no randomness.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = [0; ID_BYTES];
        rand::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The one that `text` is the [`Display`](fmt::Display) of.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode(text)?.try_into().ok().map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// How long sessions live. All in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// A session that is not refreshed for this long ends.
    pub idle_expiration: u64,
    /// A session ends after this long, however often it is refreshed.
    pub expiration: u64,
    /// For this long after a rotation the former refresh token is answered with the successor once
    /// more: to another tab, and to who lost the first answer.
    pub grace: u64,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            idle_expiration: 14 * 24 * 3600,
            expiration: 90 * 24 * 3600,
            grace: 10,
        }
    }
}

/// A session as it is stored. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// The address that its user is found by.
    pub email: Email,
    /// The user's id: another user of the address has no part in it.
    pub user_id: String,
    /// The user's version when the session began. It is dead when the user has another.
    pub user_version: u64,
    /// The generation of the one refresh token that rotates it.
    pub generation: u32,
    /// When the user signed in.
    pub created_at: u64,
    /// When it was last rotated, or began.
    pub rotated_at: u64,
    /// When it ends unless it is refreshed; never later than `expires_at`.
    pub idle_expires_at: u64,
    /// When it ends.
    pub expires_at: u64,
    /// Whether it was ended by a logout, or by a refresh token that was used twice.
    pub revoked: bool,
}

/// What a refresh token does to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The token is the newest. This is the session after it.
    Advance(Session),
    /// The token is the one before the newest, and came within the grace: the newest is the answer.
    Repeat,
    /// The token was used before and has come again: somebody holds a copy. The session must end.
    Reused,
    /// The session has ended, or never issued the token.
    Ended,
}

impl Session {
    /// A session of `user`, found by `email`, that begins at `now`.
    #[must_use]
    pub fn begin(
        id: SessionId,
        email: &Email,
        user: &User,
        rules: &SessionRules,
        now: u64,
    ) -> Self {
        let expires_at = now.saturating_add(rules.expiration);
        Self {
            id,
            email: email.clone(),
            user_id: user.id.clone(),
            user_version: user.version,
            generation: 0,
            created_at: now,
            rotated_at: now,
            idle_expires_at: now.saturating_add(rules.idle_expiration).min(expires_at),
            expires_at,
            revoked: false,
        }
    }

    /// Whether it has neither expired nor been revoked. Its user's version is not looked at.
    #[must_use]
    pub fn is_live(&self, now: u64) -> bool {
        !self.revoked && now < self.idle_expires_at && now < self.expires_at
    }

    /// Whether it is one of `user`, who has not been signed out everywhere since it began.
    #[must_use]
    pub fn belongs_to(&self, user: &User) -> bool {
        self.user_id == user.id && self.user_version == user.version
    }

    /// What a refresh token of generation `presented` does to the session at `now`.
    #[must_use]
    pub fn rotation(&self, presented: u32, rules: &SessionRules, now: u64) -> Rotation {
        if !self.is_live(now) || presented > self.generation {
            return Rotation::Ended;
        }
        match self.generation - presented {
            0 => self.advanced(rules, now),
            // Clocks differ: a rotation that lies in the future has just been.
            1 if now.saturating_sub(self.rotated_at) <= rules.grace => Rotation::Repeat,
            _ => Rotation::Reused,
        }
    }

    fn advanced(&self, rules: &SessionRules, now: u64) -> Rotation {
        let Some(generation) = self.generation.checked_add(1) else {
            return Rotation::Ended;
        };
        Rotation::Advance(Self {
            generation,
            rotated_at: now,
            idle_expires_at: now
                .saturating_add(rules.idle_expiration)
                .min(self.expires_at),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: SessionRules = SessionRules {
        idle_expiration: 100,
        expiration: 1_000,
        grace: 10,
    };

    fn session(generation: u32) -> Session {
        let user = User {
            id: "1".into(),
            email: "A@b.c".into(),
            disabled: false,
            version: 3,
            roles: vec![],
        };
        let id = SessionId::random().unwrap();
        let email = Email::parse(&user.email).unwrap();
        Session {
            generation,
            ..Session::begin(id, &email, &user, &RULES, 1_000)
        }
    }

    #[test]
    fn a_session_begins_live_and_belongs_to_its_user_s_version() {
        let session = session(0);
        assert_eq!(
            (session.idle_expires_at, session.expires_at),
            (1_100, 2_000)
        );
        assert_eq!((session.user_id.as_str(), session.user_version), ("1", 3));
        assert!(session.is_live(1_099) && !session.is_live(1_100));
        assert_eq!(SessionId::parse(&session.id.to_string()), Some(session.id));
    }

    #[test]
    fn the_newest_token_advances_and_extends_the_session_up_to_its_end() {
        let first = session(0);
        let Rotation::Advance(next) = first.rotation(0, &RULES, 1_050) else {
            panic!("it is the newest");
        };
        let expected = Session {
            generation: 1,
            rotated_at: 1_050,
            idle_expires_at: 1_150,
            ..first.clone()
        };
        assert_eq!(next, expected);
        let late = Session {
            idle_expires_at: 2_000,
            ..first
        };
        let Rotation::Advance(next) = late.rotation(0, &RULES, 1_950) else {
            panic!("it is the newest");
        };
        assert_eq!(next.idle_expires_at, 2_000, "never beyond the end");
    }

    #[test]
    fn the_token_before_is_repeated_within_the_grace_and_reused_after_it() {
        let session = session(7);
        for (now, rotation) in [
            (990, Rotation::Repeat),
            (1_000, Rotation::Repeat),
            (1_010, Rotation::Repeat),
            (1_011, Rotation::Reused),
        ] {
            assert_eq!(session.rotation(6, &RULES, now), rotation, "{now}");
        }
        for older in [0, 5] {
            assert_eq!(session.rotation(older, &RULES, 1_000), Rotation::Reused);
        }
        assert_eq!(session.rotation(8, &RULES, 1_000), Rotation::Ended);
    }

    #[test]
    fn a_session_that_has_ended_does_nothing_whatever_is_presented() {
        let revoked = Session {
            revoked: true,
            ..session(7)
        };
        let over = Session {
            expires_at: 1_050,
            ..session(7)
        };
        for presented in [0, 6, 7, 8] {
            assert_eq!(revoked.rotation(presented, &RULES, 1_001), Rotation::Ended);
            assert_eq!(over.rotation(presented, &RULES, 1_050), Rotation::Ended);
            let idle = session(7).rotation(presented, &RULES, 1_100);
            assert_eq!(idle, Rotation::Ended);
        }
        let last = session(u32::MAX);
        assert_eq!(last.rotation(u32::MAX, &RULES, 1_000), Rotation::Ended);
    }
}
