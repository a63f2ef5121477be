//! Sessions in memory: for laptops and tests. Every process has its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Advance, Session, SessionDirectory, SessionId, SessionRepository};
use crate::{email::Email, repository::RepositoryError};

/// Sessions that live as long as the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct InMemorySessionRepository {
    sessions: Arc<Mutex<HashMap<SessionId, Session>>>,
}

impl InMemorySessionRepository {
    /// The sessions. Each change is one step, so a panic elsewhere leaves none half made.
    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionRepository for InMemorySessionRepository {
    async fn start(&self, session: &Session) -> Result<(), RepositoryError> {
        let mut sessions = self.sessions();
        sessions.retain(|_, old| session.created_at < old.idle_expires_at);
        sessions
            .entry(session.id)
            .or_insert_with(|| session.clone());
        Ok(())
    }

    async fn find(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        Ok(self.sessions().get(id).cloned())
    }

    async fn advance(&self, next: &Session) -> Result<Advance, RepositoryError> {
        let mut sessions = self.sessions();
        let Some(stored) = sessions.get_mut(&next.id) else {
            return Ok(Advance::Refused(None));
        };
        let is_before = stored.generation.checked_add(1) == Some(next.generation);
        if !is_before || !stored.is_live(next.rotated_at) {
            return Ok(Advance::Refused(Some(stored.clone())));
        }
        *stored = next.clone();
        Ok(Advance::Done)
    }

    async fn revoke(&self, id: &SessionId) -> Result<(), RepositoryError> {
        if let Some(stored) = self.sessions().get_mut(id) {
            stored.revoked = true;
        }
        Ok(())
    }
}

impl SessionDirectory for InMemorySessionRepository {
    async fn of_user(&self, email: &Email) -> Result<Vec<Session>, RepositoryError> {
        let sessions = self.sessions();
        let of_user = sessions.values().filter(|session| session.email == *email);
        Ok(of_user.cloned().collect())
    }
}
