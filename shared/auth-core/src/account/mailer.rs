//! Decides what an ask becomes: an email with a link, a notice, or nothing. It sends nothing itself.

use super::{Action, ActionTokens, Ask, AskContent, EmailChange, HeldRepository, Link};
use crate::{
    failure::SigningError,
    repository::RepositoryError,
    time::UnixTime,
    user::{Email, Role, User, UserRepository},
};

/// What an email says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterContent {
    /// For a sign-up: the link confirms it.
    SignUp(Link),
    /// For a sign-up with an address that has a user.
    AlreadyRegistered,
    /// For an invitation: the link accepts it.
    Invite(Link),
    /// For a forgotten password: the link sets a new one.
    Reset(Link),
    /// For the new address: the link confirms the change from this address.
    Email(Email, Link),
    /// For the old address, when a change to this address was requested: the link undoes it.
    EmailRequested(Email, Link),
    /// For the old address, after a change to this address: the link undoes it. `None` if that is no longer possible.
    EmailChanged(Email, Option<Link>),
    /// For the new address, after the change.
    EmailConfirmed,
    /// For the old address, after the change was undone and the password removed: the link sets a new password.
    EmailRestored(Link),
    /// For the new address, after the change to it from this address was undone.
    EmailUndone(Email),
    /// For a user whose password was changed.
    PasswordChanged,
    /// For a user who was deleted.
    AccountDeleted,
    /// For a user whose session ended because an old refresh token was used.
    SessionReused,
}

impl LetterContent {
    /// Returns the name of the kind, for logs and file names.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignUp(_) => "sign-up",
            Self::AlreadyRegistered => "already-registered",
            Self::Invite(_) => "invite",
            Self::Reset(_) => "reset",
            Self::Email(..) => "email",
            Self::EmailRequested(..) => "email-requested",
            Self::EmailChanged(..) => "email-changed",
            Self::EmailConfirmed => "email-confirmed",
            Self::EmailRestored(_) => "email-restored",
            Self::EmailUndone(_) => "email-undone",
            Self::PasswordChanged => "password-changed",
            Self::AccountDeleted => "account-deleted",
            Self::SessionReused => "session-reused",
        }
    }

    /// Returns the link; `None` for a notice without one.
    #[must_use]
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::SignUp(link)
            | Self::Invite(link)
            | Self::Reset(link)
            | Self::Email(_, link)
            | Self::EmailRequested(_, link)
            | Self::EmailRestored(link) => Some(link),
            Self::EmailChanged(_, link) => link.as_ref(),
            Self::AlreadyRegistered
            | Self::EmailConfirmed
            | Self::EmailUndone(_)
            | Self::PasswordChanged
            | Self::AccountDeleted
            | Self::SessionReused => None,
        }
    }
}

/// An email that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The address: in the user's own spelling if the user was looked up, as for a reset, and in lower case otherwise.
    pub to: String,
    /// What it says.
    pub content: LetterContent,
}

/// Why an ask could not be turned into an email. The same ask may succeed later.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The store failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The token of the link could not be issued.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Turns asks into emails.
#[derive(Debug, Clone)]
pub struct Mailer {
    tokens: ActionTokens,
}

impl Mailer {
    /// Returns a mailer that issues its links with `tokens`.
    #[must_use]
    pub fn new(tokens: ActionTokens) -> Self {
        Self { tokens }
    }

    /// Returns the email for an ask as of `now`; `None` if there is nothing to send, for example because the address
    /// has no user.
    ///
    /// # Errors
    ///
    /// [`MailerError`] if the store or the keys are unavailable; try the same ask again.
    pub async fn prepare(
        &self,
        store: &(impl UserRepository + HeldRepository),
        ask: &Ask,
        now: UnixTime,
    ) -> Result<Option<Letter>, MailerError> {
        let email = &ask.email;
        if now >= ask.expires_at {
            return Ok(None);
        }
        let content = match &ask.content {
            AskContent::SignUp => return self.sign_up(store, email, now).await,
            AskContent::Invite { roles } => {
                return self.invite(store, email, roles.clone(), now).await;
            }
            AskContent::Reset => return self.reset(store, email, LetterContent::Reset, now).await,
            AskContent::EmailRestored => {
                let restored = LetterContent::EmailRestored;
                return self.reset(store, email, restored, now).await;
            }
            AskContent::Email(change) => return self.email(store, change, now).await,
            AskContent::EmailRequested(change) => {
                let link = self.undo(change, now).await?;
                LetterContent::EmailRequested(change.to.clone(), link)
            }
            AskContent::EmailChanged(change) if *email == change.from => {
                // The hold starts with the change, however late this email is.
                let link = self.undo(change, ask.asked_at).await?;
                let link = (now < link.expires_at).then_some(link);
                LetterContent::EmailChanged(change.to.clone(), link)
            }
            AskContent::EmailChanged(_) => LetterContent::EmailConfirmed,
            AskContent::EmailUndone(change) => LetterContent::EmailUndone(change.from.clone()),
            AskContent::PasswordChanged => LetterContent::PasswordChanged,
            AskContent::AccountDeleted => LetterContent::AccountDeleted,
            AskContent::SessionReused => LetterContent::SessionReused,
        };
        Ok(Some(letter(email, content)))
    }

    async fn sign_up(
        &self,
        store: &(impl UserRepository + HeldRepository),
        email: &Email,
        now: UnixTime,
    ) -> Result<Option<Letter>, MailerError> {
        if let Some(user) = store.find_by_email(email).await? {
            let registered = Letter {
                to: user.email,
                content: LetterContent::AlreadyRegistered,
            };
            return Ok((!user.disabled).then_some(registered));
        }
        if !is_free(store, email, None, now).await? {
            return Ok(None);
        }
        let action = Action::SignUp {
            email: email.clone(),
        };
        let link = self.tokens.issue(action, now).await?;
        Ok(Some(letter(email, LetterContent::SignUp(link))))
    }

    async fn invite(
        &self,
        store: &(impl UserRepository + HeldRepository),
        email: &Email,
        roles: Vec<Role>,
        now: UnixTime,
    ) -> Result<Option<Letter>, MailerError> {
        let is_taken = store.find_by_email(email).await?.is_some();
        if is_taken || !is_free(store, email, None, now).await? {
            return Ok(None);
        }
        let email = email.clone();
        let action = Action::Invite {
            email: email.clone(),
            roles,
        };
        let link = self.tokens.issue(action, now).await?;
        Ok(Some(letter(&email, LetterContent::Invite(link))))
    }

    async fn reset(
        &self,
        store: &impl UserRepository,
        email: &Email,
        content: impl FnOnce(Link) -> LetterContent,
        now: UnixTime,
    ) -> Result<Option<Letter>, MailerError> {
        let user = store.find_by_email(email).await?;
        let Some(user) = user.filter(|user| !user.disabled) else {
            return Ok(None);
        };
        let action = Action::Reset {
            email: email.clone(),
            user_id: user.id,
            version: user.version,
        };
        Ok(Some(Letter {
            to: user.email,
            content: content(self.tokens.issue(action, now).await?),
        }))
    }

    async fn email(
        &self,
        store: &(impl UserRepository + HeldRepository),
        change: &EmailChange,
        now: UnixTime,
    ) -> Result<Option<Letter>, MailerError> {
        let user = store.find_by_email(&change.from).await?;
        let is_current = |user: User| {
            user.id == change.user_id && user.version == change.version && !user.disabled
        };
        let is_possible = user.is_some_and(is_current)
            && store.find_by_email(&change.to).await?.is_none()
            && is_free(store, &change.to, Some(&change.user_id), now).await?;
        if !is_possible {
            return Ok(None);
        }
        let link = self
            .tokens
            .issue(Action::Email(change.clone()), now)
            .await?;
        let content = LetterContent::Email(change.from.clone(), link);
        Ok(Some(letter(&change.to, content)))
    }

    async fn undo(&self, change: &EmailChange, now: UnixTime) -> Result<Link, SigningError> {
        self.tokens.issue(Action::Undo(change.clone()), now).await
    }
}

/// Returns whether the address is not held for someone else.
async fn is_free(
    store: &impl HeldRepository,
    email: &Email,
    user_id: Option<&str>,
    now: UnixTime,
) -> Result<bool, RepositoryError> {
    let held = store.find_held(email).await?;
    Ok(held.is_none_or(|held| held.is_free_for(user_id, now)))
}

fn letter(to: &Email, content: LetterContent) -> Letter {
    Letter {
        to: to.to_string(),
        content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ActionKind, Algorithm, AskId, HOLD, HeldAddress, InMemoryStore, Key, KeySet, UserChange,
        UserDirectory, VerifiedAction,
    };

    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    fn tokens() -> ActionTokens {
        let secret: Vec<u8> = (0..32).collect();
        ActionTokens::new(KeySet::from(
            Key::from_secret(&secret, Algorithm::HS256).unwrap(),
        ))
    }

    fn john() -> Email {
        Email::parse("john.doe@leapify.tech").unwrap()
    }

    fn jane() -> Email {
        Email::parse("jane@example.com").unwrap()
    }

    fn change(version: u64) -> EmailChange {
        EmailChange {
            user_id: "1".into(),
            version,
            from: john(),
            to: jane(),
        }
    }

    async fn prepare(store: &InMemoryStore, email: Email, content: AskContent) -> Option<Letter> {
        let ask = Ask::new(AskId::random().unwrap(), email, content, NOW);
        let mailer = Mailer::new(tokens());
        mailer.prepare(store, &ask, NOW).await.unwrap()
    }

    async fn verified(link: &Link) -> VerifiedAction {
        let (tokens, token) = (tokens(), link.token.expose());
        tokens.verify(token, &[link.kind], NOW).await.unwrap()
    }

    #[tokio::test]
    async fn a_forgotten_password_gets_a_link_only_if_there_is_an_enabled_user() {
        let store = InMemoryStore::with_tutorial_user();
        let letter = prepare(&store, john(), AskContent::Reset).await.unwrap();
        let LetterContent::Reset(link) = &letter.content else {
            panic!("{letter:?}");
        };
        let expected = Action::Reset {
            email: john(),
            user_id: "1".into(),
            version: 0,
        };
        assert_eq!(verified(link).await.action, expected);
        assert_eq!(link.expires_at, NOW + ActionKind::Reset.lifetime());
        assert_eq!(prepare(&store, jane(), AskContent::Reset).await, None);
        let disabled = UserChange::Disabled(true);
        store.change_user(&john(), disabled).await.unwrap();
        assert_eq!(prepare(&store, john(), AskContent::Reset).await, None);
    }

    /// An email to another spelling of the address could reach someone else.
    #[tokio::test]
    async fn an_email_to_a_user_goes_to_the_address_as_registered() {
        let store = InMemoryStore::default();
        let tutorial = InMemoryStore::with_tutorial_user();
        let mut user = crate::AccountRepository::find_account(&tutorial, &john())
            .await
            .unwrap()
            .unwrap()
            .stored;
        user.user.email = "Jane@Example.com".into();
        store.add_user(&user).await.unwrap();
        for content in [
            AskContent::Reset,
            AskContent::SignUp,
            AskContent::EmailRestored,
        ] {
            let letter = prepare(&store, jane(), content).await.unwrap();
            assert_eq!(letter.to, "Jane@Example.com");
        }
    }

    #[tokio::test]
    async fn a_sign_up_with_a_users_address_says_so_and_one_with_a_held_address_sends_nothing() {
        let store = InMemoryStore::with_tutorial_user();
        let letter = prepare(&store, john(), AskContent::SignUp).await.unwrap();
        assert_eq!(letter.content, LetterContent::AlreadyRegistered);
        let invited = prepare(&store, john(), AskContent::Invite { roles: vec![] });
        assert_eq!(invited.await, None);
        for content in [AskContent::SignUp, AskContent::Invite { roles: vec![] }] {
            let letter = prepare(&store, jane(), content).await.unwrap();
            let (LetterContent::SignUp(link) | LetterContent::Invite(link)) = &letter.content
            else {
                panic!("{letter:?}");
            };
            assert_eq!(verified(link).await.action.kind(), link.kind);
        }
        let account = crate::AccountRepository::find_account(&store, &john()).await;
        let account = account.unwrap().unwrap();
        let hold = HeldAddress {
            until: NOW + HOLD,
            ..HeldAddress::freed("1".into(), NOW)
        };
        let notice = Ask::new(
            AskId::random().unwrap(),
            john(),
            AskContent::AccountDeleted,
            NOW,
        );
        let deleted = crate::AccountRepository::delete_account(&store, &account, &hold, &notice);
        assert!(deleted.await.unwrap());
        for content in [AskContent::SignUp, AskContent::Invite { roles: vec![] }] {
            assert_eq!(prepare(&store, john(), content).await, None);
        }
    }

    #[tokio::test]
    async fn a_new_address_gets_a_link_while_the_change_is_possible() {
        let store = InMemoryStore::with_tutorial_user();
        let letter = prepare(&store, jane(), AskContent::Email(change(0))).await;
        let letter = letter.unwrap();
        let LetterContent::Email(from, link) = &letter.content else {
            panic!("{letter:?}");
        };
        assert_eq!(*from, john());
        assert_eq!(verified(link).await.action, Action::Email(change(0)));
        assert_eq!(letter.to, jane().as_str());
        let stale = prepare(&store, jane(), AskContent::Email(change(1))).await;
        assert_eq!(stale, None, "the user has another version");
        let to_john = EmailChange {
            to: john(),
            ..change(0)
        };
        let taken = prepare(&store, john(), AskContent::Email(to_john)).await;
        assert_eq!(taken, None);
    }

    #[tokio::test]
    async fn the_old_address_gets_a_link_that_undoes_the_change_and_the_new_one_does_not() {
        let store = InMemoryStore::default();
        for content in [
            AskContent::EmailRequested(change(0)),
            AskContent::EmailChanged(change(0)),
        ] {
            let letter = prepare(&store, john(), content).await.unwrap();
            let (LetterContent::EmailRequested(to, link)
            | LetterContent::EmailChanged(to, Some(link))) = &letter.content
            else {
                panic!("{letter:?}");
            };
            assert_eq!(*to, jane());
            assert_eq!(verified(link).await.action, Action::Undo(change(0)));
        }
        let letter = prepare(&store, jane(), AskContent::EmailChanged(change(0))).await;
        assert_eq!(letter.unwrap().content, LetterContent::EmailConfirmed);
    }

    #[tokio::test]
    async fn the_old_address_gets_no_link_once_the_change_cannot_be_undone() {
        let store = InMemoryStore::default();
        let content = AskContent::EmailChanged(change(0));
        let ask = Ask::new(AskId::random().unwrap(), john(), content, NOW);
        let mailer = Mailer::new(tokens());
        let (end, second) = (NOW + HOLD, std::time::Duration::from_secs(1));
        for (now, has_link) in [(end - second, true), (end, false)] {
            let letter = mailer.prepare(&store, &ask, now).await.unwrap();
            let content = letter.unwrap().content;
            assert_eq!(content.link().is_some(), has_link, "{content:?}");
        }
    }

    #[tokio::test]
    async fn an_ask_that_is_too_old_sends_nothing() {
        let (store, id) = (InMemoryStore::default(), AskId::random().unwrap());
        let ask = Ask::new(id, john(), AskContent::PasswordChanged, NOW);
        let mailer = Mailer::new(tokens());
        let last = ask.expires_at - std::time::Duration::from_secs(1);
        assert!(mailer.prepare(&store, &ask, last).await.unwrap().is_some());
        let late = mailer.prepare(&store, &ask, ask.expires_at).await.unwrap();
        assert_eq!(late, None);
    }
}
