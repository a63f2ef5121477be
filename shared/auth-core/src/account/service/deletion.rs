//! The deletion of an account by its user.

use super::{HashPassword, MAX_TRIES, SelfService, SelfServiceError, error::keeps_changing};
use crate::{
    account::{AccountRepository, ActionMark, Ask, AskContent, HOLD, HeldAddress, HeldRepository},
    attempt::AttemptRepository,
    network::SourceNetwork,
    password::Password,
    session::LiveUser,
    user::{Email, LoggedUser},
};

/// Names the mark of a deletion in a session.
const PURPOSE: &str = "deletion";

impl<H: HashPassword> SelfService<H> {
    /// Deletes the caller, who knows the password, and holds the address. The same request in the same session succeeds
    /// again.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::WrongPassword`], [`SelfServiceError::TooManyAttempts`] or [`SelfServiceError::Ended`] if the
    /// caller is rejected; [`SelfServiceError::ChangedRecently`] after a change of the
    /// address; [`SelfServiceError::Repository`], [`SelfServiceError::Hashing`] or [`SelfServiceError::Signing`] otherwise.
    pub async fn delete_account(
        &self,
        store: &(impl AccountRepository + AttemptRepository),
        caller: &LiveUser,
        network: &SourceNetwork,
        password: &Password,
    ) -> Result<(), SelfServiceError> {
        let (email, now) = (&caller.session().email, self.clock.now());
        let session = &caller.session().id;
        let mark = self.tokens.session_mark(PURPOSE, session).await?;
        let account = match self.check_current(store, caller, network, password).await {
            // The same request may have been sent twice, and the other copy came first.
            Err(SelfServiceError::Ended) => return check_mark(store, email, &mark).await,
            checked => checked?,
        };
        account.check_settled(now)?;
        let hold = HeldAddress {
            user_id: account.stored.user.id.clone(),
            since: now,
            until: now + HOLD,
            current: None,
            version: None,
            last_action: Some(mark.clone()),
            expires_at: now + HOLD,
        };
        let notice = Ask::notice(&mark, email.clone(), AskContent::AccountDeleted, now);
        let mut current = Some(account);
        for _ in 0..MAX_TRIES {
            let Some(account) = current.filter(|account| caller.is_still(account)) else {
                return check_mark(store, email, &mark).await;
            };
            if store.delete_account(&account, &hold, &notice).await? {
                return Ok(());
            }
            current = store.find_account(email).await?;
        }
        Err(keeps_changing())
    }

    /// Checks that the user was deleted in this session, for a client that repeats the request because the response was
    /// lost: the live guard refuses it now, because there is no user.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Ended`] if the user was not deleted in this session.
    pub async fn check_account_deleted(
        &self,
        store: &impl HeldRepository,
        caller: &LoggedUser,
    ) -> Result<(), SelfServiceError> {
        let email = Email::parse(caller.email()).map_err(|_| SelfServiceError::Ended)?;
        let mark = self
            .tokens
            .session_mark(PURPOSE, caller.session_id())
            .await?;
        check_mark(store, &email, &mark).await
    }
}

/// Checks that the user of an address was deleted with this mark.
async fn check_mark(
    store: &impl HeldRepository,
    email: &Email,
    mark: &ActionMark,
) -> Result<(), SelfServiceError> {
    let held = store.find_held(email).await?;
    let is_own = held.is_some_and(|held| held.last_action.as_ref() == Some(mark));
    is_own.then_some(()).ok_or(SelfServiceError::Ended)
}
