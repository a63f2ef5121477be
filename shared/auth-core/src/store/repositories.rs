//! The traits of repositories and directories for stores that contain a [`Snapshot`].

use super::snapshot::Snapshot;
use crate::{
    attempt::{
        AttemptDirectory, AttemptRepository, Count, Counter, NetworkCounter, Outcome, Reserved,
        Stale,
    },
    credential::{CredentialDirectory, CredentialRepository},
    id::SessionId,
    password::PasswordHash,
    repository::RepositoryError,
    session::{Advance, LiveRepository, Session, SessionDirectory, SessionRepository},
    time::UnixTime,
    user::{
        DirectoryError, Email, PageKey, StoredUser, User, UserChange, UserDirectory, UserPage,
        UserRepository,
    },
};

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

impl<S: SnapshotStore> LiveRepository for S {
    async fn find_user_and_session(
        &self,
        email: &Email,
        id: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
        self.read(|snapshot| {
            let user = snapshot.users.get(email).map(|stored| stored.user.clone());
            (user, snapshot.sessions.get(id).cloned())
        })
    }
}

impl<S: SnapshotStore> CredentialRepository for S {
    async fn find_for_login(
        &self,
        email: &Email,
        network: &NetworkCounter,
    ) -> Result<(Option<StoredUser>, u32), RepositoryError> {
        self.read(|snapshot| {
            let user = snapshot.users.get(email).cloned();
            (user, snapshot.network_failures(network))
        })
    }

    async fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.replace_password_hash(email, old, new)))
    }

    async fn end_sessions(&self, email: &Email, version: u64) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            snapshot.end_sessions(email, version);
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

    async fn delete_user(&self, email: &Email, now: UnixTime) -> Result<(), DirectoryError> {
        self.update(|snapshot| snapshot.delete_user(email, now))
    }

    async fn list_users(&self, after: Option<PageKey>) -> Result<UserPage, RepositoryError> {
        self.read(|snapshot| snapshot.list_users(after, |stored| stored.user.clone()))
    }
}

impl<S: SnapshotStore> CredentialDirectory for S {
    async fn list_credentials(
        &self,
        after: Option<PageKey>,
    ) -> Result<UserPage<StoredUser>, RepositoryError> {
        self.read(|snapshot| snapshot.list_users(after, StoredUser::clone))
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
    async fn list_sessions(
        &self,
        owner: &str,
        limit: usize,
    ) -> Result<Vec<Session>, RepositoryError> {
        self.read(|snapshot| snapshot.list_sessions(owner, limit))
    }
}

impl<S: SnapshotStore> AttemptRepository for S {
    async fn find_attempts(&self, counter: &Counter) -> Result<Count, RepositoryError> {
        self.read(|snapshot| {
            let stored = snapshot.attempts.get(&counter.id);
            stored
                .map(|stored| stored.count.clone())
                .unwrap_or_default()
        })
    }

    async fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> Result<Reserved, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.reserve_attempt(counter, ticket)))
    }

    async fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        stale: &Stale,
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            snapshot.settle_attempt(counter, ticket, stale, outcome);
            Ok(())
        })
    }

    async fn add_network_failure(&self, counter: &NetworkCounter) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            snapshot.add_network_failure(counter);
            Ok(())
        })
    }
}

impl<S: SnapshotStore> AttemptDirectory for S {
    async fn clear_attempts(&self, counter: &Counter) -> Result<bool, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.attempts.remove(&counter.id).is_some()))
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

        let hash = store.read(|snapshot| snapshot.users[&email].password_hash.clone());
        let password = Password::parse("changeme").unwrap();
        assert_eq!(
            PasswordHasher::new().verify(&password, Some(&hash.unwrap())),
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
