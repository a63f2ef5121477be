//! Everything that a store contains, as one value, and the operations on it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    ops::Bound,
};

use serde::{Deserialize, Serialize};

use super::{items::Items, versioned::VersionedJson};
use crate::{
    account::HeldAddress,
    attempt::{Count, Counter, NetworkCounter, Outcome, Reserved, Stale},
    id::SessionId,
    password::PasswordHash,
    repository::RepositoryError,
    session::{Advance, Session},
    time::UnixTime,
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
    pub(super) attempts: BTreeMap<String, StoredCount>,
    networks: BTreeMap<String, StoredFailures>,
    /// The last changes that users made themselves, by address.
    #[serde(default, skip_serializing_if = "Items::is_empty")]
    pub(super) changes: Items,
    /// Emails that are to be sent, or were sent lately.
    #[serde(default, skip_serializing_if = "Items::is_empty")]
    pub(super) asks: Items,
    #[serde(default, skip_serializing_if = "Items::is_empty")]
    pub(super) ask_counts: Items,
    /// Addresses that their users have left.
    #[serde(default, skip_serializing_if = "Items::is_empty")]
    pub(super) held: Items,
    /// Secrets by their use, for functions whose settings do not name any.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    /// The private keys of access tokens, unless they are signed with one of `secrets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key_ring: Option<VersionedJson>,
    /// The public halves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) published_keys: Option<VersionedJson>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredCount {
    pub(super) count: Count,
    expires_at: UnixTime,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredFailures {
    failures: u32,
    expires_at: UnixTime,
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

    pub(super) fn end_sessions(&mut self, email: &Email, version: u64) {
        if let Some(StoredUser { user, .. }) = self.users.get_mut(email)
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

    pub(super) fn delete_user(
        &mut self,
        email: &Email,
        now: UnixTime,
    ) -> Result<(), DirectoryError> {
        let removed = self.remove_user(email);
        let user_id = removed.ok_or(DirectoryError::NotFound)?.user.id;
        self.hold(email, &HeldAddress::freed(user_id, now))?;
        Ok(())
    }

    /// Removes a user, and returns them.
    pub(super) fn remove_user(&mut self, email: &Email) -> Option<StoredUser> {
        self.changes.remove(email.as_str());
        self.users.remove(email)
    }

    /// Holds an address, and forgets those that are no longer held.
    pub(super) fn hold(
        &mut self,
        email: &Email,
        hold: &HeldAddress,
    ) -> Result<(), RepositoryError> {
        self.held.remove_expired(hold.since);
        self.held.put(email.as_str(), hold)
    }

    /// Returns a page of users, each as `convert` returns it.
    pub(super) fn list_users<U>(
        &self,
        after: Option<PageKey>,
        convert: impl Fn(&StoredUser) -> U,
    ) -> UserPage<U> {
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
            users: page.iter().map(|(_, stored)| convert(stored)).collect(),
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
        // The end of all other sessions may have raised the version since the session was read.
        *stored = Session {
            user_version: stored.user_version,
            ..next.clone()
        };
        Advance::Done
    }

    pub(super) fn revoke_session(&mut self, id: &SessionId) {
        if let Some(stored) = self.sessions.get_mut(id) {
            stored.revoked = true;
        }
    }

    pub(super) fn list_sessions(&self, owner: &str, limit: usize) -> Vec<Session> {
        let sessions = self.sessions.values();
        let sessions = sessions.filter(|session| session.user_id == owner);
        sessions.take(limit).cloned().collect()
    }

    pub(super) fn reserve_attempt(&mut self, counter: &Counter, ticket: &str) -> Reserved {
        // Counters of earlier days no longer count.
        self.attempts
            .retain(|_, old| counter.day_begins < old.expires_at);
        let stored = self.attempts.entry(counter.id.clone());
        let stored = stored.or_insert_with(|| StoredCount {
            count: Count::default(),
            expires_at: counter.day_ends(),
        });
        let count = &mut stored.count;
        if !count.has_room(counter) && !count.tickets.contains(ticket) {
            return Reserved::Refused(count.clone());
        }
        count.tickets.insert(ticket.to_owned());
        Reserved::Done(count.clone())
    }

    pub(super) fn settle_attempt(
        &mut self,
        counter: &Counter,
        ticket: &str,
        stale: &Stale,
        outcome: Outcome,
    ) {
        let Some(StoredCount { count, .. }) = self.attempts.get_mut(&counter.id) else {
            return;
        };
        if !count.tickets.remove(ticket) {
            return;
        }
        count
            .tickets
            .retain(|ticket| !stale.tickets.contains(ticket));
        count
            .sources
            .retain(|source, _| !stale.sources.contains(source));
        match outcome {
            Outcome::Failed => {
                count.failures += 1;
                *count.sources.entry(counter.source.clone()).or_default() += 1;
            }
            Outcome::Released => {}
            Outcome::Succeeded => {
                count.sources.remove(&counter.source);
            }
        }
    }

    pub(super) fn add_network_failure(&mut self, counter: &NetworkCounter) {
        // Counters of earlier windows no longer count.
        self.networks
            .retain(|_, old| counter.window_ends <= old.expires_at);
        let stored = self.networks.entry(counter.id.clone());
        let stored = stored.or_insert(StoredFailures {
            failures: 0,
            expires_at: counter.window_ends,
        });
        stored.failures += 1;
    }

    pub(super) fn network_failures(&self, counter: &NetworkCounter) -> u32 {
        let stored = self.networks.get(&counter.id);
        stored.map_or(0, |stored| stored.failures)
    }
}
