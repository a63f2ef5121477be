//! Everything that a store contains, as one value, and the operations on it.
//!
//! A store that can read and update a snapshot implements [`SnapshotStore`], which gives it all the
//! traits of repositories and directories.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    ops::Bound,
};

use serde::{Deserialize, Serialize};

use crate::{
    attempt::{AttemptDirectory, AttemptRepository, Count, CountedAttempts, Counter, Outcome},
    password::PasswordHash,
    repository::RepositoryError,
    session::{Advance, Session, SessionDirectory, SessionRepository},
    token::SessionId,
    user::{
        CredentialRepository, DirectoryError, Email, PageKey, Role, StoredUser, User, UserChange,
        UserDirectory, UserPage, UserRepository,
    },
};

/// The hash of the tutorial's password, `changeme`.
const TUTORIAL_PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I";

/// The number of users on a page.
const PAGE: usize = 100;

/// The contents of a store.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    users: BTreeMap<Email, StoredUser>,
    sessions: BTreeMap<SessionId, Session>,
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

    fn replace_password_hash(
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

    fn end_sessions(&mut self, email: &Email, id: &str, version: u64) {
        if let Some(StoredUser { user, .. }) = self.users.get_mut(email)
            && user.id == id
            && user.version == version
        {
            user.version += 1;
        }
    }

    fn add_user(&mut self, email: Email, user: &StoredUser) -> Result<(), DirectoryError> {
        match self.users.entry(email) {
            Entry::Occupied(_) => Err(DirectoryError::AlreadyExists),
            Entry::Vacant(entry) => {
                entry.insert(user.clone());
                Ok(())
            }
        }
    }

    fn change_user(&mut self, email: &Email, change: UserChange) -> Result<User, DirectoryError> {
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

    fn delete_user(&mut self, email: &Email) -> Result<(), DirectoryError> {
        let removed = self.users.remove(email);
        removed.map(|_| ()).ok_or(DirectoryError::NotFound)
    }

    fn list_users(&self, after: Option<PageKey>) -> UserPage {
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

    fn start_session(&mut self, session: &Session) {
        self.sessions
            .retain(|_, old| session.created_at < old.idle_expires_at);
        self.sessions
            .entry(session.id.clone())
            .or_insert_with(|| session.clone());
    }

    fn advance_session(&mut self, next: &Session) -> Advance {
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

    fn revoke_session(&mut self, id: &SessionId) {
        if let Some(stored) = self.sessions.get_mut(id) {
            stored.revoked = true;
        }
    }

    fn list_sessions(&self, email: &Email) -> Vec<Session> {
        let sessions = self.sessions.values();
        let sessions = sessions.filter(|session| session.email == *email);
        sessions.cloned().collect()
    }

    fn reserve_attempt(&mut self, counter: &Counter, ticket: &str) -> Count {
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

    fn settle_attempt(
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

    fn list_attempts(&self, email_mac: &str) -> Vec<CountedAttempts> {
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

    fn clear_attempts(&mut self, email_mac: &str) -> usize {
        let before = self.attempts.len();
        self.attempts
            .retain(|_, stored| stored.counter.email_mac.as_deref() != Some(email_mac));
        before - self.attempts.len()
    }
}

/// Reads and updates a snapshot, each in one step.
pub trait SnapshotStore: Send + Sync {
    /// Reads the snapshot.
    fn read<T>(&self, read: impl FnOnce(&Snapshot) -> T) -> Result<T, RepositoryError>;

    /// Updates the snapshot. No other update happens in between, and an error changes nothing.
    fn update<T, E: From<RepositoryError>>(
        &self,
        update: impl FnOnce(&mut Snapshot) -> Result<T, E>,
    ) -> Result<T, E>;
}

impl<S: SnapshotStore> UserRepository for S {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        self.read(|snapshot| snapshot.users.get(email).map(|stored| stored.user.clone()))
    }
}

impl<S: SnapshotStore> CredentialRepository for S {
    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        self.read(|snapshot| snapshot.users.get(email).cloned())
    }

    async fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.replace_password_hash(email, old, new)))
    }

    async fn end_sessions(
        &self,
        email: &Email,
        id: &str,
        version: u64,
    ) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            snapshot.end_sessions(email, id, version);
            Ok(())
        })
    }
}

impl<S: SnapshotStore> UserDirectory for S {
    async fn add_user(&self, user: &StoredUser) -> Result<(), DirectoryError> {
        let email = Email::parse(&user.user.email)
            .map_err(|error| RepositoryError::Malformed(error.to_string()))?;
        self.update(|snapshot| snapshot.add_user(email, user))
    }

    async fn change_user(&self, email: &Email, change: UserChange) -> Result<User, DirectoryError> {
        self.update(|snapshot| snapshot.change_user(email, change))
    }

    async fn delete_user(&self, email: &Email) -> Result<(), DirectoryError> {
        self.update(|snapshot| snapshot.delete_user(email))
    }

    async fn list_users(&self, after: Option<PageKey>) -> Result<UserPage, RepositoryError> {
        self.read(|snapshot| snapshot.list_users(after))
    }
}

impl<S: SnapshotStore> SessionRepository for S {
    async fn start_session(&self, session: &Session) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            snapshot.start_session(session);
            Ok(())
        })
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        self.read(|snapshot| snapshot.sessions.get(id).cloned())
    }

    async fn advance_session(&self, next: &Session) -> Result<Advance, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.advance_session(next)))
    }

    async fn revoke_session(&self, id: &SessionId) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            snapshot.revoke_session(id);
            Ok(())
        })
    }
}

impl<S: SnapshotStore> SessionDirectory for S {
    async fn list_sessions(&self, email: &Email) -> Result<Vec<Session>, RepositoryError> {
        self.read(|snapshot| snapshot.list_sessions(email))
    }
}

impl<S: SnapshotStore> AttemptRepository for S {
    async fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> Result<Count, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.reserve_attempt(counter, ticket)))
    }

    async fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        expired: &[String],
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            snapshot.settle_attempt(counter, ticket, expired, outcome);
            Ok(())
        })
    }
}

impl<S: SnapshotStore> AttemptDirectory for S {
    async fn list_attempts(
        &self,
        email_mac: &str,
    ) -> Result<Vec<CountedAttempts>, RepositoryError> {
        self.read(|snapshot| snapshot.list_attempts(email_mac))
    }

    async fn clear_attempts(&self, email_mac: &str) -> Result<usize, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.clear_attempts(email_mac)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InMemoryStore, Password, PasswordHasher};

    #[tokio::test]
    async fn the_tutorial_user_is_found_in_any_case_and_has_the_documented_password() {
        let store = InMemoryStore::with_tutorial_user();
        let email = Email::parse("John.Doe@Leapify.tech").unwrap();
        let user = store.find_by_email(&email).await.unwrap().unwrap();
        assert_eq!(user.id, "1");
        assert_eq!(user.permissions(), ["create", "delete", "read", "update"]);

        let stored = store.find_with_password(&email).await.unwrap().unwrap();
        let password = Password::parse("changeme").unwrap();
        assert_eq!(
            PasswordHasher::new().verify(&password, Some(&stored.password_hash)),
            Ok(true)
        );
    }

    #[tokio::test]
    async fn another_address_does_not_find_the_user() {
        let store = InMemoryStore::with_tutorial_user();
        let email = Email::parse("jane.doe@leapify.tech").unwrap();
        assert_eq!(store.find_by_email(&email).await.unwrap(), None);
    }
}
