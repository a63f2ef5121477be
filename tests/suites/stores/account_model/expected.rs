//! What the model knows of users, links and addresses, and what it expects of a link.

use std::{collections::BTreeMap, time::Duration};

use auth_core::{IssuedTokens, Role, UnixTime};

use super::steps::ADDRESSES;

pub(crate) const HOLD: Duration = Duration::from_hours(72);

/// A user, even a deleted one.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The address; `None` after the deletion.
    pub(crate) at: Option<usize>,
    pub(crate) version: u64,
    /// `None` if it was removed.
    pub(crate) password: Option<usize>,
    pub(crate) is_disabled: bool,
    pub(crate) roles: Vec<Role>,
    /// The link that made the last change.
    pub(crate) last_link: Option<usize>,
    /// The session that made the last change, by a new password.
    pub(crate) last_session: Option<usize>,
    pub(crate) moved_at: Option<UnixTime>,
}

/// How the last user has left an address.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    pub(crate) user_id: String,
    pub(crate) since: UnixTime,
    pub(crate) until: UnixTime,
    /// The user's version before the move that can be undone.
    pub(crate) version: Option<u64>,
    /// The session that deleted the user.
    pub(crate) by: Option<usize>,
}

/// A change of the address.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) user_id: String,
    pub(crate) version: u64,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Work {
    SignUp(usize),
    Invite(usize),
    Reset {
        at: usize,
        user_id: String,
        version: u64,
    },
    Email(Change),
    Undo(Change),
}

impl Work {
    /// Returns the id of the user whom the work changes; `None` if it adds one.
    pub(crate) fn user_id(&self) -> Option<&str> {
        match self {
            Self::SignUp(_) | Self::Invite(_) => None,
            Self::Reset { user_id, .. } => Some(user_id),
            Self::Email(change) | Self::Undo(change) => Some(&change.user_id),
        }
    }
}

/// A link that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) token: String,
    pub(crate) work: Work,
    pub(crate) issued_at: UnixTime,
    pub(crate) expires_at: UnixTime,
}

/// The effect that a link has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It does its work.
    New,
    /// It has done its work, and the same request succeeds again without doing anything.
    Repeat,
    /// Nothing.
    None,
}

/// Everything that the model knows.
#[derive(Debug, Default, Clone)]
pub(crate) struct Model {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) left: [Option<Left>; ADDRESSES],
    pub(crate) links: Vec<Link>,
    /// The changes that were confirmed.
    pub(crate) moves: Vec<Change>,
    pub(crate) sessions: Vec<Session>,
}

/// A session, as its client knows it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) issued: IssuedTokens,
    pub(crate) user_id: String,
    pub(crate) at: usize,
    pub(crate) version: u64,
    pub(crate) is_revoked: bool,
}

impl Model {
    pub(crate) fn user_at(&self, address: usize) -> Option<(&String, &User)> {
        self.users.iter().find(|(_, user)| user.at == Some(address))
    }

    /// Returns whether an address is held for someone else at `now`.
    pub(crate) fn is_held(&self, address: usize, user_id: Option<&str>, now: UnixTime) -> bool {
        let left = self.left[address].as_ref();
        left.is_some_and(|left| now < left.until && Some(left.user_id.as_str()) != user_id)
    }

    /// Returns what a link does with a password.
    pub(crate) fn effect(&self, index: usize, password: usize, now: UnixTime) -> Effect {
        let link = &self.links[index];
        if now >= link.expires_at {
            return Effect::None;
        }
        match &link.work {
            Work::SignUp(at) | Work::Invite(at) => {
                self.effect_of_sign_up(index, *at, password, now)
            }
            Work::Reset {
                at,
                user_id,
                version,
            } => match self.user_at(*at) {
                Some((id, user)) if id == user_id && is_enabled_at(user, *version) => Effect::New,
                _ => self.repeats_password(index, *at, password),
            },
            Work::Email(change) => self.effect_of_email(index, change, now),
            Work::Undo(change) => self.effect_of_undo(index, change, now),
        }
    }

    fn effect_of_sign_up(&self, index: usize, at: usize, password: usize, now: UnixTime) -> Effect {
        if self.user_at(at).is_some() {
            return self.repeats_password(index, at, password);
        }
        match &self.left[at] {
            Some(left) if now < left.until || self.links[index].issued_at <= left.since => {
                Effect::None
            }
            _ => Effect::New,
        }
    }

    fn effect_of_email(&self, index: usize, change: &Change, now: UnixTime) -> Effect {
        match self.user_at(change.from) {
            Some((id, user)) if *id == change.user_id && is_enabled_at(user, change.version) => {
                let is_taken = self.user_at(change.to).is_some()
                    || self.is_held(change.to, Some(&change.user_id), now);
                if is_taken { Effect::None } else { Effect::New }
            }
            _ => self.repeats(index, change.to),
        }
    }

    fn effect_of_undo(&self, index: usize, change: &Change, now: UnixTime) -> Effect {
        match self.user_at(change.from) {
            Some((id, user)) if *id == change.user_id => {
                if user.last_link == Some(index) {
                    Effect::Repeat
                } else if user.version == change.version {
                    Effect::New
                } else {
                    Effect::None
                }
            }
            // Someone else has the address, which therefore is not held.
            Some(_) => Effect::None,
            None => {
                let left = self.left[change.from].as_ref();
                let is_bound = left.is_some_and(|left| {
                    left.user_id == change.user_id
                        && left.version == Some(change.version)
                        && now < left.until
                });
                let is_there = self.users[&change.user_id].at.is_some();
                if is_bound && is_there {
                    Effect::New
                } else {
                    Effect::None
                }
            }
        }
    }

    /// Returns whether a link made the last change of the user at an address.
    fn repeats(&self, index: usize, at: usize) -> Effect {
        match self.user_at(at) {
            Some((_, user)) if user.last_link == Some(index) => Effect::Repeat,
            _ => Effect::None,
        }
    }

    /// Returns the same as [`Model::repeats`] if the password is the one that the link has set.
    fn repeats_password(&self, index: usize, at: usize, password: usize) -> Effect {
        match self.user_at(at) {
            Some((_, user)) if !user.is_disabled && user.password == Some(password) => {
                self.repeats(index, at)
            }
            _ => Effect::None,
        }
    }
}

fn is_enabled_at(user: &User, version: u64) -> bool {
    !user.is_disabled && user.version == version
}
