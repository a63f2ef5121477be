//! A user's own sessions: listed and ended.

use super::{HashPassword, SelfService, SelfServiceError};
use crate::{
    account::OwnSessionRepository,
    id::SessionId,
    session::{LiveRepository, LiveUser, Session, SessionDirectory},
    time::UnixTime,
};

/// A session, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSession {
    /// The id.
    pub id: SessionId,
    /// When the user logged in.
    pub created_at: UnixTime,
    /// When the session was last refreshed, or began.
    pub refreshed_at: UnixTime,
    /// Whether it is the session of the request.
    pub is_current: bool,
}

impl OwnSession {
    /// The maximum number of sessions that a list has and that are read for it. Otherwise, a user could make each
    /// request read any number of them.
    pub const MAX: usize = 200;

    fn new(session: &Session, current: &Session) -> Self {
        Self {
            id: session.id.clone(),
            created_at: session.created_at,
            refreshed_at: session.rotated_at,
            is_current: session.id == current.id,
        }
    }
}

impl<H: HashPassword> SelfService<H> {
    /// Returns the caller's live sessions: first the one of the request, then the most recently refreshed ones. If the
    /// user has more than [`OwnSession::MAX`] stored sessions, including ended ones, some are left out.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Repository`].
    pub async fn sessions(
        &self,
        store: &impl SessionDirectory,
        caller: &LiveUser,
    ) -> Result<Vec<OwnSession>, SelfServiceError> {
        let (user, current, now) = (caller.user(), caller.session(), self.clock.now());
        let stored = store.list_sessions(&user.id, OwnSession::MAX).await?;
        let is_other = |session: &&Session| {
            session.id != current.id && session.belongs_to(user) && session.is_live(now)
        };
        let mut others: Vec<&Session> = stored.iter().filter(is_other).collect();
        others.sort_by_key(|session| (std::cmp::Reverse(session.rotated_at), &session.id));
        // A list may be a moment old and not yet contain the session of the request.
        let sessions = [current].into_iter().chain(others);
        Ok(sessions
            .take(OwnSession::MAX)
            .map(|session| OwnSession::new(session, current))
            .collect())
    }

    /// Ends one of the caller's sessions, and returns whether it is one of theirs.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Repository`].
    pub async fn end_session(
        &self,
        store: &impl OwnSessionRepository,
        caller: &LiveUser,
        id: &SessionId,
    ) -> Result<bool, SelfServiceError> {
        Ok(store.revoke_own_session(&caller.user().id, id).await?)
    }

    /// Ends all sessions and access tokens of the caller except the session of the request.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError::Ended`] if the session has ended meanwhile; [`SelfServiceError::Repository`].
    pub async fn end_other_sessions(
        &self,
        store: &(impl LiveRepository + OwnSessionRepository),
        caller: &LiveUser,
    ) -> Result<(), SelfServiceError> {
        let (session, now) = (caller.session(), self.clock.now());
        if store.end_other_sessions(session).await? {
            return Ok(());
        }
        // If the session is live at another version, another request in it has just ended the others.
        let found = store.find_user_and_session(&session.email, &session.id);
        let is_live = match found.await? {
            (Some(user), Some(session)) => session.is_live_for(&user, now),
            _ => false,
        };
        is_live.then_some(()).ok_or(SelfServiceError::Ended)
    }
}
