//! A function whose users cannot be had, as a process: `faulty login` or `faulty me`.
//!
//! The handlers are the bundle's own; the repository behind them panics for `panic@example.com` and
//! is out of reach for everyone else.

use std::process::ExitCode;

use auth_core::{Clock, Email, RepositoryError, SettingsReader, StoredUser, User, UserRepository};
use login::{Login, LoginSettings};
use me::Me;

struct FaultyUserRepository;

impl FaultyUserRepository {
    fn fail(email: &Email) -> RepositoryError {
        assert!(
            email.as_str() != "panic@example.com",
            "the text of a panic, with {email}"
        );
        RepositoryError::Unavailable("connection refused".into())
    }
}

impl UserRepository for FaultyUserRepository {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        Err(Self::fail(email))
    }

    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        Err(Self::fail(email))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("faulty");
    let (reader, clock) = (SettingsReader::from_env(), Clock::system());
    if std::env::args().nth(1).as_deref() == Some("login") {
        let settings = LoginSettings::read(reader).expect("settings");
        let login = Login::new(settings, FaultyUserRepository, clock);
        auth_lambda::run(|request| login.handle(request)).await
    } else {
        let settings = me::read_settings(reader).expect("settings");
        let me = Me::new(settings, FaultyUserRepository, clock);
        auth_lambda::run(|request| me.handle(request)).await
    }
}
