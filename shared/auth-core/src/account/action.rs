//! What the token of a link allows, and the state that it is bound to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::user::{Email, Role};

/// The kind of a link. Each kind has its own label in the MAC, so no token passes for one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ActionKind {
    /// Confirms a sign-up.
    SignUp,
    /// Accepts an operator's invitation.
    Invite,
    /// Sets a password that was forgotten.
    Reset,
    /// Confirms a new address.
    Email,
    /// Undoes a change of the address.
    Undo,
}

impl ActionKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::SignUp,
        Self::Invite,
        Self::Reset,
        Self::Email,
        Self::Undo,
    ];

    /// Returns the name, as it appears in links: `…/account#kind=reset&token=…`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Invite => "invite",
            Self::Reset => "reset",
            Self::Email => "email",
            Self::Undo => "undo",
        }
    }

    /// Returns how long a link works after it was sent.
    #[must_use]
    pub fn lifetime(self) -> Duration {
        match self {
            Self::SignUp | Self::Invite => Duration::from_hours(24),
            Self::Reset => Duration::from_mins(30),
            Self::Email => Duration::from_hours(1),
            // As long as the old address is held after a change (`HOLD`).
            Self::Undo => Duration::from_hours(72),
        }
    }
}

/// A change of a user's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// The user's id.
    pub user_id: String,
    /// The user's version when the change was requested.
    pub version: u64,
    /// The address at that time.
    pub from: Email,
    /// The new address.
    pub to: Email,
}

/// What a link does, with everything that its token is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Adds a user with an address that has no user. The roles come from the settings.
    SignUp {
        /// The proven address.
        email: Email,
    },
    /// Adds a user with an address that has no user.
    Invite {
        /// The proven address.
        email: Email,
        /// The roles that the operator chose.
        roles: Vec<Role>,
    },
    /// Sets the password of a user with this version.
    Reset {
        /// The user's address.
        email: Email,
        /// The user's id.
        user_id: String,
        /// The user's version when the link was sent.
        version: u64,
    },
    /// Moves a user with this version to another address.
    Email(EmailChange),
    /// Cancels the change while the user has this version; afterwards, moves the user back while the old address is
    /// held for a change that was requested at this version.
    Undo(EmailChange),
}

impl Action {
    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::SignUp { .. } => ActionKind::SignUp,
            Self::Invite { .. } => ActionKind::Invite,
            Self::Reset { .. } => ActionKind::Reset,
            Self::Email(_) => ActionKind::Email,
            Self::Undo(_) => ActionKind::Undo,
        }
    }
}

/// Identifies the link or the session that made the last change to a user: 128 bits of a MAC. Stored with the user as
/// `last_action`, so that a repeated request recognizes its own change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionMark(pub(crate) String);

impl ActionMark {
    /// Returns the text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
