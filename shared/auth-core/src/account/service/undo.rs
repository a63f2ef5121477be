//! Undoes a change of the address with a link sent to the old one.

use super::{
    HashPassword, InvalidLink, SelfService, SelfServiceError,
    email::{check_moved, moved},
    error::keeps_changing,
};
use crate::{
    account::{
        AccountRepository, Action, ActionKind, ActionMark, Ask, AskContent, EmailChange,
        HeldAddress, MoveKind, Relocation,
    },
    password::PasswordHash,
    time::UnixTime,
    user::Email,
};

/// How often an undo is tried. A thief who is signed in may keep changing the user to prevent it.
const MAX_UNDO_TRIES: u32 = 16;

impl<H: HashPassword> SelfService<H> {
    /// Undoes the change of a link of the kind [`ActionKind::Undo`], and returns the user's id. Before the change is
    /// confirmed, raises the user's version, which makes the other link invalid. Afterwards, while the old address is
    /// held for a change that was requested at the same version, moves the user back and removes the password. Ends all
    /// sessions. The same link succeeds again.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::InvalidLink`] if the link does nothing; [`SelfServiceError::Repository`] if the store fails, or
    /// other requests keep changing the user; [`SelfServiceError::Hashing`] or [`SelfServiceError::Signing`] otherwise.
    pub async fn undo_email(
        &self,
        store: &impl AccountRepository,
        token: &str,
    ) -> Result<String, SelfServiceError> {
        let now = self.clock.now();
        let verified = self.tokens.verify(token, &[ActionKind::Undo], now).await?;
        let Action::Undo(change) = verified.action else {
            return Err(InvalidLink::Forged.into());
        };
        let (user_id, from, mark) = (&change.user_id, &change.from, verified.mark);
        for _ in 0..MAX_UNDO_TRIES {
            let found = store.find_account(from).await?;
            let is_done = match found {
                Some(account) if account.stored.user.id != *user_id => {
                    return Err(InvalidLink::Held.into());
                }
                Some(account) if account.last_action.as_ref() == Some(&mark) => true,
                Some(account) if account.stored.user.version != change.version => {
                    return Err(InvalidLink::Changed.into());
                }
                Some(_) => {
                    store
                        .raise_version(from, user_id, change.version, &mark)
                        .await?
                }
                None => restore(store, &change, &mark, now).await?,
            };
            if is_done {
                return Ok(change.user_id);
            }
        }
        Err(keeps_changing())
    }
}

/// Moves a user back to the address that is held. Returns whether this or another request with the link did so; if not,
/// something else about the user has changed in between.
async fn restore(
    store: &impl AccountRepository,
    change: &EmailChange,
    mark: &ActionMark,
    now: UnixTime,
) -> Result<bool, SelfServiceError> {
    let held = store.find_held(&change.from).await?;
    let is_bound = |held: &HeldAddress| {
        held.user_id == change.user_id && held.version == Some(change.version) && !held.is_over(now)
    };
    let current = held.filter(is_bound).and_then(|held| held.current);
    let found = match &current {
        Some(current) => store.find_account(current).await?,
        None => None,
    };
    let found = found.filter(|account| account.stored.user.id == change.user_id);
    let Some((current, account)) = current.zip(found) else {
        return check_moved(store, &change.from, &change.user_id, mark)
            .await
            .map(|_| true);
    };
    let mut to = moved(&account, &change.from, mark);
    to.stored.password_hash = PasswordHash::unmatchable()?;
    let notice = |email: &Email, content| Ask::notice(mark, email.clone(), content, now);
    let notices = vec![
        notice(&change.from, AskContent::EmailRestored),
        // Not `change.to`: the user may have confirmed another change that was requested at the same version.
        notice(&current, AskContent::EmailUndone(change.clone())),
    ];
    let relocation = Relocation {
        from: account,
        to,
        kind: MoveKind::Undone,
        notices,
    };
    Ok(store.move_account(&relocation, now).await?)
}
