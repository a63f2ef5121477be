//! A store whose calls follow a [`Script`].

use auth_core::{
    Account, AccountRepository, ActionMark, Advance, Ask, AskLimits, AskRepository, Asked,
    AttemptDirectory, AttemptRepository, Count, Counter, CredentialRepository, Email, HeldAddress,
    HeldRepository, LiveRepository, NetworkCounter, NewPassword, NoticeRepository, Outcome,
    OwnSessionRepository, PasswordHash, Relocation, RepositoryError, Reserved, Session, SessionId,
    SessionRepository, Stale, StoredUser, UnixTime, User, UserRepository,
};

use super::Script;

/// A store that follows a [`Script`].
#[derive(Debug, Clone)]
pub struct FlakyStore<S> {
    store: S,
    script: Script,
}

impl<S> FlakyStore<S> {
    /// Returns a store that follows `script`.
    pub fn new(store: S, script: &Script) -> Self {
        Self {
            store,
            script: script.clone(),
        }
    }
}

impl<S: UserRepository> UserRepository for FlakyStore<S> {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let call = self.store.find_by_email(email);
        self.script.run("find_by_email", call).await
    }
}

impl<S: LiveRepository> LiveRepository for FlakyStore<S> {
    async fn find_user_and_session(
        &self,
        email: &Email,
        id: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
        let call = self.store.find_user_and_session(email, id);
        self.script.run("find_user_and_session", call).await
    }
}

impl<S: CredentialRepository> CredentialRepository for FlakyStore<S> {
    async fn find_for_login(
        &self,
        email: &Email,
        network: &NetworkCounter,
    ) -> Result<(Option<StoredUser>, u32), RepositoryError> {
        let call = self.store.find_for_login(email, network);
        self.script.run("find_for_login", call).await
    }

    async fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        let call = self.store.replace_password_hash(email, old, new);
        self.script.run("replace_password_hash", call).await
    }

    async fn end_sessions(&self, email: &Email, version: u64) -> Result<(), RepositoryError> {
        let call = self.store.end_sessions(email, version);
        self.script.run("end_sessions", call).await
    }
}

impl<S: SessionRepository> SessionRepository for FlakyStore<S> {
    async fn start_session(&self, session: &Session) -> Result<(), RepositoryError> {
        let call = self.store.start_session(session);
        self.script.run("start_session", call).await
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        let call = self.store.find_session(id);
        self.script.run("find_session", call).await
    }

    async fn advance_session(&self, next: &Session) -> Result<Advance, RepositoryError> {
        if self.script.is_repeated("advance_session") {
            let call = self.store.advance_session(next);
            self.script.run("advance_session", call).await?;
        }
        let call = self.store.advance_session(next);
        self.script.run("advance_session", call).await
    }

    async fn revoke_session(&self, id: &SessionId) -> Result<(), RepositoryError> {
        let call = self.store.revoke_session(id);
        self.script.run("revoke_session", call).await
    }
}

impl<S: AttemptRepository> AttemptRepository for FlakyStore<S> {
    async fn find_attempts(&self, counter: &Counter) -> Result<Count, RepositoryError> {
        let call = self.store.find_attempts(counter);
        self.script.run("find_attempts", call).await
    }

    async fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> Result<Reserved, RepositoryError> {
        let call = self.store.reserve_attempt(counter, ticket);
        self.script.run("reserve_attempt", call).await
    }

    async fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        stale: &Stale,
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        let call = self.store.settle_attempt(counter, ticket, stale, outcome);
        self.script.run("settle_attempt", call).await
    }

    async fn add_network_failure(&self, counter: &NetworkCounter) -> Result<(), RepositoryError> {
        let call = self.store.add_network_failure(counter);
        self.script.run("add_network_failure", call).await
    }
}

impl<S: AttemptDirectory> AttemptDirectory for FlakyStore<S> {
    async fn clear_attempts(&self, counter: &Counter) -> Result<bool, RepositoryError> {
        let call = self.store.clear_attempts(counter);
        self.script.run("clear_attempts", call).await
    }
}

impl<S: AskRepository> AskRepository for FlakyStore<S> {
    async fn put_asks(
        &self,
        asks: &[Ask],
        limits: &AskLimits,
        now: UnixTime,
    ) -> Result<Asked, RepositoryError> {
        let call = self.store.put_asks(asks, limits, now);
        self.script.run("put_asks", call).await
    }
}

impl<S: NoticeRepository> NoticeRepository for FlakyStore<S> {
    async fn put_notice(&self, notice: &Ask) -> Result<(), RepositoryError> {
        let call = self.store.put_notice(notice);
        self.script.run("put_notice", call).await
    }
}

impl<S: HeldRepository> HeldRepository for FlakyStore<S> {
    async fn find_held(&self, email: &Email) -> Result<Option<HeldAddress>, RepositoryError> {
        let call = self.store.find_held(email);
        self.script.run("find_held", call).await
    }
}

impl<S: AccountRepository> AccountRepository for FlakyStore<S> {
    async fn find_account(&self, email: &Email) -> Result<Option<Account>, RepositoryError> {
        let call = self.store.find_account(email);
        self.script.run("find_account", call).await
    }

    async fn create_account(
        &self,
        account: &Account,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        let call = self.store.create_account(account, issued_at, now);
        self.script.run("create_account", call).await
    }

    async fn set_password(&self, change: &NewPassword) -> Result<bool, RepositoryError> {
        let call = self.store.set_password(change);
        self.script.run("set_password", call).await
    }

    async fn raise_version(
        &self,
        email: &Email,
        user_id: &str,
        version: u64,
        mark: &ActionMark,
    ) -> Result<bool, RepositoryError> {
        let call = self.store.raise_version(email, user_id, version, mark);
        self.script.run("raise_version", call).await
    }

    async fn move_account(
        &self,
        relocation: &Relocation,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        let call = self.store.move_account(relocation, now);
        self.script.run("move_account", call).await
    }

    async fn delete_account(
        &self,
        account: &Account,
        hold: &HeldAddress,
        notice: &Ask,
    ) -> Result<bool, RepositoryError> {
        let call = self.store.delete_account(account, hold, notice);
        self.script.run("delete_account", call).await
    }
}

impl<S: OwnSessionRepository> OwnSessionRepository for FlakyStore<S> {
    async fn revoke_own_session(
        &self,
        owner: &str,
        id: &SessionId,
    ) -> Result<bool, RepositoryError> {
        let call = self.store.revoke_own_session(owner, id);
        self.script.run("revoke_own_session", call).await
    }

    async fn end_other_sessions(&self, session: &Session) -> Result<bool, RepositoryError> {
        let call = self.store.end_other_sessions(session);
        self.script.run("end_other_sessions", call).await
    }
}
