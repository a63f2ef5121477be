//! A function whose store fails on purpose, as a process: `staged login`, `staged me` or `staged authorizer`.
//!
//! The handlers are the bundle's own. `panic@example.com` makes the store panic, `unavailable@example.com`
//! makes it unavailable, `disabled@example.com` is disabled, and all other users are unknown. Ids are `1` and
//! passwords `changeme`. The session of forged tokens is live. For `login`, a session whose id is all ones makes the
//! store panic, one of all twos makes it unavailable, and no other exists.

use auth_core::{
    Advance, Ask, AttemptRepository, Clock, Count, Counter, CredentialRepository, Email,
    InMemoryStore, LiveRepository, NetworkCounter, NoticeRepository, Outcome, PasswordHash,
    RepositoryError, Reserved, Session, SessionId, SessionRepository, Stale, StoredUser, User,
    UserRepository,
};
use auth_lambda::StartError;
use authorizer::{Authorizer, AuthorizerSettings};
use bundle_tests::{
    app::{fixed_keys, login_keys},
    store::{memory, tutorial_user},
};
use login::{Login, LoginSettings};
use me::Me;

/// Counts attempts in memory.
#[derive(Default)]
struct StagedStore(InMemoryStore);

impl UserRepository for StagedStore {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let found = find(email).await?;
        Ok(found.map(|stored| stored.user))
    }
}

impl LiveRepository for StagedStore {
    async fn find_user_and_session(
        &self,
        email: &Email,
        id: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
        let user = self.find_by_email(email).await?;
        let (_, session) = memory().find_user_and_session(email, id).await?;
        Ok((user, session))
    }
}

async fn find(email: &Email) -> Result<Option<StoredUser>, RepositoryError> {
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

impl CredentialRepository for StagedStore {
    async fn find_for_login(
        &self,
        email: &Email,
        network: &NetworkCounter,
    ) -> Result<(Option<StoredUser>, u32), RepositoryError> {
        let (_, failures) = self.0.find_for_login(email, network).await?;
        Ok((find(email).await?, failures))
    }

    async fn replace_password_hash(
        &self,
        _: &Email,
        _: &PasswordHash,
        _: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        panic!("all hashes are current")
    }

    async fn end_sessions(&self, _: &Email, _: u64) -> Result<(), RepositoryError> {
        panic!("no session exists")
    }
}

impl NoticeRepository for StagedStore {
    async fn put_notice(&self, _: &Ask) -> Result<(), RepositoryError> {
        panic!("no session is reused")
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
    async fn find_attempts(&self, counter: &Counter) -> Result<Count, RepositoryError> {
        self.0.find_attempts(counter).await
    }

    async fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> Result<Reserved, RepositoryError> {
        self.0.reserve_attempt(counter, ticket).await
    }

    async fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        stale: &Stale,
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        let settled = self.0.settle_attempt(counter, ticket, stale, outcome);
        settled.await
    }

    async fn add_network_failure(&self, counter: &NetworkCounter) -> Result<(), RepositoryError> {
        self.0.add_network_failure(counter).await
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
            auth_lambda::run_handler(|request| login.handle(request)).await
        }
        Some("me") => {
            let settings = me::read_settings(reader)?;
            let keys = fixed_keys(&settings.keys);
            let me = Me::new(settings, keys, store, clock);
            auth_lambda::run_handler(|request| me.handle(request)).await
        }
        Some("authorizer") => {
            let settings = AuthorizerSettings::read(reader)?;
            let keys = fixed_keys(&settings.common.keys);
            let authorizer = Authorizer::new(settings, keys, store, clock);
            auth_lambda::run_events(|event| authorizer.handle(event)).await
        }
        other => panic!("{other:?} is not a function"),
    }
}
