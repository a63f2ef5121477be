//! A store that fails as scripted, and records its calls.

mod store;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use auth_core::RepositoryError;

pub use store::FlakyStore;

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

    /// Makes each call advance a clock by `seconds`.
    pub fn delay_each(&self, clock: &TestClock, seconds: u64) {
        let delay = (clock.clone(), Duration::from_secs(seconds));
        self.0.lock().expect("no panic").delay = Some(delay);
    }

    /// Makes a call execute twice, as if the SDK had retried it after a lost response.
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

    /// Waits for a turn. The code that gives turns also polls the call, so nothing has to wake it.
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
