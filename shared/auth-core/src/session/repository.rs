//! Where sessions are kept, apart from how.

use std::future::Future;

use super::{Session, SessionId};
use crate::{email::Email, repository::RepositoryError};

/// What became of a step of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// It was made.
    Done,
    /// It was not, because of what is stored now: another step was made first, or the session has
    /// ended. `None` where there is no such session any more.
    Refused(Option<Session>),
}

/// Keeps sessions: for `login` alone. A test double is
/// [`InMemorySessionRepository`](crate::InMemorySessionRepository).
pub trait SessionRepository: Send + Sync {
    /// Keeps a new session. One of the same id that is there stays as it is.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell whether it did.
    fn start(&self, session: &Session) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// The session of an id, ended ones included.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell.
    fn find(
        &self,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<Session>, RepositoryError>> + Send;

    /// Puts `next` in the place of the session one generation before it, if that one is stored and
    /// live at `next.rotated_at`. Of any number at once, one does.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell whether it did.
    fn advance(
        &self,
        next: &Session,
    ) -> impl Future<Output = Result<Advance, RepositoryError>> + Send;

    /// Ends a session for good; one that is not there stays so.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot tell whether it did.
    fn revoke(&self, id: &SessionId) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// Looks through sessions: for operators.
pub trait SessionDirectory: Send + Sync {
    /// The stored sessions of an address, ended ones included, in no order.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] where the store cannot answer.
    fn of_user(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Vec<Session>, RepositoryError>> + Send;
}
