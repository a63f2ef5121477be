//! Changes of the address: requested with the password, and confirmed with a link sent to the new address.

use super::{
    HashPassword, InvalidLink, MAX_TRIES, SelfService, SelfServiceError, error::keeps_changing,
};
use crate::{
    account::{
        Account, AccountRepository, Action, ActionKind, ActionMark, Ask, AskContent, AskId,
        AskRepository, Asked, EmailChange, HOLD, HeldAddress, LetterContent, MoveKind, Relocation,
    },
    attempt::AttemptRepository,
    network::SourceNetwork,
    password::Password,
    session::LiveUser,
    time::UnixTime,
    user::Email,
};

impl<H: HashPassword> SelfService<H> {
    /// Asks for an email to the new address with a link that confirms it, and for a notice to the old address with a
    /// link that undoes the change. Does nothing if the new address is the old one.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::WrongPassword`], [`SelfServiceError::TooManyAttempts`] or [`SelfServiceError::Ended`] if the
    /// caller is rejected; [`SelfServiceError::ChangedRecently`] after another change;
    /// [`SelfServiceError::Repository`], [`SelfServiceError::Hashing`] or [`SelfServiceError::Signing`] otherwise.
    pub async fn ask_email_change(
        &self,
        store: &(impl AccountRepository + AttemptRepository + AskRepository),
        caller: &LiveUser,
        network: &SourceNetwork,
        new: &Email,
        password: &Password,
    ) -> Result<Asked, SelfServiceError> {
        let now = self.clock.now();
        let account = self.check_current(store, caller, network, password).await?;
        account.check_settled(now)?;
        let change = EmailChange {
            user_id: account.stored.user.id,
            version: account.stored.user.version,
            from: caller.session().email.clone(),
            to: new.clone(),
        };
        if change.from == change.to {
            return Ok(Asked::Throttled);
        }
        let mails = [
            (change.to.clone(), AskContent::Email(change.clone())),
            (change.from.clone(), AskContent::EmailRequested(change)),
        ];
        let (asks, limits) = self
            .attempts
            .prepare_asks(mails, Some(network), now)
            .await?;
        Ok(store.put_asks(&asks, &limits, now).await?)
    }

    /// Moves the user of a link of the kind [`ActionKind::Email`] to the new address, holds the old one, and ends all
    /// sessions. Returns the user's id. The same link succeeds again.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::InvalidLink`] if the link does nothing; [`SelfServiceError::Repository`] if the store fails, or
    /// other requests keep changing the user; [`SelfServiceError::Signing`] without keys.
    pub async fn confirm_email(
        &self,
        store: &impl AccountRepository,
        token: &str,
    ) -> Result<String, SelfServiceError> {
        let now = self.clock.now();
        let verified = self.tokens.verify(token, &[ActionKind::Email], now).await?;
        let Action::Email(change) = verified.action else {
            return Err(InvalidLink::Forged.into());
        };
        let mark = verified.mark;
        for _ in 0..MAX_TRIES {
            let found = store.find_account(&change.from).await?;
            let Some(account) = found.filter(|account| account.is_bound_to(&change)) else {
                return check_moved(store, &change.to, &change.user_id, &mark).await;
            };
            let held = store.find_held(&change.to).await?;
            if held.is_some_and(|held| !held.is_free_for(Some(&change.user_id), now)) {
                return Err(InvalidLink::Held.into());
            }
            if store.find_account(&change.to).await?.is_some() {
                // Another request with this link may have come first.
                return check_moved(store, &change.to, &change.user_id, &mark).await;
            }
            let relocation = confirmed(account, &change, &mark, now);
            if store.move_account(&relocation, now).await? {
                return Ok(change.user_id);
            }
        }
        Err(keeps_changing())
    }
}

/// Returns the move of a confirmed change.
fn confirmed(
    account: Account,
    change: &EmailChange,
    mark: &ActionMark,
    now: UnixTime,
) -> Relocation {
    let content = AskContent::EmailChanged(change.clone());
    Relocation {
        to: Account {
            moved_at: Some(now),
            ..moved(&account, &change.to, mark)
        },
        from: account,
        kind: MoveKind::Confirmed {
            hold: HeldAddress {
                user_id: change.user_id.clone(),
                since: now,
                until: now + HOLD,
                current: Some(change.to.clone()),
                version: Some(change.version),
                last_action: None,
                expires_at: now + HOLD,
            },
        },
        notices: vec![
            Ask::notice(mark, change.from.clone(), content.clone(), now),
            Ask::new(
                AskId::notice(mark, LetterContent::EmailConfirmed.name()),
                change.to.clone(),
                content,
                now,
            ),
        ],
    }
}

impl Account {
    /// Returns whether a change of the address can be confirmed.
    fn is_bound_to(&self, change: &EmailChange) -> bool {
        self.stored.user.id == change.user_id && self.is_enabled_at(change.version)
    }
}

/// Returns a user with another address and the next version.
pub(super) fn moved(account: &Account, to: &Email, mark: &ActionMark) -> Account {
    let mut moved = account.clone();
    moved.stored.user.email = to.to_string();
    moved.stored.user.version += 1;
    moved.last_action = Some(mark.clone());
    moved.moved_at = None;
    moved
}

/// Checks that an earlier request with this mark was written: the user with the address has it. Returns the id.
pub(super) async fn check_moved(
    store: &impl AccountRepository,
    email: &Email,
    user_id: &str,
    mark: &ActionMark,
) -> Result<String, SelfServiceError> {
    let found = store.find_account(email).await?;
    let is_own = found.is_some_and(|account| {
        account.stored.user.id == user_id && account.last_action.as_ref() == Some(mark)
    });
    is_own
        .then(|| user_id.to_owned())
        .ok_or_else(|| InvalidLink::Changed.into())
}
