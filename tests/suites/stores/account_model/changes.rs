//! How the model changes.

use auth_core::{Role, UnixTime};

use super::{
    expected::{HOLD, Left, Model, User, Work},
    steps::Operation,
};

impl Model {
    /// Records that a link has done its work. `roles` and `version` are those of a user whom it added.
    pub(crate) fn apply_link(
        &mut self,
        index: usize,
        new: usize,
        (id, version): (&str, u64),
        roles: Vec<Role>,
        now: UnixTime,
    ) {
        let work = self.links[index].work.clone();
        if let Work::SignUp(at) | Work::Invite(at) = work {
            let added = User {
                at: Some(at),
                version,
                password: Some(new),
                is_disabled: false,
                roles,
                last_link: Some(index),
                last_session: None,
                moved_at: None,
            };
            let other = self.users.insert(id.to_owned(), added);
            assert!(other.is_none(), "the id of another user");
            return;
        }
        let user = self.users.get_mut(id).expect("a known user");
        user.version += 1;
        user.last_link = Some(index);
        user.last_session = None;
        match work {
            Work::SignUp(_) | Work::Invite(_) => {}
            Work::Reset { .. } => user.password = Some(new),
            Work::Email(change) => {
                user.at = Some(change.to);
                user.moved_at = Some(now);
                self.left[change.from] = Some(Left {
                    user_id: id.to_owned(),
                    since: now,
                    until: now + HOLD,
                    version: Some(change.version),
                    by: None,
                });
                self.moves.push(change);
            }
            Work::Undo(change) if user.at == Some(change.from) => {}
            Work::Undo(change) => {
                user.at = Some(change.from);
                user.moved_at = None;
                user.password = None;
                self.left[change.from] = None;
            }
        }
    }

    /// Returns whether a session is live: its user is at its address, is enabled, and has its version.
    pub(crate) fn is_live(&self, session: usize, now: UnixTime) -> bool {
        let session = &self.sessions[session];
        let (user, stored) = (&self.users[&session.user_id], &session.issued.session);
        user.at == Some(session.at)
            && !user.is_disabled
            && user.version == session.version
            && !session.is_revoked
            && now < stored.idle_expires_at
            && now < stored.absolute_expires_at
    }

    /// Returns the user of a session.
    pub(crate) fn owner(&mut self, session: usize) -> &mut User {
        let id = &self.sessions[session].user_id;
        self.users.get_mut(id).expect("a known user")
    }

    /// Records a password that was set in a session.
    pub(crate) fn set_password(&mut self, session: usize, new: usize) {
        let user = self.owner(session);
        user.version += 1;
        user.password = Some(new);
        user.last_link = None;
        user.last_session = Some(session);
    }

    /// Records that a session has ended all others.
    pub(crate) fn end_others(&mut self, session: usize) {
        self.owner(session).version += 1;
        self.sessions[session].version += 1;
    }

    /// Returns whether a user's address was not changed recently.
    pub(crate) fn is_settled(&self, id: &str, now: UnixTime) -> bool {
        let moved_at = self.users[id].moved_at;
        moved_at.is_none_or(|moved_at| now >= moved_at + HOLD)
    }

    /// Records that a user was deleted at `now`, until when the address is held, and in which session.
    pub(crate) fn leave(&mut self, id: &str, now: UnixTime, until: UnixTime, by: Option<usize>) {
        let user = self.users.get_mut(id).expect("a known user");
        let at = user.at.take().expect("an address");
        self.left[at] = Some(Left {
            user_id: id.to_owned(),
            since: now,
            until,
            version: None,
            by,
        });
    }

    /// Records what an operator has done to the user at an address.
    pub(crate) fn operate(&mut self, id: &str, operation: Operation, now: UnixTime) {
        let user = self.users.get_mut(id).expect("a known user");
        match operation {
            Operation::Disable => {
                user.is_disabled = true;
                user.version += 1;
            }
            Operation::Enable => user.is_disabled = false,
            Operation::RemoveRoles => user.roles.clear(),
            Operation::EndSessions => user.version += 1,
            Operation::Delete => self.leave(id, now, now, None),
        }
    }
}
