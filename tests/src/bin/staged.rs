//! A function with users made for the tests, as a process: `staged login` or `staged me`.
//!
//! The handlers are the bundle's own. `panic@example.com` makes the repository panic,
//! `unavailable@example.com` cannot be reached, `disabled@example.com` is disabled, and everyone else
//! is unknown. Ids are `1` and passwords `changeme`. A session whose id is all ones makes the session
//! repository panic, one of all twos cannot be reached, and there is no other.

use std::process::ExitCode;

use auth_core::{
    Advance, Clock, CredentialRepository, Email, InMemoryAttemptRepository, InMemoryUserRepository,
    PasswordHash, RepositoryError, Session, SessionId, SessionRepository, StoredUser, User,
    UserRepository,
};
use bundle_tests::app::{fixed_keys, login_keys};
use login::{Login, LoginSettings, Stores};
use me::Me;

struct StagedUserRepository;

impl UserRepository for StagedUserRepository {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let found = self.find_with_password(email).await?;
        Ok(found.map(|stored| stored.user))
    }
}

impl CredentialRepository for StagedUserRepository {
    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        match email.as_str() {
            "panic@example.com" => panic!("the text of a panic, with {email}"),
            "unavailable@example.com" => {
                Err(RepositoryError::Unavailable("connection refused".into()))
            }
            "disabled@example.com" => {
                let john = Email::parse("john.doe@leapify.tech").expect("an address");
                let users = InMemoryUserRepository::with_tutorial_user();
                let mut found = users.find_with_password(&john).await?.expect("John");
                found.user.disabled = true;
                found.user.email = email.to_string();
                Ok(Some(found))
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
        panic!("every hash of the store is current")
    }

    async fn end_sessions(&self, _: &Email, _: &str, _: u64) -> Result<(), RepositoryError> {
        panic!("there is no session")
    }
}

struct StagedSessionRepository;

impl SessionRepository for StagedSessionRepository {
    async fn start(&self, _: &Session) -> Result<(), RepositoryError> {
        panic!("nobody signs in")
    }

    async fn find(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        self.revoke(id).await.map(|()| None)
    }

    async fn advance(&self, _: &Session) -> Result<Advance, RepositoryError> {
        panic!("there is no session")
    }

    async fn revoke(&self, id: &SessionId) -> Result<(), RepositoryError> {
        match id.to_string().as_str() {
            "AQEBAQEBAQEBAQEBAQEBAQ" => panic!("the text of a panic, with {id}"),
            "AgICAgICAgICAgICAgICAg" => {
                Err(RepositoryError::Unavailable("connection refused".into()))
            }
            _ => Ok(()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("staged");
    let (reader, clock) = (auth_lambda::environment(), Clock::system());
    if std::env::args().nth(1).as_deref() == Some("login") {
        let settings = LoginSettings::read(reader).expect("settings");
        let keys = login_keys(&settings);
        let stores = Stores {
            users: StagedUserRepository,
            sessions: StagedSessionRepository,
            attempts: InMemoryAttemptRepository::default(),
        };
        let login = Login::new(settings, keys, stores, clock);
        auth_lambda::run(|request| login.handle(request)).await
    } else {
        let settings = me::read_settings(reader).expect("settings");
        let keys = fixed_keys(&settings.keys);
        let me = Me::new(settings, keys, StagedUserRepository, clock);
        auth_lambda::run(|request| me.handle(request)).await
    }
}
