//! What signed-in users do.

use auth_core::{LiveUser, SelfServiceError};
use bundle_tests::{
    accounts::{PASSWORDS, network, password},
    flaky::Failure,
    store::TestStore,
};
use proptest::sample::Index;

use super::{
    expected::{HOLD, Session},
    steps::Fault,
    world::World,
};

impl<S: TestStore> World<S> {
    pub(super) async fn log_in(&mut self, at: usize) {
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

    pub(super) async fn change_password(&mut self, which: Index, new: usize, fault: Fault) {
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

    pub(super) async fn end_others(&mut self, which: Index, fault: Fault) {
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
            (Err(SelfServiceError::Repository(_)), Some((_, failure))) => failure == Failure::Lost,
            _ => panic!("{ended:?}"),
        };
        if is_done {
            self.model.end_others(index);
        }
    }

    pub(super) async fn delete(&mut self, which: Index, fault: Fault) {
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
}
