//! Everything that a store contains, as one value, and the operations on it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    ops::Bound,
};

use serde::{Deserialize, Serialize};

use crate::{
    attempt::{Count, CountedAttempts, Counter, Outcome},
    password::PasswordHash,
    session::{Advance, Session},
    token::SessionId,
    user::{DirectoryError, Email, PageKey, Role, StoredUser, User, UserChange, UserPage},
};

/// The hash of the tutorial's password, `changeme`.
const TUTORIAL_PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I";

/// The number of users on a page.
const PAGE: usize = 100;

/// The contents of a store.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    pub(super) users: BTreeMap<Email, StoredUser>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    attempts: BTreeMap<String, StoredCounter>,
    /// Secrets by their use, for functions whose settings do not name any.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredCounter {
    #[serde(flatten)]
    counter: Counter,
    #[serde(flatten)]
    count: Count,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshot(redacted)")
    }
}

impl Snapshot {
    /// Returns a snapshot with the tutorial's user.
    pub(super) fn with_tutorial_user() -> Self {
        let admin = Role {
            id: "1".into(),
            name: "Admin".into(),
            description: "Full access".into(),
            permissions: ["create", "read", "update", "delete"]
                .map(Into::into)
                .into(),
        };
        let john = User {
            id: "1".into(),
            email: "john.doe@leapify.tech".into(),
            disabled: false,
            version: 0,
            roles: vec![admin],
        };
        let mut snapshot = Self::default();
        if let (Ok(email), Ok(password_hash)) = (
            Email::parse(&john.email),
            PasswordHash::parse(TUTORIAL_PASSWORD_HASH),
        ) {
            let john = StoredUser {
                user: john,
                password_hash,
            };
            snapshot.users.insert(email, john);
        }
        snapshot
    }

    pub(super) fn replace_password_hash(
        &mut self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> bool {
        let stored = self.users.get_mut(email);
        let Some(stored) = stored.filter(|stored| stored.password_hash == *old) else {
            return false;
        };
        stored.password_hash = new.clone();
        true
    }

    pub(super) fn end_sessions(&mut self, email: &Email, id: &str, version: u64) {
        if let Some(StoredUser { user, .. }) = self.users.get_mut(email)
            && user.id == id
            && user.version == version
        {
            user.version += 1;
        }
    }

    pub(super) fn add_user(
        &mut self,
        email: Email,
        user: &StoredUser,
    ) -> Result<(), DirectoryError> {
        match self.users.entry(email) {
            Entry::Occupied(_) => Err(DirectoryError::AlreadyExists),
            Entry::Vacant(entry) => {
                entry.insert(user.clone());
                Ok(())
            }
        }
    }

    pub(super) fn change_user(
        &mut self,
        email: &Email,
        change: UserChange,
    ) -> Result<User, DirectoryError> {
        let stored = self.users.get_mut(email).ok_or(DirectoryError::NotFound)?;
        stored.user.version += u64::from(change.ends_sessions());
        match change {
            UserChange::Disabled(disabled) => stored.user.disabled = disabled,
            UserChange::Password(hash) => stored.password_hash = hash,
            UserChange::Roles(roles) => stored.user.roles = roles,
            UserChange::EndSessions => {}
        }
        Ok(stored.user.clone())
    }

    pub(super) fn delete_user(&mut self, email: &Email) -> Result<(), DirectoryError> {
        let removed = self.users.remove(email);
        removed.map(|_| ()).ok_or(DirectoryError::NotFound)
    }

    pub(super) fn list_users(&self, after: Option<PageKey>) -> UserPage {
        let after = after.and_then(|PageKey(email)| Email::parse(&email).ok());
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page: Vec<_> = self
            .users
            .range((begin, Bound::Unbounded))
            .take(PAGE)
            .collect();
        let last = page.last().filter(|_| page.len() == PAGE);
        UserPage {
            next: last.map(|(email, _)| PageKey(email.to_string())),
            users: page.iter().map(|(_, stored)| stored.user.clone()).collect(),
        }
    }

    pub(super) fn start_session(&mut self, session: &Session) {
        self.sessions
            .retain(|_, old| session.created_at < old.idle_expires_at);
        self.sessions
            .entry(session.id.clone())
            .or_insert_with(|| session.clone());
    }

    pub(super) fn advance_session(&mut self, next: &Session) -> Advance {
        let Some(stored) = self.sessions.get_mut(&next.id) else {
            return Advance::Refused(None);
        };
        let is_next = stored.generation.checked_add(1) == Some(next.generation);
        if !is_next || !stored.is_live(next.rotated_at) {
            return Advance::Refused(Some(stored.clone()));
        }
        stored.clone_from(next);
        Advance::Done
    }

    pub(super) fn revoke_session(&mut self, id: &SessionId) {
        if let Some(stored) = self.sessions.get_mut(id) {
            stored.revoked = true;
        }
    }

    pub(super) fn list_sessions(&self, email: &Email) -> Vec<Session> {
        let sessions = self.sessions.values();
        let sessions = sessions.filter(|session| session.email == *email);
        sessions.cloned().collect()
    }

    pub(super) fn reserve_attempt(&mut self, counter: &Counter, ticket: &str) -> Count {
        // Counters of earlier windows no longer count.
        self.attempts
            .retain(|_, old| counter.expires_at <= old.counter.expires_at);
        let stored = self.attempts.entry(counter.key.clone());
        let stored = stored.or_insert_with(|| StoredCounter {
            counter: counter.clone(),
            count: Count::default(),
        });
        stored.count.pending.insert(ticket.to_owned());
        stored.count.clone()
    }

    pub(super) fn settle_attempt(
        &mut self,
        counter: &Counter,
        ticket: &str,
        expired: &[String],
        outcome: Outcome,
    ) {
        let Some(StoredCounter { count, .. }) = self.attempts.get_mut(&counter.key) else {
            return;
        };
        if !count.pending.remove(ticket) {
            return;
        }
        count.pending.retain(|ticket| !expired.contains(ticket));
        match outcome {
            Outcome::Failed => count.failures += 1,
            Outcome::Released => {}
            Outcome::Reset => count.failures = 0,
        }
    }

    pub(super) fn list_attempts(&self, email_mac: &str) -> Vec<CountedAttempts> {
        let of_email =
            |stored: &&StoredCounter| stored.counter.email_mac.as_deref() == Some(email_mac);
        self.attempts
            .values()
            .filter(of_email)
            .map(|StoredCounter { counter, count }| CountedAttempts {
                kind: counter.kind,
                count: count.clone(),
                expires_at: counter.expires_at,
            })
            .collect()
    }

    pub(super) fn clear_attempts(&mut self, email_mac: &str) -> usize {
        let before = self.attempts.len();
        self.attempts
            .retain(|_, stored| stored.counter.email_mac.as_deref() != Some(email_mac));
        before - self.attempts.len()
    }
}
