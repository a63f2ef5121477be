//! The model's account of one session, and what it expects of it.

use std::time::Duration;

use auth_core::{SessionRules, UnixTime};

pub(crate) const RULES: SessionRules = SessionRules {
    idle_expiration: Duration::from_secs(100),
    expiration: Duration::from_secs(250),
    grace: Duration::from_secs(10),
};

/// How long a request may live.
const REQUEST: Duration = Duration::from_secs(10);

/// A session as its client and its thief know it.
pub(crate) struct Account {
    /// Every access token that a client has seen, with the time of its issue.
    pub(crate) access_tokens: Vec<String>,
    /// Every token by its generation, if a client has seen it.
    pub(crate) tokens: Vec<Option<String>>,
    pub(crate) generation: usize,
    pub(crate) rotated_at: UnixTime,
    pub(crate) idle_end: UnixTime,
    pub(crate) end: UnixTime,
    pub(crate) version: u64,
    pub(crate) is_revoked: bool,
    /// Whether the store has deleted it, which it may do after it has expired.
    pub(crate) is_gone: bool,
}

impl Account {
    pub(crate) fn is_live(&self, now: UnixTime, version: u64) -> bool {
        !self.is_revoked
            && !self.is_gone
            && now < self.idle_end
            && now < self.end
            && self.version == version
    }

    /// Returns the expected result of a refresh with the token of `generation`, for a user of this version who
    /// is disabled or not.
    pub(crate) fn expected(&self, generation: usize, now: UnixTime, user: (u64, bool)) -> Expected {
        let (version, is_disabled) = user;
        // The rule of rotation ignores the user, so that a reuse revokes the session whatever the user's state.
        if !self.is_live(now, self.version) {
            return Expected::Ended;
        }
        let has_ended = !self.is_live(now, version) || is_disabled;
        let age = now.since(self.rotated_at);
        let is_step_allowed = self.generation == 0 || age > RULES.grace + REQUEST;
        match self.generation - generation {
            0 | 1 if has_ended && (generation == self.generation || age <= RULES.grace) => {
                Expected::Ended
            }
            0 if is_step_allowed => Expected::Advance,
            0 => Expected::Repeat,
            1 if age <= RULES.grace => Expected::Repeat,
            _ => Expected::Reuse {
                is_reported: !has_ended,
            },
        }
    }
}

/// The expected result of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Advance,
    Repeat,
    /// The session is revoked. If the user's state had ended it before, no reuse is reported.
    Reuse {
        is_reported: bool,
    },
    Ended,
}
