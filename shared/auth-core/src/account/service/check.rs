//! Checks stored state and passwords. Each check of a password is counted.

use super::{HashPassword, InvalidLink, SelfService, SelfServiceError};
use crate::{
    account::{Account, AccountRepository, ActionMark, HOLD},
    attempt::{AttemptRepository, Counter, Outcome, Reservation},
    network::SourceNetwork,
    password::Password,
    session::LiveUser,
    time::UnixTime,
    user::Email,
};

impl Account {
    /// Returns whether the user is enabled and has this version.
    pub(super) fn is_enabled_at(&self, version: u64) -> bool {
        !self.stored.user.disabled && self.stored.user.version == version
    }

    /// Checks that the address was not changed recently.
    pub(super) fn check_settled(&self, now: UnixTime) -> Result<(), SelfServiceError> {
        let is_settled = |moved_at: UnixTime| now >= moved_at + HOLD;
        self.moved_at
            .is_none_or(is_settled)
            .then_some(())
            .ok_or(SelfServiceError::ChangedRecently)
    }
}

impl LiveUser {
    /// Returns whether the session of the request is still one of this user.
    pub(super) fn is_still(&self, account: &Account) -> bool {
        self.session().belongs_to(&account.stored.user) && !account.stored.user.disabled
    }
}

impl<H: HashPassword> SelfService<H> {
    /// Checks that an earlier request with this mark and this password was written. The check is counted, because it
    /// reveals whether a password is right.
    pub(super) async fn check_repeated(
        &self,
        store: &(impl AccountRepository + AttemptRepository),
        email: &Email,
        password: &Password,
        mark: &ActionMark,
        now: UnixTime,
    ) -> Result<Account, SelfServiceError> {
        let found = store.find_account(email).await?;
        let is_own = |account: &Account| {
            account.last_action.as_ref() == Some(mark) && !account.stored.user.disabled
        };
        let account = found.filter(is_own).ok_or(InvalidLink::Changed)?;
        let counter = self
            .attempts
            .link_counter(email, mark.as_str(), now)
            .await?;
        if self
            .check_counted(store, &counter, &account, password, now)
            .await?
        {
            return Ok(account);
        }
        Err(InvalidLink::Changed.into())
    }

    /// Checks the current password of a signed-in user, and counts the attempt. Returns the user as stored now.
    pub(super) async fn check_current(
        &self,
        store: &(impl AccountRepository + AttemptRepository),
        caller: &LiveUser,
        network: &SourceNetwork,
        password: &Password,
    ) -> Result<Account, SelfServiceError> {
        let (session, now) = (caller.session(), self.clock.now());
        let found = store.find_account(&session.email).await?;
        let is_current = |account: &Account| caller.is_still(account);
        let account = found.filter(is_current).ok_or(SelfServiceError::Ended)?;
        let attempt = self
            .attempts
            .begin_in_session(&session.email, &session.id, network, now);
        let (counter, network) = attempt.await?;
        if self
            .check_counted(store, &counter, &account, password, now)
            .await?
        {
            return Ok(account);
        }
        store.add_network_failure(&network).await?;
        Err(SelfServiceError::WrongPassword)
    }

    /// Reserves an attempt, checks the password, and settles the attempt.
    async fn check_counted(
        &self,
        store: &impl AttemptRepository,
        counter: &Counter,
        account: &Account,
        password: &Password,
        now: UnixTime,
    ) -> Result<bool, SelfServiceError> {
        let reservation = Reservation::new(store, &self.attempts, counter, now).await?;
        let hash = &account.stored.password_hash;
        let verified = self.hasher.verify(password, hash).await;
        let outcome = match verified {
            Ok(true) => Outcome::Succeeded,
            Ok(false) => Outcome::Failed,
            Err(_) => Outcome::Released,
        };
        let settled = reservation.settle(outcome).await;
        let is_right = verified?;
        // No response may reveal that a password is wrong unless that was counted. If the attempt for a right one is
        // not settled, its ticket expires.
        if !is_right {
            settled?;
        }
        Ok(is_right)
    }
}
