//! Access to stored sessions.

use std::future::Future;

use super::Session;
use crate::{id::SessionId, repository::RepositoryError};

/// The result of [`SessionRepository::advance_session`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// The step was written.
    Done,
    /// The step was not written, because another one was first or the session has ended. This is what
    /// is stored now; `None` if the session no longer exists.
    Refused(Option<Session>),
}

/// Stores sessions. For `login`, and for operators who end one session.
pub trait SessionRepository: Send + Sync {
    /// Stores a new session. An existing session with the same id stays as it is.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the session may have been stored anyway.
    fn start_session(
        &self,
        session: &Session,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// Finds a session, even one that has ended.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn find_session(
        &self,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<Session>, RepositoryError>> + Send;

    /// Replaces the session one generation before `next` with `next`, if that one is stored and live at
    /// `next.rotated_at`. Of any number of concurrent calls, one succeeds.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the step may have been written anyway.
    fn advance_session(
        &self,
        next: &Session,
    ) -> impl Future<Output = Result<Advance, RepositoryError>> + Send;

    /// Ends a session permanently. If it does not exist, there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the session may have ended anyway.
    fn revoke_session(
        &self,
        id: &SessionId,
    ) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// Searches sessions. For operators, and for `account`.
pub trait SessionDirectory: Send + Sync {
    /// Returns the stored sessions of a user, by the user's id, even those that have ended, in no particular
    /// order. If there are more than `limit`, it returns as many of them, and reads no more.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn list_sessions(
        &self,
        owner: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Session>, RepositoryError>> + Send;
}
