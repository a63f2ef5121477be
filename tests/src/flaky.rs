//! A store that fails as scripted, and records its calls.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use auth_core::{
    Account, AccountRepository, ActionMark, Advance, Ask, AskLimits, AskRepository, Asked,
    AttemptDirectory, AttemptRepository, Count, Counter, CredentialRepository, Email, HeldAddress,
    HeldRepository, LiveRepository, NetworkCounter, NewPassword, NoticeRepository, Outcome,
    OwnSessionRepository, PasswordHash, Relocation, RepositoryError, Reserved, Session, SessionId,
    SessionRepository, Stale, StoredUser, UnixTime, User, UserRepository,
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
    /// How many calls may begin now, if calls take turns.
    turns: Option<usize>,
    /// Whether a call waits for its turn.
    is_waiting: bool,
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

    /// Waits for a turn. Whoever gives turns also polls the call, so nothing has to wake it.
    async fn turn(&self) {
        poll_fn(|_| {
            let mut state = self.0.lock().expect("no panic");
            state.is_waiting = state.turns == Some(0);
            if state.is_waiting {
                return Poll::Pending;
            }
            state.turns = state.turns.map(|turns| turns - 1);
            Poll::Ready(())
        })
        .await;
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
        self.turn().await;
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

/// An operation on a [`FlakyStore`] that makes one call at a time, so that another one can come in between.
pub struct Stepped<'a, T> {
    script: Script,
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    result: Option<T>,
}

impl<'a, T> Stepped<'a, T> {
    /// Returns an operation that has not begun. All its calls follow `script`.
    pub fn new(script: &Script, operation: impl Future<Output = T> + 'a) -> Self {
        script.0.lock().expect("no panic").turns = Some(0);
        Self {
            script: script.clone(),
            future: Box::pin(operation),
            result: None,
        }
    }

    /// Lets the next call begin, and returns when the operation waits for the one after it or has ended.
    pub async fn advance(&mut self) {
        if self.result.is_some() {
            return;
        }
        {
            let mut state = self.script.0.lock().expect("no panic");
            state.turns = state.turns.map(|turns| turns + 1);
            state.is_waiting = false;
        }
        self.result = poll_fn(|context| match self.future.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending if self.script.0.lock().expect("no panic").is_waiting => {
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        })
        .await;
    }

    /// Makes all calls that are left.
    pub async fn finish(self) -> T {
        self.script.0.lock().expect("no panic").turns = None;
        match self.result {
            Some(result) => result,
            None => self.future.await,
        }
    }
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
