//! Stores that fail when they are told to, and count how often they were asked.

use std::sync::{Arc, Mutex};

use auth_core::{
    Advance, AttemptRepository, Count, Counter, CredentialRepository, Email, Outcome, PasswordHash,
    RepositoryError, Session, SessionId, SessionRepository, StoredUser, User, UserRepository,
};
use login::Stores;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The store never sees it.
    Before,
    /// The store does what it was asked, and the answer is lost.
    Lost,
}

/// What the stores of a test do, and did.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<&'static str>,
    failing: Option<(usize, Failure)>,
    /// Whether every call after it fails too.
    is_lasting: bool,
}

impl Script {
    /// Forgets the calls so far, and lets the one after `calls` more fail.
    pub fn fail_after(&self, calls: usize, failure: Failure) {
        *self.0.lock().expect("no panic") = State {
            failing: Some((calls, failure)),
            ..State::default()
        };
    }

    /// Forgets the calls so far, and lets all after `calls` more fail.
    pub fn fail_from(&self, calls: usize, failure: Failure) {
        *self.0.lock().expect("no panic") = State {
            failing: Some((calls, failure)),
            is_lasting: true,
            ..State::default()
        };
    }

    /// Forgets the calls so far, and lets none fail.
    pub fn reset(&self) {
        *self.0.lock().expect("no panic") = State::default();
    }

    /// The calls since the last reset, by the names of their methods.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.0.lock().expect("no panic").calls.clone()
    }

    /// The call that failed, and how.
    #[must_use]
    pub fn failed(&self) -> Option<(&'static str, Failure)> {
        let state = self.0.lock().expect("no panic");
        let (at, failure) = state.failing?;
        Some((*state.calls.get(at)?, failure))
    }

    fn enter(&self, call: &'static str) -> Option<Failure> {
        let mut state = self.0.lock().expect("no panic");
        state.calls.push(call);
        let (at, failure) = state.failing?;
        let call = state.calls.len() - 1;
        (call == at || state.is_lasting && call > at).then_some(failure)
    }

    async fn run<T>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, RepositoryError>>,
    ) -> Result<T, RepositoryError> {
        match self.enter(call) {
            None => work.await,
            Some(Failure::Before) => Err(unavailable()),
            Some(Failure::Lost) => work.await.and(Err(unavailable())),
        }
    }
}

fn unavailable() -> RepositoryError {
    RepositoryError::Unavailable("the script says so".into())
}

/// A store under a [`Script`].
#[derive(Debug, Clone)]
pub struct Flaky<T> {
    /// The store itself.
    pub inner: T,
    script: Script,
}

impl<T> Flaky<T> {
    /// A store that does what `script` says.
    pub fn new(inner: T, script: &Script) -> Self {
        Self {
            inner,
            script: script.clone(),
        }
    }
}

/// All stores under one script.
pub fn flaky<U, S, A>(
    stores: Stores<U, S, A>,
    script: &Script,
) -> Stores<Flaky<U>, Flaky<S>, Flaky<A>> {
    Stores {
        users: Flaky::new(stores.users, script),
        sessions: Flaky::new(stores.sessions, script),
        attempts: Flaky::new(stores.attempts, script),
    }
}

impl<T: UserRepository> UserRepository for Flaky<T> {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let work = self.inner.find_by_email(email);
        self.script.run("find_by_email", work).await
    }
}

impl<T: CredentialRepository> CredentialRepository for Flaky<T> {
    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        let work = self.inner.find_with_password(email);
        self.script.run("find_with_password", work).await
    }

    async fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        let work = self.inner.replace_password_hash(email, old, new);
        self.script.run("replace_password_hash", work).await
    }

    async fn end_sessions(
        &self,
        email: &Email,
        id: &str,
        version: u64,
    ) -> Result<(), RepositoryError> {
        let work = self.inner.end_sessions(email, id, version);
        self.script.run("end_sessions", work).await
    }
}

impl<T: SessionRepository> SessionRepository for Flaky<T> {
    async fn start(&self, session: &Session) -> Result<(), RepositoryError> {
        self.script.run("start", self.inner.start(session)).await
    }

    async fn find(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        self.script.run("find", self.inner.find(id)).await
    }

    async fn advance(&self, next: &Session) -> Result<Advance, RepositoryError> {
        self.script.run("advance", self.inner.advance(next)).await
    }

    async fn revoke(&self, id: &SessionId) -> Result<(), RepositoryError> {
        self.script.run("revoke", self.inner.revoke(id)).await
    }
}

impl<T: AttemptRepository> AttemptRepository for Flaky<T> {
    async fn reserve(&self, counter: &Counter, ticket: &str) -> Result<Count, RepositoryError> {
        let work = self.inner.reserve(counter, ticket);
        self.script.run("reserve", work).await
    }

    async fn settle(
        &self,
        counter: &Counter,
        ticket: &str,
        over: &[String],
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        let work = self.inner.settle(counter, ticket, over, outcome);
        self.script.run("settle", work).await
    }
}
