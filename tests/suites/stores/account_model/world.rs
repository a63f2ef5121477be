//! Runs steps, and compares every result and everything stored with the model.

use std::time::Duration;

use auth_core::{
    Ask, AskContent, AskId, DirectoryError, Email, EmailChange, LetterContent, LiveUser, Role,
    SelfServiceError, StoredUser, UnixTime, UserChange,
};
use bundle_tests::{
    accounts::{Accounts, CheapHasher, PASSWORDS, link, network, password, sign_up_roles},
    flaky::{FlakyStore, Script},
    store::{TestStore, email, user},
};
use proptest::sample::Index;

use super::{
    expected::{Change, Effect, HOLD, Link, Model, Session, User, Work},
    steps::{ADDRESSES, Fault, Operation, Step},
};

pub(crate) struct World<S> {
    pub(crate) accounts: Accounts<S>,
    script: Script,
    flaky: FlakyStore<S>,
    pub(crate) addresses: [Email; ADDRESSES],
    pub(crate) model: Model,
}

impl<S: TestStore> World<S> {
    /// Returns a world with a user at the first address.
    pub(crate) async fn new(store: &S, name: &str) -> Self {
        let script = Script::default();
        let addresses = std::array::from_fn(|i| email(&format!("{name}-{i}@example.com")));
        let id = format!("{name}-first");
        let first = StoredUser {
            password_hash: CheapHasher::hash_text(PASSWORDS[0]),
            ..user(&id, addresses[0].as_str())
        };
        store.add_user(&first).await.expect("added");
        let mut model = Model::default();
        let known = User {
            at: Some(0),
            version: 0,
            password: Some(0),
            is_disabled: false,
            roles: first.user.roles,
            last_link: None,
            last_session: None,
            moved_at: None,
        };
        model.users.insert(id, known);
        Self {
            accounts: Accounts::new(store),
            flaky: FlakyStore::new(store.clone(), &script),
            script,
            addresses,
            model,
        }
    }

    pub(crate) async fn run(&mut self, step: &Step) {
        match step {
            Step::SignUp(at) => self.send(*at, AskContent::SignUp).await,
            Step::Invite(at) => {
                let roles = user("any", "any").user.roles;
                self.send(*at, AskContent::Invite { roles }).await;
            }
            Step::Forget(at) => self.send(*at, AskContent::Reset).await,
            Step::ChangeEmail(from, to) => self.request_change(*from, *to).await,
            Step::Report(which) => self.report_change(*which).await,
            Step::Use(which, new, fault) => {
                if !self.model.links.is_empty() {
                    let index = which.index(self.model.links.len());
                    self.use_link(index, *new, *fault).await;
                }
            }
            Step::Login(at) => self.log_in(*at).await,
            Step::ChangePassword(which, new, fault) => {
                self.change_password(*which, *new, *fault).await;
            }
            Step::EndOthers(which, fault) => self.end_others(*which, *fault).await,
            Step::Delete(which, fault) => self.delete(*which, *fault).await,
            Step::Operate(at, operation) => self.operate(*at, *operation).await,
            Step::Race(acts, turns) => self.race(acts, turns).await,
            Step::Pass(seconds) => self.accounts.clock.advance(Duration::from_secs(*seconds)),
        }
        self.script.reset();
        let seen = self.observe(&self.model).await;
        self.compare(&self.model, &seen).unwrap();
    }

    /// Sends the mail of an ask, and keeps its link.
    async fn send(&mut self, at: usize, content: AskContent) {
        let now = self.accounts.clock.now();
        let id = AskId::random().expect("randomness");
        let ask = Ask::new(id, self.addresses[at].clone(), content, now);
        let prepared = self
            .accounts
            .mailer
            .prepare(&self.accounts.store, &ask, now);
        let letter = prepared.await.expect("a result");
        let work = self.expected_work(at, &ask.content, now);
        match (work, letter) {
            (Some(work), Some(letter)) => {
                let link = link(&letter);
                let token = link.token.expose().to_owned();
                // Two requests of one second for the same state get the same link.
                if self.model.links.iter().all(|sent| sent.token != token) {
                    self.model.links.push(Link {
                        token,
                        work,
                        issued_at: now,
                        expires_at: link.expires_at,
                    });
                }
            }
            (None, None) => {}
            (None, Some(letter)) => {
                assert_eq!(letter.content, LetterContent::AlreadyRegistered);
            }
            (Some(work), None) => panic!("no letter for {work:?}"),
        }
    }

    /// Returns what the link of a mail will do; `None` if there is no link.
    fn expected_work(&self, at: usize, content: &AskContent, now: UnixTime) -> Option<Work> {
        let found = self.model.user_at(at);
        match content {
            AskContent::SignUp => match found {
                None if !self.model.is_held(at, None, now) => Some(Work::SignUp(at)),
                _ => None,
            },
            AskContent::Invite { .. } => {
                let is_free = found.is_none() && !self.model.is_held(at, None, now);
                is_free.then_some(Work::Invite(at))
            }
            AskContent::Reset => found
                .filter(|(_, user)| !user.is_disabled)
                .map(|(id, user)| Work::Reset {
                    at,
                    user_id: id.clone(),
                    version: user.version,
                }),
            AskContent::Email(change) => self.change(change).and_then(|change| {
                let is_possible = self.model.user_at(change.to).is_none()
                    && !self.model.is_held(change.to, Some(&change.user_id), now)
                    && !self.model.users[&change.user_id].is_disabled;
                is_possible.then_some(Work::Email(change))
            }),
            AskContent::EmailRequested(change) | AskContent::EmailChanged(change) => {
                self.change(change).map(Work::Undo)
            }
            other => panic!("the model does not send {other:?}"),
        }
    }

    /// Returns a change in the words of the model.
    fn change(&self, change: &EmailChange) -> Option<Change> {
        let find = |email| self.addresses.iter().position(|address| address == email);
        Some(Change {
            user_id: change.user_id.clone(),
            version: change.version,
            from: find(&change.from)?,
            to: find(&change.to)?,
        })
    }

    /// Sends both links of a change, as a signed-in user who knows the password.
    async fn request_change(&mut self, from: usize, to: usize) {
        let now = self.accounts.clock.now();
        let Some((id, user)) = self.model.user_at(from) else {
            return;
        };
        let is_settled = user.moved_at.is_none_or(|moved_at| now >= moved_at + HOLD);
        if from == to || user.is_disabled || !is_settled {
            return;
        }
        let change = EmailChange {
            user_id: id.clone(),
            version: user.version,
            from: self.addresses[from].clone(),
            to: self.addresses[to].clone(),
        };
        self.send(to, AskContent::Email(change.clone())).await;
        self.send(from, AskContent::EmailRequested(change)).await;
    }

    /// Sends the notice of a confirmed change to the old address, perhaps late.
    async fn report_change(&mut self, which: Index) {
        if self.model.moves.is_empty() {
            return;
        }
        let change = self.model.moves[which.index(self.model.moves.len())].clone();
        let content = AskContent::EmailChanged(EmailChange {
            user_id: change.user_id,
            version: change.version,
            from: self.addresses[change.from].clone(),
            to: self.addresses[change.to].clone(),
        });
        self.send(change.from, content).await;
    }

    fn fail(&self, fault: Fault) {
        match fault {
            Some((call, failure)) => self.script.fail_after(call, failure),
            None => self.script.reset(),
        }
    }

    /// Uses a link, and then once more, as a client that has lost the response.
    async fn use_link(&mut self, index: usize, new: usize, fault: Fault) {
        let now = self.accounts.clock.now();
        let effect = self.model.effect(index, new, now);
        self.fail(fault);
        let first = self.follow(index, new).await;
        let is_expected = first.is_ok() == (effect != Effect::None);
        assert!(
            is_expected || self.script.failed().is_some() || is_full(&first),
            "{first:?}, {effect:?}"
        );
        self.script.reset();
        match (self.follow(index, new).await, effect) {
            (Ok(id), Effect::New) => self.apply(index, new, &id).await,
            (Ok(_), Effect::Repeat) | (Err(SelfServiceError::InvalidLink(_)), Effect::None) => {}
            (result, Effect::Repeat | Effect::None) if is_full(&result) => {}
            (result, effect) => panic!("{result:?}, expected {effect:?}"),
        }
    }

    async fn follow(&self, index: usize, new: usize) -> Result<String, SelfServiceError> {
        self.follow_on(&self.flaky, index, new).await
    }

    pub(crate) async fn follow_on(
        &self,
        store: &FlakyStore<S>,
        index: usize,
        new: usize,
    ) -> Result<String, SelfServiceError> {
        let link = &self.model.links[index];
        let (flows, new) = (&self.accounts.flows, password(PASSWORDS[new]));
        match link.work {
            Work::SignUp(_) | Work::Invite(_) => {
                flows.confirm_sign_up(store, &link.token, &new).await
            }
            Work::Reset { .. } => flows.reset_password(store, &link.token, &new).await,
            Work::Email(_) => flows.confirm_email(store, &link.token).await,
            Work::Undo(_) => flows.undo_email(store, &link.token).await,
        }
    }

    /// Records that a link has done its work for a user.
    async fn apply(&mut self, index: usize, new: usize, id: &str) {
        let now = self.accounts.clock.now();
        let version = match self.added_at(index) {
            Some(at) => self.accounts.version(&self.addresses[at]).await,
            None => Some(0),
        };
        let user = (id, version.expect("the user"));
        let roles = self.roles(index);
        self.model.apply_link(index, new, user, roles, now);
    }

    /// Returns the address at which a link adds a user, if it does.
    pub(crate) fn added_at(&self, index: usize) -> Option<usize> {
        match self.model.links[index].work {
            Work::SignUp(at) | Work::Invite(at) => Some(at),
            Work::Reset { .. } | Work::Email(_) | Work::Undo(_) => None,
        }
    }

    /// Returns the roles of a user whom a link adds.
    pub(crate) fn roles(&self, index: usize) -> Vec<Role> {
        match self.model.links[index].work {
            Work::SignUp(_) => sign_up_roles(),
            _ => user("any", "any").user.roles,
        }
    }

    async fn log_in(&mut self, at: usize) {
        let Some((id, user)) = self.model.user_at(at) else {
            return;
        };
        if user.is_disabled || user.password.is_none() {
            return;
        }
        let (user_id, version) = (id.clone(), user.version);
        let issued = self.accounts.begin(&self.addresses[at]).await;
        self.model.sessions.push(Session {
            issued,
            user_id,
            at,
            version,
            is_revoked: false,
        });
    }

    /// Returns a session that the live guard accepts, with its user.
    async fn signed_in(&self, which: Index) -> Option<(usize, LiveUser)> {
        let sessions = &self.model.sessions;
        let index = (!sessions.is_empty()).then(|| which.index(sessions.len()))?;
        self.accepted(index).await
    }

    /// Returns a session with its user, if the live guard accepts it.
    pub(crate) async fn accepted(&self, index: usize) -> Option<(usize, LiveUser)> {
        let issued = &self.model.sessions[index].issued;
        let live = self.accounts.guard(issued).await;
        Some((index, live.ok()?))
    }

    async fn change_password(&mut self, which: Index, new: usize, fault: Fault) {
        let Some((index, caller)) = self.signed_in(which).await else {
            return;
        };
        let id = self.model.sessions[index].user_id.clone();
        let current = self.model.users[&id].password.expect("a password");
        let (current, text) = (password(PASSWORDS[current]), password(PASSWORDS[new]));
        let (flows, network) = (&self.accounts.flows, network());
        self.fail(fault);
        let mut changed = flows
            .change_password(&self.flaky, &caller, &network, &current, &text)
            .await;
        self.script.reset();
        if matches!(changed, Err(SelfServiceError::Repository(_))) {
            let issued = &self.model.sessions[index].issued;
            changed = if let Ok(caller) = self.accounts.guard(issued).await {
                let again = flows.change_password(&self.flaky, &caller, &network, &current, &text);
                again.await
            } else {
                let caller = self.accounts.token_user(issued).await;
                flows
                    .check_password_changed(&self.flaky, &caller, &text)
                    .await
            };
        }
        match changed {
            Ok(()) => self.model.set_password(index, new),
            // Attempts whose reservation was lost count for a while.
            Err(SelfServiceError::TooManyAttempts { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn end_others(&mut self, which: Index, fault: Fault) {
        let Some((index, caller)) = self.signed_in(which).await else {
            return;
        };
        self.fail(fault);
        let ended = self
            .accounts
            .flows
            .end_other_sessions(&self.flaky, &caller)
            .await;
        let is_done = match (&ended, self.script.failed()) {
            (Ok(()), None) => true,
            (Err(SelfServiceError::Repository(_)), Some((_, failure))) => {
                failure == bundle_tests::flaky::Failure::Lost
            }
            _ => panic!("{ended:?}"),
        };
        if is_done {
            self.model.end_others(index);
        }
    }

    async fn delete(&mut self, which: Index, fault: Fault) {
        let Some((index, caller)) = self.signed_in(which).await else {
            return;
        };
        let now = self.accounts.clock.now();
        let id = self.model.sessions[index].user_id.clone();
        let known = &self.model.users[&id];
        let is_settled = self.model.is_settled(&id, now);
        let text = password(PASSWORDS[known.password.expect("a password")]);
        let (flows, network) = (&self.accounts.flows, network());
        self.fail(fault);
        let mut deleted = flows
            .delete_account(&self.flaky, &caller, &network, &text)
            .await;
        self.script.reset();
        if matches!(deleted, Err(SelfServiceError::Repository(_))) {
            let issued = &self.model.sessions[index].issued;
            deleted = if let Ok(caller) = self.accounts.guard(issued).await {
                flows
                    .delete_account(&self.flaky, &caller, &network, &text)
                    .await
            } else {
                let caller = self.accounts.token_user(issued).await;
                flows.check_account_deleted(&self.flaky, &caller).await
            };
        }
        match deleted {
            Ok(()) if is_settled => self.model.leave(&id, now, now + HOLD, Some(index)),
            Err(SelfServiceError::ChangedRecently) if !is_settled => {}
            Err(SelfServiceError::TooManyAttempts { .. }) => {}
            result => panic!("{result:?}, settled: {is_settled}"),
        }
    }

    async fn operate(&mut self, at: usize, operation: Operation) {
        let now = self.accounts.clock.now();
        let Some((id, _)) = self.model.user_at(at) else {
            return;
        };
        let id = id.clone();
        self.operate_on_store(at, operation).await.expect("changed");
        self.model.operate(&id, operation, now);
    }

    pub(crate) async fn operate_on_store(
        &self,
        at: usize,
        operation: Operation,
    ) -> Result<(), DirectoryError> {
        let (store, email) = (&self.accounts.store, &self.addresses[at]);
        let change = match operation {
            Operation::Disable => UserChange::Disabled(true),
            Operation::Enable => UserChange::Disabled(false),
            Operation::RemoveRoles => UserChange::Roles(vec![]),
            Operation::EndSessions => UserChange::EndSessions,
            Operation::Delete => {
                return store.delete_user(email, self.accounts.clock.now()).await;
            }
        };
        store.change_user(email, change).await.map(drop)
    }
}

/// Returns whether wrong passwords, or attempts whose reservation was lost, have filled a counter.
pub(crate) fn is_full<T>(result: &Result<T, SelfServiceError>) -> bool {
    matches!(result, Err(SelfServiceError::TooManyAttempts { .. }))
}
