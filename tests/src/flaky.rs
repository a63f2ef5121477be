//! A store that fails as scripted, and records its calls.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{
    Advance, AttemptRepository, Count, Counter, CredentialRepository, Email, LiveRepository,
    NetworkCounter, Outcome, PasswordHash, RepositoryError, Reserved, Session, SessionId,
    SessionRepository, Stale, StoredUser, User, UserRepository,
};

use crate::app::TestClock;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The store never sees it.
    Before,
    /// The store executes it, and the response is lost.
    Lost,
}

/// How a store fails, and the calls that it received.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<&'static str>,
    failing: Option<(usize, Failure)>,
    /// Whether all later calls fail too.
    is_permanent: bool,
    /// A clock, and how far each call advances it.
    delay: Option<(TestClock, Duration)>,
    /// The call that is executed twice.
    repeated: Option<&'static str>,
}

impl Script {
    /// Forgets the calls so far. After `calls` more, the next call fails.
    pub fn fail_after(&self, calls: usize, failure: Failure) {
        *self.0.lock().expect("no panic") = State {
            failing: Some((calls, failure)),
            ..State::default()
        };
    }

    /// Forgets the calls so far. After `calls` more, all calls fail.
    pub fn fail_from(&self, calls: usize, failure: Failure) {
        *self.0.lock().expect("no panic") = State {
            failing: Some((calls, failure)),
            is_permanent: true,
            ..State::default()
        };
    }

    /// Forgets the calls so far. No call fails.
    pub fn reset(&self) {
        *self.0.lock().expect("no panic") = State::default();
    }

    /// Makes each call take `seconds` on a clock.
    pub fn delay_each(&self, clock: &TestClock, seconds: u64) {
        let delay = (clock.clone(), Duration::from_secs(seconds));
        self.0.lock().expect("no panic").delay = Some(delay);
    }

    /// Makes a call execute twice, as a retry of the SDK whose first response was lost.
    pub fn repeat(&self, call: &'static str) {
        self.0.lock().expect("no panic").repeated = Some(call);
    }

    fn is_repeated(&self, call: &str) -> bool {
        self.0.lock().expect("no panic").repeated == Some(call)
    }

    /// Returns the calls since they were last forgotten, by the names of their methods.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.0.lock().expect("no panic").calls.clone()
    }

    /// Returns the call that failed, and how.
    #[must_use]
    pub fn failed(&self) -> Option<(&'static str, Failure)> {
        let state = self.0.lock().expect("no panic");
        let (at, failure) = state.failing?;
        Some((*state.calls.get(at)?, failure))
    }

    fn enter(&self, call: &'static str) -> Option<Failure> {
        let mut state = self.0.lock().expect("no panic");
        state.calls.push(call);
        if let Some((clock, duration)) = &state.delay {
            clock.advance(*duration);
        }
        let (at, failure) = state.failing?;
        let call = state.calls.len() - 1;
        (call == at || state.is_permanent && call > at).then_some(failure)
    }

    async fn run<T>(
        &self,
        call: &'static str,
        future: impl Future<Output = Result<T, RepositoryError>>,
    ) -> Result<T, RepositoryError> {
        match self.enter(call) {
            None => future.await,
            Some(Failure::Before) => Err(unavailable()),
            Some(Failure::Lost) => future.await.and(Err(unavailable())),
        }
    }
}

fn unavailable() -> RepositoryError {
    RepositoryError::Unavailable("as scripted".into())
}

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
