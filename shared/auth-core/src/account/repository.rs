//! Access to the stored data of self-service: one trait per right.
//!
//! Each write is conditional and a single transaction. `false` means that the condition failed and nothing was written:
//! the caller reads again, and finds its own mark if an earlier attempt was written.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::{ActionMark, Ask, AskId, AskLimits, Asked, HeldAddress};
use crate::{
    id::SessionId,
    password::PasswordHash,
    repository::RepositoryError,
    session::Session,
    time::UnixTime,
    user::{Email, StoredUser},
};

/// A user with everything that `account` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user with the password hash.
    #[serde(flatten)]
    pub stored: StoredUser,
    /// The link or the session that made the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_action: Option<ActionMark>,
    /// When the address was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_at: Option<UnixTime>,
}

impl From<StoredUser> for Account {
    fn from(stored: StoredUser) -> Self {
        Self {
            stored,
            last_action: None,
            moved_at: None,
        }
    }
}

/// A new password for a user with this version.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// The user's address.
    pub email: Email,
    /// The user's id.
    pub user_id: String,
    /// The version that the user must have. It is raised, which ends all sessions.
    pub version: u64,
    /// The hash of the new password.
    pub hash: PasswordHash,
    /// Identifies the change.
    pub mark: ActionMark,
    /// The notice, which is part of the change.
    pub notice: Ask,
}

/// A move of a user from one address to another.
#[derive(Debug, Clone)]
pub struct Relocation {
    /// The user as found at the old address. It must not have changed.
    pub from: Account,
    /// The user as stored at the new address, which must have no user.
    pub to: Account,
    /// Why the user moves, which decides how both addresses are held.
    pub kind: MoveKind,
    /// The notices, which are part of the move.
    pub notices: Vec<Ask>,
}

/// Why a user moves from one address to another.
#[derive(Debug, Clone)]
pub enum MoveKind {
    /// A change was confirmed. The new address must not be held for anyone else, and the old one is held.
    Confirmed {
        /// How the old address is held.
        hold: HeldAddress,
    },
    /// A change was undone. The new address must be held for this user, and the move releases it. The old one is free.
    Undone,
}

/// Puts asks. For `account`, and for operators who invite users.
pub trait AskRepository: Send + Sync {
    /// Puts and counts all asks if none of them exists and all limits have room at `now`; otherwise puts none. Reads no
    /// user.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the asks may have been put anyway.
    fn put_asks(
        &self,
        asks: &[Ask],
        limits: &AskLimits,
        now: UnixTime,
    ) -> impl Future<Output = Result<Asked, RepositoryError>> + Send;
}

/// Puts the notice that a session was ended because an old refresh token was used. For `login`, which puts no other asks.
pub trait NoticeRepository: Send + Sync {
    /// Puts a notice, unless it already exists or was sent.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the notice may have been put anyway.
    fn put_notice(&self, notice: &Ask) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// Reads asks and marks them as sent. For `mailer`.
pub trait MailRepository: Send + Sync {
    /// Finds an ask; `None` if it was sent, or does not exist.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn find_ask(
        &self,
        id: &AskId,
    ) -> impl Future<Output = Result<Option<Ask>, RepositoryError>> + Send;

    /// Marks an ask as sent, and removes the address and everything else that was only needed to send it. If it does not
    /// exist, there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the ask may have been marked anyway.
    fn complete_ask(&self, id: &AskId) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

/// Lists emails that are to be sent. For local work, where no stream reports new ones.
pub trait MailDirectory: Send + Sync {
    /// Returns the ids of the asks that were not sent, in no particular order.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn list_asks(&self) -> impl Future<Output = Result<Vec<AskId>, RepositoryError>> + Send;
}

/// Reads held addresses. For `account`, `mailer`, and operators who add users.
pub trait HeldRepository: Send + Sync {
    /// Returns the hold of an address, even one that is over.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn find_held(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Option<HeldAddress>, RepositoryError>> + Send;
}

/// Changes users on their own behalf. Only for `account`. A notice would replace one with the same id, but there is
/// none: a change is made only once.
pub trait AccountRepository: HeldRepository {
    /// Finds the user of an address, even a disabled one.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn find_account(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Option<Account>, RepositoryError>> + Send;

    /// Adds a user whose address was proven by a link sent at `issued_at`. Returns `false` if the address has a user or
    /// is held ([`HeldAddress::allows_link`]).
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the user may have been added anyway.
    fn create_account(
        &self,
        account: &Account,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Sets the password of an enabled user, raises the version, and puts the notice; returns whether it did.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the password may have been set anyway.
    fn set_password(
        &self,
        change: &NewPassword,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Raises the version of a user with this version, and returns whether it did.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the version may have been raised anyway.
    fn raise_version(
        &self,
        email: &Email,
        user_id: &str,
        version: u64,
        mark: &ActionMark,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Moves a user to another address, and returns whether it did.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the user may have been moved anyway.
    fn move_account(
        &self,
        relocation: &Relocation,
        now: UnixTime,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Deletes a user who has not changed, holds the address, and puts the notice; returns whether it did.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the user may have been deleted anyway.
    fn delete_account(
        &self,
        account: &Account,
        hold: &HeldAddress,
        notice: &Ask,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;
}

/// Ends sessions on behalf of their user. Only for `account`, which starts no sessions.
pub trait OwnSessionRepository: Send + Sync {
    /// Permanently ends a session of the user with this id, and returns whether it is one of theirs.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the session may have ended anyway.
    fn revoke_own_session(
        &self,
        owner: &str,
        id: &SessionId,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;

    /// Raises the version of the session's user and that of the session, which ends all other sessions. Returns `false`
    /// if one of the two versions has changed meanwhile.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails; the sessions may have ended anyway.
    fn end_other_sessions(
        &self,
        session: &Session,
    ) -> impl Future<Output = Result<bool, RepositoryError>> + Send;
}
