//! Changes that users make themselves, and held addresses, in a [`Snapshot`].
//!
//! Each change is a single step here, just as it is a single transaction in `DynamoDB`.

use serde::{Deserialize, Serialize};

use super::{repositories::SnapshotStore, snapshot::Snapshot};
use crate::{
    account::{
        Account, AccountRepository, ActionMark, Ask, HeldAddress, HeldRepository, MoveKind,
        NewPassword, OwnSessionRepository, Relocation,
    },
    id::SessionId,
    repository::RepositoryError,
    session::Session,
    time::UnixTime,
    user::{Email, User},
};

/// The traces of a user's last change.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_action: Option<ActionMark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved_at: Option<UnixTime>,
}

impl Snapshot {
    fn find_account(&self, email: &Email) -> Result<Option<Account>, RepositoryError> {
        let Some(stored) = self.users.get(email) else {
            return Ok(None);
        };
        let change: Option<LastChange> = self.changes.get(email.as_str())?;
        let change = change.unwrap_or_default();
        Ok(Some(Account {
            stored: stored.clone(),
            last_action: change.last_action,
            moved_at: change.moved_at,
        }))
    }

    fn put_account(&mut self, email: Email, account: &Account) -> Result<(), RepositoryError> {
        let change = LastChange {
            last_action: account.last_action.clone(),
            moved_at: account.moved_at,
        };
        self.changes.put(email.as_str(), &change)?;
        self.users.insert(email, account.stored.clone());
        Ok(())
    }

    /// Finds the user with this id and version.
    fn find_version(
        &self,
        email: &Email,
        user_id: &str,
        version: u64,
    ) -> Result<Option<Account>, RepositoryError> {
        let found = self.find_account(email)?;
        let is_same = |account: &Account| {
            let user = &account.stored.user;
            user.id == user_id && user.version == version
        };
        Ok(found.filter(is_same))
    }

    fn find_held(&self, email: &Email) -> Result<Option<HeldAddress>, RepositoryError> {
        self.held.get(email.as_str())
    }

    fn create_account(
        &mut self,
        account: &Account,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        let email = address(&account.stored.user)?;
        let held = self.find_held(&email)?;
        let is_held = held.is_some_and(|held| !held.allows_link(issued_at, now));
        if is_held || self.users.contains_key(&email) {
            return Ok(false);
        }
        self.put_account(email, account)?;
        Ok(true)
    }

    fn set_password(&mut self, change: &NewPassword) -> Result<bool, RepositoryError> {
        let found = self.find_version(&change.email, &change.user_id, change.version)?;
        let Some(mut account) = found.filter(|found| !found.stored.user.disabled) else {
            return Ok(false);
        };
        account.stored.user.version += 1;
        account.stored.password_hash = change.hash.clone();
        account.last_action = Some(change.mark.clone());
        self.put_account(change.email.clone(), &account)?;
        self.put_ask(&change.notice)?;
        Ok(true)
    }

    fn raise_version(
        &mut self,
        email: &Email,
        user_id: &str,
        version: u64,
        mark: &ActionMark,
    ) -> Result<bool, RepositoryError> {
        let Some(mut account) = self.find_version(email, user_id, version)? else {
            return Ok(false);
        };
        account.stored.user.version += 1;
        account.last_action = Some(mark.clone());
        self.put_account(email.clone(), &account)?;
        Ok(true)
    }

    fn move_account(
        &mut self,
        relocation: &Relocation,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        let from = address(&relocation.from.stored.user)?;
        let to = address(&relocation.to.stored.user)?;
        let user_id = Some(relocation.from.stored.user.id.as_str());
        let held = self.find_held(&to)?;
        let is_possible = match relocation.kind {
            MoveKind::Confirmed { .. } => held.is_none_or(|held| held.is_free_for(user_id, now)),
            MoveKind::Undone => held.is_some_and(|held| {
                Some(held.user_id.as_str()) == user_id && held.current.as_ref() == Some(&from)
            }),
        };
        let is_unchanged = self.find_account(&from)?.as_ref() == Some(&relocation.from);
        if !is_possible || !is_unchanged || self.users.contains_key(&to) {
            return Ok(false);
        }
        self.remove_user(&from);
        match &relocation.kind {
            MoveKind::Confirmed { hold } => self.hold(&from, hold)?,
            MoveKind::Undone => self.held.remove(to.as_str()),
        }
        self.put_account(to, &relocation.to)?;
        for notice in &relocation.notices {
            self.put_ask(notice)?;
        }
        Ok(true)
    }

    fn delete_account(
        &mut self,
        account: &Account,
        hold: &HeldAddress,
        notice: &Ask,
    ) -> Result<bool, RepositoryError> {
        let email = address(&account.stored.user)?;
        if self.find_account(&email)?.as_ref() != Some(account) {
            return Ok(false);
        }
        self.remove_user(&email);
        self.hold(&email, hold)?;
        self.put_ask(notice)?;
        Ok(true)
    }

    fn revoke_own_session(&mut self, owner: &str, id: &SessionId) -> bool {
        let found = self.sessions.get_mut(id);
        let Some(session) = found.filter(|session| session.user_id == owner) else {
            return false;
        };
        session.revoked = true;
        true
    }

    fn end_other_sessions(&mut self, session: &Session) -> bool {
        let version = session.user_version;
        let is_current = |stored: &&mut Session| !stored.revoked && stored.user_version == version;
        if !self
            .sessions
            .get_mut(&session.id)
            .as_ref()
            .is_some_and(is_current)
        {
            return false;
        }
        let found = self
            .users
            .get_mut(&session.email)
            .map(|stored| &mut stored.user);
        let is_same = |user: &&mut User| user.id == session.user_id && user.version == version;
        let Some(user) = found.filter(is_same) else {
            return false;
        };
        user.version += 1;
        if let Some(stored) = self.sessions.get_mut(&session.id) {
            stored.user_version += 1;
        }
        true
    }
}

/// Returns the key of a user.
fn address(user: &User) -> Result<Email, RepositoryError> {
    Email::parse(&user.email).map_err(|error| RepositoryError::Malformed(error.to_string()))
}

impl<S: SnapshotStore> HeldRepository for S {
    async fn find_held(&self, email: &Email) -> Result<Option<HeldAddress>, RepositoryError> {
        self.read(|snapshot| snapshot.find_held(email))?
    }
}

impl<S: SnapshotStore> AccountRepository for S {
    async fn find_account(&self, email: &Email) -> Result<Option<Account>, RepositoryError> {
        self.read(|snapshot| snapshot.find_account(email))?
    }

    async fn create_account(
        &self,
        account: &Account,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| snapshot.create_account(account, issued_at, now))
    }

    async fn set_password(&self, change: &NewPassword) -> Result<bool, RepositoryError> {
        self.update(|snapshot| snapshot.set_password(change))
    }

    async fn raise_version(
        &self,
        email: &Email,
        user_id: &str,
        version: u64,
        mark: &ActionMark,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| snapshot.raise_version(email, user_id, version, mark))
    }

    async fn move_account(
        &self,
        relocation: &Relocation,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| snapshot.move_account(relocation, now))
    }

    async fn delete_account(
        &self,
        account: &Account,
        hold: &HeldAddress,
        notice: &Ask,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| snapshot.delete_account(account, hold, notice))
    }
}

impl<S: SnapshotStore> OwnSessionRepository for S {
    async fn revoke_own_session(
        &self,
        owner: &str,
        id: &SessionId,
    ) -> Result<bool, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.revoke_own_session(owner, id)))
    }

    async fn end_other_sessions(&self, session: &Session) -> Result<bool, RepositoryError> {
        self.update(|snapshot| Ok(snapshot.end_other_sessions(session)))
    }
}
