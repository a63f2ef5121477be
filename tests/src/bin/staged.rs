//! A function whose store fails on purpose, as a process: `staged login` or `staged me`.
//!
//! The handlers are the bundle's own. `panic@example.com` makes the store panic, `unavailable@example.com`
//! makes it unavailable, `disabled@example.com` is disabled, and all other users are unknown. Ids are `1` and
//! passwords `changeme`. A session whose id is all ones makes the store panic, one of all twos makes it
//! unavailable, and no other exists.

use auth_core::{
    Advance, AttemptRepository, Clock, Count, Counter, CredentialRepository, Email, InMemoryStore,
    Outcome, PasswordHash, RepositoryError, Session, SessionId, SessionRepository, StoredUser,
    User, UserRepository,
};
use auth_lambda::StartError;
use bundle_tests::{
    app::{fixed_keys, login_keys},
    store::tutorial_user,
};
use login::{Login, LoginSettings};
use me::Me;

/// Counts attempts in memory.
#[derive(Default)]
struct StagedStore(InMemoryStore);

impl UserRepository for StagedStore {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let found = self.find_with_password(email).await?;
        Ok(found.map(|stored| stored.user))
    }
}

impl CredentialRepository for StagedStore {
    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        match email.as_str() {
            "panic@example.com" => panic!("the text of a panic, with {email}"),
            "unavailable@example.com" => Err(unavailable()),
            "disabled@example.com" => {
                let mut john = tutorial_user().await;
                john.user.disabled = true;
                john.user.email = email.to_string();
                Ok(Some(john))
            }
            _ => Ok(None),
        }
    }

    async fn replace_password_hash(
        &self,
        _: &Email,
        _: &PasswordHash,
        _: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        panic!("all hashes are current")
    }

    async fn end_sessions(&self, _: &Email, _: &str, _: u64) -> Result<(), RepositoryError> {
        panic!("no session exists")
    }
}

impl SessionRepository for StagedStore {
    async fn start_session(&self, _: &Session) -> Result<(), RepositoryError> {
        panic!("no user can log in")
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        self.revoke_session(id).await.map(|()| None)
    }

    async fn advance_session(&self, _: &Session) -> Result<Advance, RepositoryError> {
        panic!("no session exists")
    }

    async fn revoke_session(&self, id: &SessionId) -> Result<(), RepositoryError> {
        match id.as_str() {
            "AQEBAQEBAQEBAQEBAQEBAQ" => panic!("the text of a panic, with {id}"),
            "AgICAgICAgICAgICAgICAg" => Err(unavailable()),
            _ => Ok(()),
        }
    }
}

impl AttemptRepository for StagedStore {
    async fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> Result<Count, RepositoryError> {
        self.0.reserve_attempt(counter, ticket).await
    }

    async fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        expired: &[String],
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        self.0
            .settle_attempt(counter, ticket, expired, outcome)
            .await
    }
}

fn unavailable() -> RepositoryError {
    RepositoryError::Unavailable("connection refused".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("staged");
    let (reader, clock) = (auth_lambda::environment(), Clock::system());
    let store = StagedStore::default();
    match std::env::args().nth(1).as_deref() {
        Some("login") => {
            let settings = LoginSettings::read(reader)?;
            let keys = login_keys(&settings);
            let login = Login::new(settings, keys, store, clock);
            auth_lambda::run(|request| login.handle(request)).await
        }
        Some("me") => {
            let settings = me::read_settings(reader)?;
            let keys = fixed_keys(&settings.keys);
            let me = Me::new(settings, keys, store, clock);
            auth_lambda::run(|request| me.handle(request)).await
        }
        other => panic!("{other:?} is not a function"),
    }
}
