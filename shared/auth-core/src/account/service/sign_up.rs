//! Sign-ups and invitations: a user is added when the link is used, never before.

use super::{HashPassword, InvalidLink, SelfService, SelfServiceError};
use crate::{
    account::{Account, AccountRepository, Action, ActionKind, ActionMark},
    attempt::AttemptRepository,
    failure::SigningError,
    id::random_id,
    password::Password,
    user::{Email, Role, StoredUser, User},
};

impl<H: HashPassword> SelfService<H> {
    /// Adds the user of a link of the kind [`ActionKind::SignUp`] or [`ActionKind::Invite`], with this password, and
    /// returns the user's id. The same link with the same password succeeds again.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError`]; the link stays valid unless it is [`SelfServiceError::InvalidLink`].
    pub async fn confirm_sign_up(
        &self,
        store: &(impl AccountRepository + AttemptRepository),
        token: &str,
        password: &Password,
    ) -> Result<String, SelfServiceError> {
        let now = self.clock.now();
        let kinds = if self.rules.is_sign_up_open {
            &[ActionKind::SignUp, ActionKind::Invite][..]
        } else {
            // Links that were sent before sign-up was closed do nothing.
            &[ActionKind::Invite]
        };
        let verified = self.tokens.verify(token, kinds, now).await?;
        let (email, roles) = match verified.action {
            Action::SignUp { email } => (email, self.rules.sign_up_roles.clone()),
            Action::Invite { email, roles } => (email, roles),
            Action::Reset { .. } | Action::Email(_) | Action::Undo(_) => {
                return Err(InvalidLink::Forged.into());
            }
        };
        self.rules.policy.check(password, email.as_str())?;
        let mark = verified.mark;
        if store.find_account(&email).await?.is_none() {
            let held = store.find_held(&email).await?;
            if held.is_some_and(|held| !held.allows_link(verified.issued_at, now)) {
                return Err(InvalidLink::Held.into());
            }
            let account = self.new_account(&email, roles, password, &mark).await?;
            if store
                .create_account(&account, verified.issued_at, now)
                .await?
            {
                return Ok(account.stored.user.id);
            }
        }
        let account = self
            .check_repeated(store, &email, password, &mark, now)
            .await?;
        Ok(account.stored.user.id)
    }

    async fn new_account(
        &self,
        email: &Email,
        roles: Vec<Role>,
        password: &Password,
        mark: &ActionMark,
    ) -> Result<Account, SelfServiceError> {
        let no_randomness = SigningError::Unavailable;
        Ok(Account {
            stored: StoredUser {
                user: User {
                    id: random_id().ok_or(no_randomness)?,
                    email: email.to_string(),
                    disabled: false,
                    version: User::first_version().ok_or(no_randomness)?,
                    roles,
                },
                password_hash: self.hasher.hash(password).await?,
            },
            last_action: Some(mark.clone()),
            moved_at: None,
        })
    }
}
