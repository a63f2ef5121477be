//! Passwords: reset with a link, or changed by a signed-in user.

use super::{HashPassword, InvalidLink, SelfService, SelfServiceError};
use crate::{
    account::{
        Account, AccountRepository, Action, ActionKind, ActionMark, Ask, AskContent, NewPassword,
    },
    attempt::{AttemptDirectory, AttemptRepository},
    network::SourceNetwork,
    password::Password,
    session::LiveUser,
    time::UnixTime,
    user::{Email, LoggedUser},
};

/// Names the mark of a password change in a session.
const PURPOSE: &str = "password";

impl<H: HashPassword> SelfService<H> {
    /// Sets the password of the user of a link of the kind [`ActionKind::Reset`], ends all sessions, and clears the
    /// counters of the address. Returns the user's id. The same link with the same password succeeds again.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError`]; the link stays valid unless it is [`SelfServiceError::InvalidLink`].
    pub async fn reset_password(
        &self,
        store: &(impl AccountRepository + AttemptRepository + AttemptDirectory),
        token: &str,
        password: &Password,
    ) -> Result<String, SelfServiceError> {
        let now = self.clock.now();
        let verified = self.tokens.verify(token, &[ActionKind::Reset], now).await?;
        let Action::Reset {
            email,
            user_id,
            version,
        } = verified.action
        else {
            return Err(InvalidLink::Forged.into());
        };
        self.rules.policy.check(password, email.as_str())?;
        let found = store.find_account(&email).await?;
        let found = found.filter(|account| account.stored.user.id == user_id);
        let is_bound = |account: &Account| account.is_enabled_at(version);
        if !found.as_ref().is_some_and(is_bound)
            || !self
                .set_password(
                    store,
                    (&email, &user_id, version),
                    password,
                    &verified.mark,
                    now,
                )
                .await?
        {
            self.check_repeated(store, &email, password, &verified.mark, now)
                .await?;
        }
        self.clear_counters(store, &email, now).await?;
        Ok(user_id)
    }

    /// Sets the password of a signed-in user who knows the current one, and ends all sessions. The same request in the
    /// same session succeeds again.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Password`] if the policy refuses the new password, before the current one is checked;
    /// [`SelfServiceError::WrongPassword`], [`SelfServiceError::TooManyAttempts`] or [`SelfServiceError::Ended`] if the
    /// caller is rejected; [`SelfServiceError::Repository`], [`SelfServiceError::Hashing`] or
    /// [`SelfServiceError::Signing`] otherwise.
    pub async fn change_password(
        &self,
        store: &(impl AccountRepository + AttemptRepository),
        caller: &LiveUser,
        network: &SourceNetwork,
        current: &Password,
        new: &Password,
    ) -> Result<(), SelfServiceError> {
        let (email, now) = (&caller.session().email, self.clock.now());
        self.rules.policy.check(new, email.as_str())?;
        let session = &caller.session().id;
        let mark = self.tokens.session_mark(PURPOSE, session).await?;
        let account = match self.check_current(store, caller, network, current).await {
            // The same request may have been sent twice, and the other copy came first.
            Err(SelfServiceError::Ended) => {
                return self.check_changed(store, email, new, &mark).await;
            }
            checked => checked?,
        };
        let user = &account.stored.user;
        let bound = (email, user.id.as_str(), user.version);
        if self.set_password(store, bound, new, &mark, now).await? {
            return Ok(());
        }
        self.check_changed(store, email, new, &mark).await
    }

    /// Checks that a request to change the password was made in this session and succeeded, for a client that repeats it
    /// because the response was lost: the live guard refuses it now, because its session has ended.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Ended`] if it did not succeed with this password.
    pub async fn check_password_changed(
        &self,
        store: &(impl AccountRepository + AttemptRepository),
        caller: &LoggedUser,
        new: &Password,
    ) -> Result<(), SelfServiceError> {
        let email = Email::parse(caller.email()).map_err(|_| SelfServiceError::Ended)?;
        let mark = self
            .tokens
            .session_mark(PURPOSE, caller.session_id())
            .await?;
        self.check_changed(store, &email, new, &mark).await
    }

    async fn check_changed(
        &self,
        store: &(impl AccountRepository + AttemptRepository),
        email: &Email,
        new: &Password,
        mark: &ActionMark,
    ) -> Result<(), SelfServiceError> {
        let now = self.clock.now();
        let repeated = self.check_repeated(store, email, new, mark, now).await;
        repeated.map(drop).map_err(|error| match error {
            SelfServiceError::InvalidLink(_) => SelfServiceError::Ended,
            error => error,
        })
    }

    /// Hashes and stores a password of a user with this address, id and version, and returns whether it did.
    async fn set_password(
        &self,
        store: &impl AccountRepository,
        (email, user_id, version): (&Email, &str, u64),
        password: &Password,
        mark: &ActionMark,
        now: UnixTime,
    ) -> Result<bool, SelfServiceError> {
        let change = NewPassword {
            email: email.clone(),
            user_id: user_id.to_owned(),
            version,
            hash: self.hasher.hash(password).await?,
            mark: mark.clone(),
            notice: Ask::notice(mark, email.clone(), AskContent::PasswordChanged, now),
        };
        Ok(store.set_password(&change).await?)
    }

    /// Clears the counters of the address, so that failures before the reset do not block the login after it.
    async fn clear_counters(
        &self,
        store: &impl AttemptDirectory,
        email: &Email,
        now: UnixTime,
    ) -> Result<(), SelfServiceError> {
        for counter in self.attempts.counters(email, now).await? {
            store.clear_attempts(&counter).await?;
        }
        Ok(())
    }
}
