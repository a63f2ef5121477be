//! The model's account of one session, and what it expects of it.

use std::time::Duration;

use auth_core::{SessionRules, UnixTime};

pub(crate) const RULES: SessionRules = SessionRules {
    idle_expiration: Duration::from_secs(100),
    expiration: Duration::from_secs(250),
    grace: Duration::from_secs(10),
};

pub(crate) struct Account {
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
        // The rule of rotation ignores the user, so that a reuse is detected whatever the user's state.
        if !self.is_live(now, self.version) {
            return Expected::Ended;
        }
        let has_ended = !self.is_live(now, version) || is_disabled;
        let is_in_grace = now.since(self.rotated_at) <= RULES.grace;
        match self.generation - generation {
            0 if !has_ended => Expected::Advance,
            1 if is_in_grace && !has_ended => Expected::Repeat,
            0 => Expected::Ended,
            1 if is_in_grace => Expected::Ended,
            _ => Expected::Reuse,
        }
    }
}

/// The expected result of a refresh.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Advance,
    Repeat,
    Reuse,
    Ended,
}
