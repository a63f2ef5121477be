//! The steps of a session: a login begins it, a refresh continues it, a logout ends it.
//!
//! Everything that can fail is done before the only write of a step, so if the store fails, the session
//! stays as it was. If the write was made and its response lost, the token is valid for the grace period, which
//! begins with the write.

use std::sync::Arc;

use serde::Serialize;

use super::{
    Advance, RefreshToken, Rotation, Session, SessionRepository, SessionRules,
    refresh_token::PresentedToken,
};
use crate::{
    credential::CredentialRepository,
    failure::SigningError,
    id::SessionId,
    issuer::TokenIssuer,
    key::{KeySource, KeysUnavailable},
    repository::RepositoryError,
    time::Clock,
    token::AccessToken,
    user::{Email, User, UserRepository},
};

/// The tokens of a login or a refresh, and their session. Only the tokens are serialized.
#[derive(Debug, Clone, Serialize)]
pub struct IssuedTokens {
    /// Authenticates requests.
    pub access_token: AccessToken,
    /// Gets the next tokens, once.
    pub refresh_token: RefreshToken,
    /// The session, as it is stored.
    #[serde(skip)]
    pub session: Session,
}

/// Why a refresh token is rejected. The reason is for logs, never for clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRefreshToken {
    /// Not a token of this bundle: malformed, or with a wrong MAC. The store was not queried.
    #[error("malformed or wrong MAC")]
    Forged,
    /// The session never existed, or no longer exists.
    #[error("unknown session")]
    UnknownSession,
    /// The session has expired or was revoked.
    #[error("session has ended")]
    Ended,
    /// The user was deleted, disabled or signed out everywhere since.
    #[error("user is gone, disabled or signed out everywhere")]
    UserGone,
    /// The token was used before. Its session has been revoked.
    #[error("refresh token reused in session {session_id}")]
    Reused {
        /// The session.
        session_id: SessionId,
        /// The address of its user.
        email: Email,
    },
}

/// Why there are no new tokens.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is rejected.
    #[error(transparent)]
    Invalid(#[from] InvalidRefreshToken),
    /// The store failed. The presented token stays valid, but only within the grace period if the write was
    /// made and its response lost.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The tokens could not be issued. The presented token stays valid.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl From<KeysUnavailable> for RefreshError {
    fn from(error: KeysUnavailable) -> Self {
        SigningError::from(error).into()
    }
}

/// The rules of sessions, with the keys of their tokens.
#[derive(Debug)]
pub struct Sessions {
    keys: Arc<dyn KeySource>,
    issuer: TokenIssuer,
    rules: SessionRules,
    clock: Clock,
}

impl Sessions {
    /// Returns the rules of sessions whose refresh tokens are issued with `keys` and whose access tokens are
    /// issued by `issuer`.
    #[must_use]
    pub fn new(
        keys: impl Into<Arc<dyn KeySource>>,
        issuer: TokenIssuer,
        rules: SessionRules,
        clock: Clock,
    ) -> Self {
        Self {
            keys: keys.into(),
            issuer,
            rules,
            clock,
        }
    }

    /// Begins a session for a user who has proved who they are and was found by `email`. The caller
    /// stores it with [`SessionRepository::start_session`].
    ///
    /// # Errors
    ///
    /// [`SigningError`] if the tokens cannot be issued.
    pub async fn begin(&self, email: &Email, user: &User) -> Result<IssuedTokens, SigningError> {
        let session = Session::new(email, user, &self.rules, self.clock.now());
        let session = session.ok_or(SigningError::Unavailable)?;
        Ok(IssuedTokens {
            access_token: self.issue_access_token(user, &session).await?,
            refresh_token: RefreshToken::issue(&*self.keys, &session).await?,
            session,
        })
    }

    /// Returns new tokens for a refresh token. Within the grace period, the same token gets the same
    /// new refresh token.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]. If it is [`InvalidRefreshToken::Reused`], the session has been revoked.
    pub async fn refresh(
        &self,
        store: &(impl SessionRepository + UserRepository),
        token: &str,
    ) -> Result<IssuedTokens, RefreshError> {
        let presented = self.verify(token).await?;
        let stored = find(store, &presented).await?;
        let session = match self.rotate(&stored, &presented) {
            Rotation::Advance(next) => next,
            Rotation::Repeat => stored.clone(),
            Rotation::Reused => return Err(revoke_reused(store, stored).await?.into()),
            Rotation::Ended => return Err(InvalidRefreshToken::Ended.into()),
        };
        let user = find_user(store, &stored).await?;
        let mut issued = IssuedTokens {
            access_token: self.issue_access_token(&user, &session).await?,
            refresh_token: RefreshToken::issue(&*self.keys, &session).await?,
            session,
        };
        if issued.session.generation == stored.generation {
            return Ok(issued);
        }
        // Reading took time, and the grace period begins with the write.
        issued.session.set_rotated(&self.rules, self.clock.now());
        self.advance(store, presented, &issued.session).await?;
        Ok(issued)
    }

    /// Stores the next generation of a session. Also succeeds if another request has just stored it.
    async fn advance(
        &self,
        store: &(impl SessionRepository + UserRepository),
        presented: PresentedToken,
        next: &Session,
    ) -> Result<(), RefreshError> {
        let Advance::Refused(stored) = store.advance_session(next).await? else {
            return Ok(());
        };
        let stored = stored.ok_or(InvalidRefreshToken::UnknownSession)?;
        // An earlier attempt of this call was written, and its response lost.
        if stored == *next {
            return Ok(());
        }
        // Another request was first, so the rule is applied again to what is stored now.
        match self.rotate(&stored, &presented) {
            Rotation::Repeat => Ok(()),
            Rotation::Reused => Err(revoke_reused(store, stored).await?.into()),
            Rotation::Ended => Err(InvalidRefreshToken::Ended.into()),
            Rotation::Advance(_) => {
                let cause = "the store refused a step that nothing prevents";
                Err(RepositoryError::Unavailable(cause.into()).into())
            }
        }
    }

    /// Ends the session of a refresh token, whatever its generation, and returns its id. `None` if the
    /// token is forged.
    ///
    /// # Errors
    ///
    /// [`RefreshError::Repository`], or [`RefreshError::Signing`] without keys.
    pub async fn end(
        &self,
        store: &impl SessionRepository,
        token: &str,
    ) -> Result<Option<SessionId>, RefreshError> {
        let Some(presented) = PresentedToken::verify(&*self.keys, token).await? else {
            return Ok(None);
        };
        store.revoke_session(&presented.session_id).await?;
        Ok(Some(presented.session_id))
    }

    /// Ends all sessions and access tokens of the token's user, and returns the token's session. A token of a
    /// revoked session does so too: its owner may be the user whose session a thief has refreshed.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]. If it is [`InvalidRefreshToken::Ended`], the session has expired.
    pub async fn end_all(
        &self,
        store: &(impl SessionRepository + CredentialRepository),
        token: &str,
    ) -> Result<Session, RefreshError> {
        let presented = self.verify(token).await?;
        let stored = find(store, &presented).await?;
        if stored.has_expired(self.clock.now()) {
            return Err(InvalidRefreshToken::Ended.into());
        }
        store
            .end_sessions(&stored.email, stored.user_version)
            .await?;
        Ok(stored)
    }

    fn rotate(&self, stored: &Session, presented: &PresentedToken) -> Rotation {
        stored.rotation(presented.generation, &self.rules, self.clock.now())
    }

    async fn issue_access_token(
        &self,
        user: &User,
        session: &Session,
    ) -> Result<AccessToken, SigningError> {
        let end = session.absolute_expires_at;
        self.issuer.issue(user, &session.id, end).await
    }

    async fn verify(&self, token: &str) -> Result<PresentedToken, RefreshError> {
        let presented = PresentedToken::verify(&*self.keys, token).await?;
        presented.ok_or_else(|| InvalidRefreshToken::Forged.into())
    }
}

async fn find(
    store: &impl SessionRepository,
    presented: &PresentedToken,
) -> Result<Session, RefreshError> {
    let stored = store.find_session(&presented.session_id).await?;
    stored.ok_or_else(|| InvalidRefreshToken::UnknownSession.into())
}

/// Returns the user of a session that has just been read.
async fn find_user(
    store: &(impl SessionRepository + UserRepository),
    session: &Session,
) -> Result<User, RefreshError> {
    let user = store.find_by_email(&session.email).await?;
    let user = user.filter(|user| !user.disabled);
    let user = user.ok_or(InvalidRefreshToken::UserGone)?;
    if session.belongs_to(&user) {
        return Ok(user);
    }
    // A user who ends all other sessions raises the version of this one, too: perhaps after it was read.
    let session = store.find_session(&session.id).await?;
    let is_current = session.is_some_and(|session| session.belongs_to(&user));
    is_current
        .then_some(user)
        .ok_or_else(|| InvalidRefreshToken::UserGone.into())
}

/// Revokes the session of a reused token and returns the reason to report. If the session had already ended, this is not
/// a reuse: its address may belong to another user now.
async fn revoke_reused(
    store: &(impl SessionRepository + UserRepository),
    session: Session,
) -> Result<InvalidRefreshToken, RefreshError> {
    store.revoke_session(&session.id).await?;
    match find_user(store, &session).await {
        Err(RefreshError::Invalid(reason)) => Ok(reason),
        // If the store fails, better a report too many than none.
        _ => Ok(InvalidRefreshToken::Reused {
            session_id: session.id,
            email: session.email,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Algorithm, InMemoryStore, Key, KeySet, NetworkCounter, OwnSessionRepository, TokenSettings,
        UnixTime, UserChange, UserDirectory,
    };

    fn key(first: u8) -> KeySet {
        let secret: Vec<u8> = (first..first + 32).collect();
        KeySet::from(Key::from_secret(&secret, Algorithm::HS256).unwrap())
    }

    fn sessions() -> Sessions {
        let clock = || Clock::from_fn(|| UnixTime::from_secs(1_000));
        let issuer = TokenIssuer::new(key(0), TokenSettings::default(), clock());
        Sessions::new(key(32), issuer, SessionRules::default(), clock())
    }

    /// Disabling a user raises the version; a user who was disabled in another way is rejected too.
    #[tokio::test]
    async fn a_disabled_user_of_the_same_version_gets_no_new_tokens() {
        let sessions = sessions();
        let store = InMemoryStore::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").unwrap();
        let found = store.find_for_login(&email, &NetworkCounter::empty()).await;
        let mut john = found.unwrap().0.unwrap();
        let tokens = sessions.begin(&email, &john.user).await.unwrap();
        let token = tokens.refresh_token.expose();
        store.start_session(&tokens.session).await.unwrap();

        store
            .delete_user(&email, UnixTime::default())
            .await
            .unwrap();
        john.user.disabled = true;
        store.add_user(&john).await.unwrap();
        let refused = sessions.refresh(&store, token).await;
        let reason = InvalidRefreshToken::UserGone;
        assert!(matches!(refused, Err(RefreshError::Invalid(found)) if found == reason));

        let enable = UserChange::Disabled(false);
        store.change_user(&email, enable).await.unwrap();
        assert!(
            sessions.refresh(&store, token).await.is_ok(),
            "the token was not used up"
        );
    }

    /// No one gets an email about a session that had already ended, for example because the password was changed.
    #[tokio::test]
    async fn a_reused_token_of_a_session_that_had_ended_is_no_reuse() {
        let sessions = sessions();
        let store = InMemoryStore::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").unwrap();
        let john = store.find_by_email(&email).await.unwrap().unwrap();
        let mut first = sessions.begin(&email, &john).await.unwrap();
        first.session.generation = 2;
        store.start_session(&first.session).await.unwrap();
        let ended = store.end_sessions(&email, john.version).await;
        ended.unwrap();
        let refused = sessions.refresh(&store, first.refresh_token.expose());
        let reason = InvalidRefreshToken::UserGone;
        assert!(matches!(refused.await, Err(RefreshError::Invalid(found)) if found == reason));
    }

    /// A store whose user ends all other sessions just before the user is read.
    struct Interrupted {
        store: InMemoryStore,
        session: Session,
    }

    impl UserRepository for Interrupted {
        async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
            assert!(self.store.end_other_sessions(&self.session).await?);
            self.store.find_by_email(email).await
        }
    }

    impl SessionRepository for Interrupted {
        async fn start_session(&self, session: &Session) -> Result<(), RepositoryError> {
            self.store.start_session(session).await
        }

        async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
            self.store.find_session(id).await
        }

        async fn advance_session(&self, next: &Session) -> Result<Advance, RepositoryError> {
            self.store.advance_session(next).await
        }

        async fn revoke_session(&self, id: &SessionId) -> Result<(), RepositoryError> {
            self.store.revoke_session(id).await
        }
    }

    #[tokio::test]
    async fn a_session_whose_user_ends_all_others_meanwhile_is_refreshed() {
        let sessions = sessions();
        let store = InMemoryStore::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").unwrap();
        let john = store.find_by_email(&email).await.unwrap().unwrap();
        let tokens = sessions.begin(&email, &john).await.unwrap();
        store.start_session(&tokens.session).await.unwrap();
        let store = Interrupted {
            store,
            session: tokens.session,
        };
        let token = tokens.refresh_token.expose();
        sessions.refresh(&store, token).await.unwrap();
    }
}
