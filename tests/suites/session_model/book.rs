//! What the model knows of one session, and what it expects of it.

use auth_core::SessionRules;

pub(crate) const RULES: SessionRules = SessionRules {
    idle_expiration: 100,
    expiration: 250,
    grace: 10,
};

/// The book of one session.
pub(crate) struct Book {
    /// Every token by its generation, as far as a client has seen it.
    pub(crate) tokens: Vec<Option<String>>,
    pub(crate) generation: usize,
    pub(crate) rotated_at: u64,
    pub(crate) idle_end: u64,
    pub(crate) end: u64,
    pub(crate) version: u64,
    pub(crate) is_revoked: bool,
    /// Whether the store has forgotten it, as it may when it has expired.
    pub(crate) is_gone: bool,
}

impl Book {
    pub(crate) fn is_live(&self, now: u64, version: u64) -> bool {
        !self.is_revoked
            && !self.is_gone
            && now < self.idle_end
            && now < self.end
            && self.version == version
    }

    /// What a refresh with the token of `generation` should do, the user being at this version and
    /// disabled or not.
    pub(crate) fn expected(&self, generation: usize, now: u64, user: (u64, bool)) -> Expected {
        let (version, is_disabled) = user;
        // The rule of rotation does not look at the user, whom a replay must not hide behind.
        if !self.is_live(now, self.version) {
            return Expected::Dead;
        }
        let is_dead = !self.is_live(now, version) || is_disabled;
        let is_in_grace = now.saturating_sub(self.rotated_at) <= RULES.grace;
        match self.generation - generation {
            0 if !is_dead => Expected::Advance,
            1 if is_in_grace && !is_dead => Expected::Repeat,
            0 => Expected::Dead,
            1 if is_in_grace => Expected::Dead,
            _ => Expected::Replay,
        }
    }
}

/// What the model expects of a refresh.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Advance,
    Repeat,
    Replay,
    Dead,
}
