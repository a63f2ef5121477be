//! Two acts at once, whose calls to the store come in any order, and whose responses may be lost.
//!
//! The result must be the same as if they had run one after the other, in one of the two orders.

mod acts;
mod effects;

use auth_core::{IssuedTokens, LiveUser, SelfServiceError};
use bundle_tests::{
    flaky::{FlakyStore, Script, Stepped},
    store::TestStore,
};
use proptest::sample::Index;

use super::{
    expected::{Model, Session},
    steps::{Act, Fault, Operation},
    world::{World, is_full},
};

/// An act whose caller, if it needs one, was accepted by the live guard.
#[derive(Debug)]
enum Begun {
    Use {
        index: usize,
        new: usize,
    },
    ChangePassword {
        session: usize,
        caller: LiveUser,
        current: usize,
        new: usize,
    },
    EndSession {
        caller: LiveUser,
        ended: usize,
    },
    EndOthers {
        session: usize,
        caller: LiveUser,
    },
    Delete {
        session: usize,
        caller: LiveUser,
        password: usize,
    },
    Login {
        at: usize,
        password: usize,
    },
    Refresh {
        session: usize,
    },
    Operate {
        at: usize,
        operation: Operation,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Done,
    Refused,
    /// The act may have been done: no response has arrived, or too many attempts have failed.
    Unknown,
}

/// What the client of an act knows.
#[derive(Debug)]
struct Outcome {
    verdict: Verdict,
    /// The id and the version of the user whom a link has added, if it has.
    added: Option<(String, u64)>,
    begun: Option<Session>,
    refreshed: Option<IssuedTokens>,
}

impl Outcome {
    fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            added: None,
            begun: None,
            refreshed: None,
        }
    }
}

impl<T> From<&Result<T, SelfServiceError>> for Verdict {
    fn from(result: &Result<T, SelfServiceError>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(SelfServiceError::Repository(_)) => Self::Unknown,
            Err(_) if is_full(result) => Self::Unknown,
            Err(_) => Self::Refused,
        }
    }
}

impl<S: TestStore> World<S> {
    pub(crate) async fn race(&mut self, acts: &[(Act, Fault); 2], turns: &[bool]) {
        let [(one, one_fault), (other, other_fault)] = acts;
        let (Some(one), Some(other)) = (self.begin(one).await, self.begin(other).await) else {
            return;
        };
        let [mut first, mut second] = self
            .run_both([&one, &other], [*one_fault, *other_fault], turns)
            .await;
        self.repeat(&one, &mut first).await;
        self.repeat(&other, &mut second).await;

        let now = self.accounts.clock.now();
        let mut possible = Vec::new();
        for order in [
            [(&one, &first), (&other, &second)],
            [(&other, &second), (&one, &first)],
        ] {
            let [(earlier, earlier_outcome), (later, later_outcome)] = order;
            for model in self.after(&self.model, earlier, earlier_outcome, now) {
                possible.extend(self.after(&model, later, later_outcome, now));
            }
        }
        self.model = self
            .find_actual(possible, &(&one, &first), &(&other, &second))
            .await;
    }

    /// Returns the model that matches what is stored.
    async fn find_actual(
        &self,
        possible: Vec<Model>,
        one: &(&Begun, &Outcome),
        other: &(&Begun, &Outcome),
    ) -> Model {
        let mut errors = Vec::new();
        for model in possible {
            let seen = self.observe(&model).await;
            match self.compare(&model, &seen) {
                Ok(()) => return model,
                Err(error) => errors.push(error),
            }
        }
        panic!("no order explains {one:#?} and {other:#?}: {errors:#?}");
    }

    /// Makes the calls of two acts in turns.
    async fn run_both(
        &self,
        [one, other]: [&Begun; 2],
        faults: [Fault; 2],
        turns: &[bool],
    ) -> [Outcome; 2] {
        let scripts = faults.map(|fault| {
            let script = Script::default();
            if let Some((call, failure)) = fault {
                script.fail_after(call, failure);
            }
            script
        });
        let stores = [0, 1].map(|i| FlakyStore::new(self.accounts.store.clone(), &scripts[i]));
        let mut one = Stepped::new(&scripts[0], self.attempt(one, &stores[0]));
        let mut other = Stepped::new(&scripts[1], self.attempt(other, &stores[1]));
        for is_first in turns {
            if *is_first {
                one.advance().await;
            } else {
                other.advance().await;
            }
        }
        [one.finish().await, other.finish().await]
    }

    /// Returns an act with its links and sessions; `None` if it has no link or session, or if the
    /// guard rejects its caller.
    async fn begin(&self, act: &Act) -> Option<Begun> {
        let session = |which: &Index| pick_late(*which, self.model.sessions.len());
        Some(match act {
            Act::Use(which, new) => Begun::Use {
                index: pick_late(*which, self.model.links.len())?,
                new: *new,
            },
            Act::ChangePassword(which, new) => {
                let (session, caller) = self.accepted(session(which)?).await?;
                Begun::ChangePassword {
                    session,
                    current: self.password(session),
                    caller,
                    new: *new,
                }
            }
            Act::EndSession(which, ended) => Begun::EndSession {
                caller: self.accepted(session(which)?).await?.1,
                ended: session(ended)?,
            },
            Act::EndOthers(which) => {
                let (session, caller) = self.accepted(session(which)?).await?;
                Begun::EndOthers { session, caller }
            }
            Act::Delete(which) => {
                let (session, caller) = self.accepted(session(which)?).await?;
                Begun::Delete {
                    session,
                    caller,
                    password: self.password(session),
                }
            }
            Act::Login(at) => Begun::Login {
                at: *at,
                password: self.model.user_at(*at)?.1.password?,
            },
            Act::Refresh(which) => Begun::Refresh {
                session: session(which)?,
            },
            Act::Operate(at, operation) => Begun::Operate {
                at: *at,
                operation: *operation,
            },
        })
    }

    fn password(&self, session: usize) -> usize {
        let id = &self.model.sessions[session].user_id;
        self.model.users[id].password.expect("a password")
    }
}

/// Picks one of the last links or sessions, so that both acts are often about the same user or address.
fn pick_late(which: Index, len: usize) -> Option<usize> {
    let last = len.min(4);
    (last > 0).then(|| len - 1 - which.index(last))
}
