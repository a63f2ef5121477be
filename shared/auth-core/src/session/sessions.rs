//! The steps of a session: begun by a login, continued by a refresh, ended by a logout.
//!
//! Whatever else can fail is done before the one write of a step: a store that is down before it leaves
//! the session as it was. Where the write was made and its answer lost, the token is good for the grace.

use std::sync::Arc;

use super::{
    Advance, RefreshToken, Rotation, Session, SessionId, SessionRepository, SessionRules,
    refresh_token::{Presented, RefreshTokens},
};
use crate::{
    clock::Clock,
    email::Email,
    key_source::{KeySource, KeysUnavailable},
    repository::{CredentialRepository, RepositoryError, UserRepository},
    token::{AccessToken, SigningError, TokenIssuer},
    user::User,
};

/// What a client is given: a token to show to functions, and one to have the next pair with.
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// For functions.
    pub access_token: AccessToken,
    /// For the next refresh, once.
    pub refresh_token: RefreshToken,
}

/// A pair and what it belongs to, for logs.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The tokens.
    pub tokens: TokenPair,
    /// The session, as it is stored now.
    pub session: Session,
}

/// Why a refresh token is not taken: for logs, never for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRefreshToken {
    /// No token of this bundle: another form, or a wrong MAC. The store was not asked.
    #[error("refresh token not ours")]
    Forged,
    /// There is no such session, or no longer.
    #[error("no such session")]
    UnknownSession,
    /// The session has expired or was revoked.
    #[error("session ended")]
    Ended,
    /// The user was deleted, disabled, or signed out everywhere since.
    #[error("the session's user is gone, disabled or signed out everywhere")]
    UserGone,
    /// The token was used before. Its session has been revoked now.
    #[error("refresh token reused in session {0}")]
    Reused(SessionId),
}

/// Why there is no new pair.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is not taken.
    #[error(transparent)]
    Invalid(#[from] InvalidRefreshToken),
    /// Users or sessions cannot be read or written. The token stays good; where a write was made and
    /// its answer lost, within the grace.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The tokens could not be made. The presented one stays good.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl From<KeysUnavailable> for RefreshError {
    fn from(error: KeysUnavailable) -> Self {
        SigningError::from(error).into()
    }
}

/// Begins, continues and ends sessions. `S` is where they are kept.
#[derive(Debug)]
pub struct Sessions<S> {
    kept: S,
    tokens: RefreshTokens,
    issuer: TokenIssuer,
    rules: SessionRules,
    clock: Clock,
}

impl<S: SessionRepository> Sessions<S> {
    /// Sessions whose refresh tokens are made with `keys`, and whose access tokens with `issuer`.
    #[must_use]
    pub fn new(
        sessions: S,
        keys: impl Into<Arc<dyn KeySource>>,
        issuer: TokenIssuer,
        rules: SessionRules,
        clock: Clock,
    ) -> Self {
        Self {
            kept: sessions,
            tokens: RefreshTokens::new(keys.into()),
            issuer,
            rules,
            clock,
        }
    }

    /// Begins a session for a user who has proved who they are; `email` is what they were found by.
    ///
    /// # Errors
    ///
    /// [`RefreshError::Repository`] and [`RefreshError::Signing`]: there is no session then that
    /// anybody has a token of.
    pub async fn begin(&self, email: &Email, user: &User) -> Result<Refreshed, RefreshError> {
        let id = SessionId::random().ok_or(SigningError::Unavailable)?;
        let session = Session::begin(id, email, user, &self.rules, self.clock.now());
        let tokens = self.pair(user, &session).await?;
        self.kept.start(&session).await?;
        Ok(Refreshed { tokens, session })
    }

    /// A new pair for a refresh token. The same token within the grace has the same successor.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]. [`InvalidRefreshToken::Reused`] after the session was revoked for it.
    pub async fn refresh(
        &self,
        users: &impl UserRepository,
        token: &str,
    ) -> Result<Refreshed, RefreshError> {
        let presented = self.presented(token).await?;
        let now = self.clock.now();
        let stored = self.find(presented).await?;
        let successor = match stored.rotation(presented.generation, &self.rules, now) {
            Rotation::Advance(next) => next,
            Rotation::Repeat => stored.clone(),
            Rotation::Reused => return Err(self.revoke_reused(presented).await),
            Rotation::Ended => return Err(InvalidRefreshToken::Ended.into()),
        };
        let user = users.find_by_email(&stored.email).await?;
        let user = user
            .filter(|user| !user.disabled && stored.belongs_to(user))
            .ok_or(InvalidRefreshToken::UserGone)?;
        let tokens = self.pair(&user, &successor).await?;
        if successor.generation != stored.generation {
            self.advance(presented, &successor, now).await?;
        }
        Ok(Refreshed {
            tokens,
            session: successor,
        })
    }

    /// Ends the session of a refresh token, whatever its generation, and says which. `None` for a
    /// token that is not ours.
    ///
    /// # Errors
    ///
    /// [`RefreshError::Repository`], and [`RefreshError::Signing`] without keys.
    pub async fn end(&self, token: &str) -> Result<Option<SessionId>, RefreshError> {
        let Some(presented) = self.tokens.verify(token).await? else {
            return Ok(None);
        };
        self.kept.revoke(&presented.session).await?;
        Ok(Some(presented.session))
    }

    /// Ends all sessions and access tokens of the token's user, and says whose.
    ///
    /// # Errors
    ///
    /// As [`Sessions::refresh`]. A token that was used before ends all sessions too: its user may be the
    /// one whom a thief has overtaken.
    pub async fn end_all(
        &self,
        users: &impl CredentialRepository,
        token: &str,
    ) -> Result<Session, RefreshError> {
        let presented = self.presented(token).await?;
        let stored = self.find(presented).await?;
        let rotation = stored.rotation(presented.generation, &self.rules, self.clock.now());
        if rotation == Rotation::Ended {
            return Err(InvalidRefreshToken::Ended.into());
        }
        users
            .end_sessions(&stored.email, &stored.user_id, stored.user_version)
            .await?;
        if rotation == Rotation::Reused {
            return Err(self.revoke_reused(presented).await);
        }
        Ok(stored)
    }

    async fn presented(&self, token: &str) -> Result<Presented, RefreshError> {
        let presented = self.tokens.verify(token).await?;
        presented.ok_or_else(|| InvalidRefreshToken::Forged.into())
    }

    async fn find(&self, presented: Presented) -> Result<Session, RefreshError> {
        let stored = self.kept.find(&presented.session).await?;
        stored.ok_or_else(|| InvalidRefreshToken::UnknownSession.into())
    }

    async fn pair(&self, user: &User, session: &Session) -> Result<TokenPair, SigningError> {
        Ok(TokenPair {
            access_token: self.issuer.issue(user, &session.id).await?,
            refresh_token: self.tokens.issue(session.id, session.generation).await?,
        })
    }

    /// Writes the step. Where another was first, the rule decides again over what is stored then.
    async fn advance(
        &self,
        presented: Presented,
        next: &Session,
        now: u64,
    ) -> Result<(), RefreshError> {
        let stored = match self.kept.advance(next).await? {
            Advance::Done => return Ok(()),
            Advance::Refused(stored) => stored.ok_or(InvalidRefreshToken::UnknownSession)?,
        };
        match stored.rotation(presented.generation, &self.rules, now) {
            Rotation::Repeat => Ok(()),
            Rotation::Reused => Err(self.revoke_reused(presented).await),
            Rotation::Ended => Err(InvalidRefreshToken::Ended.into()),
            Rotation::Advance(_) => {
                let cause = "the step was refused although nothing stands against it";
                Err(RepositoryError::Unavailable(cause.into()).into())
            }
        }
    }

    async fn revoke_reused(&self, presented: Presented) -> RefreshError {
        match self.kept.revoke(&presented.session).await {
            Ok(()) => InvalidRefreshToken::Reused(presented.session).into(),
            Err(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Algorithm, InMemorySessionRepository, InMemoryUserRepository, Key, KeySet, TokenSettings,
    };

    fn key(first: u8) -> KeySet {
        let secret: Vec<u8> = (first..first + 32).collect();
        KeySet::from(Key::from_secret(&secret, Algorithm::HS256).unwrap())
    }

    /// Whoever disables a user raises the version; one who is disabled by other means is refused too.
    #[tokio::test]
    async fn a_disabled_user_of_the_same_version_has_no_new_tokens() {
        let clock = || Clock::from_fn(|| 1_000);
        let issuer = TokenIssuer::new(key(0), TokenSettings::default(), clock());
        let kept = InMemorySessionRepository::default();
        let sessions = Sessions::new(kept, key(32), issuer, SessionRules::default(), clock());
        let users = InMemoryUserRepository::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").unwrap();
        let mut john = users.find_with_password(&email).await.unwrap().unwrap();
        let begun = sessions.begin(&email, &john.user).await.unwrap();
        let token = begun.tokens.refresh_token.expose();

        john.user.disabled = true;
        let disabled = InMemoryUserRepository::new([john]).unwrap();
        let refused = sessions.refresh(&disabled, token).await;
        let why = InvalidRefreshToken::UserGone;
        assert!(matches!(refused, Err(RefreshError::Invalid(found)) if found == why));
        assert!(
            sessions.refresh(&users, token).await.is_ok(),
            "it was not used up"
        );
    }
}
