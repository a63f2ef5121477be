//! Runs steps, and compares every result and everything stored with the model.

use std::{cell::RefCell, collections::HashMap, time::Duration};

use auth_core::{
    AskContent, DirectoryError, Email, Role, SelfServiceError, StoredUser, UserChange,
};
use bundle_tests::{
    accounts::{Accounts, CheapHasher, PASSWORDS, password, sign_up_roles},
    flaky::{FlakyStore, Script},
    store::{TestStore, email, user},
};

use super::{
    expected::{Effect, Model, User, Work},
    steps::{ADDRESSES, Fault, Operation, PASSWORD_COUNT, Step},
};

pub(crate) struct World<S> {
    pub(crate) accounts: Accounts<S>,
    pub(super) script: Script,
    pub(super) flaky: FlakyStore<S>,
    pub(crate) addresses: [Email; ADDRESSES],
    pub(crate) model: Model,
    /// Which passwords match each hash that was seen.
    pub(super) checked: RefCell<HashMap<String, [bool; PASSWORD_COUNT]>>,
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
            checked: RefCell::default(),
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
        if step.only_sends() {
            return;
        }
        let seen = self.observe(&self.model).await;
        self.compare(&self.model, &seen).unwrap();
    }

    /// Makes a call to the store fail.
    pub(super) fn fail(&self, fault: Fault) {
        match fault {
            Some((call, failure)) => self.script.fail_after(call, failure),
            None => self.script.reset(),
        }
    }

    /// Uses a link twice, like a client that has lost the first response.
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
