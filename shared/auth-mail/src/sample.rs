//! One email of each kind, with links that no stack accepts, for previews and tests.

use auth_core::{
    Action, ActionTokens, Algorithm, Email, EmailChange, Key, KeySet, LetterContent, SigningError,
    UnixTime, random_id,
};

/// The names of all kinds of emails.
pub const KINDS: [&str; 13] = [
    "sign-up",
    "already-registered",
    "invite",
    "reset",
    "email",
    "email-requested",
    "email-changed",
    "email-confirmed",
    "email-restored",
    "email-undone",
    "password-changed",
    "account-deleted",
    "session-reused",
];

/// Returns one content of each kind, in the order of [`KINDS`], for a user who changes from one address to another. The
/// links are signed with a random key, so they do nothing.
///
/// # Errors
///
/// [`SigningError`] if no randomness is available.
pub async fn samples(
    email: &Email,
    new: &Email,
    now: UnixTime,
) -> Result<[LetterContent; 13], SigningError> {
    let key = random_key().ok_or(SigningError::Unavailable)?;
    let tokens = ActionTokens::new(KeySet::from(key));
    let link = |action| tokens.issue(action, now);
    let change = EmailChange {
        user_id: random_id().ok_or(SigningError::Unavailable)?,
        version: 1,
        from: email.clone(),
        to: new.clone(),
    };
    let reset = Action::Reset {
        email: email.clone(),
        user_id: change.user_id.clone(),
        version: change.version,
    };
    let (sign_up, invited) = (email.clone(), email.clone());
    let (roles, undo) = (Vec::new(), Action::Undo(change.clone()));
    let invite = Action::Invite {
        email: invited,
        roles,
    };
    Ok([
        LetterContent::SignUp(link(Action::SignUp { email: sign_up }).await?),
        LetterContent::AlreadyRegistered,
        LetterContent::Invite(link(invite).await?),
        LetterContent::Reset(link(reset.clone()).await?),
        LetterContent::Email(email.clone(), link(Action::Email(change)).await?),
        LetterContent::EmailRequested(new.clone(), link(undo.clone()).await?),
        LetterContent::EmailChanged(new.clone(), Some(link(undo).await?)),
        LetterContent::EmailConfirmed,
        LetterContent::EmailRestored(link(reset).await?),
        LetterContent::EmailUndone(email.clone()),
        LetterContent::PasswordChanged,
        LetterContent::AccountDeleted,
        LetterContent::SessionReused,
    ])
}

/// Returns a key that exists only here.
fn random_key() -> Option<Key> {
    let secret = [random_id()?, random_id()?].concat();
    Key::from_secret(secret.as_bytes(), Algorithm::HS256).ok()
}
