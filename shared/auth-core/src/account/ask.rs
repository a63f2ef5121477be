//! Asks: stored requests for emails, and their limits.
//!
//! An ask is put without reading any user. Asks are limited per address and kind, and per network. Their limits are
//! separate from those of logins, so asks lock no one out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ActionMark, EmailChange};
use crate::{
    attempt::NetworkCounter,
    id::{SessionId, random_id},
    time::UnixTime,
    user::{Email, Role},
};

/// How long an ask is kept, sent or not: 7 days (docs/decisions/0012-self-service.md).
const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The id of an ask: its key in a store without the prefix `ask#`. It does not reveal the address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AskId(String);

impl AskId {
    /// Returns the id in a stored key; the text may come from a record of the table's stream or from a queue.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns a new id; `None` if no randomness is available.
    #[must_use]
    pub fn random() -> Option<Self> {
        random_id().map(Self)
    }

    /// Returns the id of the notice of a change. A repeated change has the same id.
    #[must_use]
    pub fn notice(mark: &ActionMark, name: &str) -> Self {
        Self(format!("{name}#{}", mark.as_str()))
    }

    /// Returns the id of the notice that a session ended because an old refresh token was used.
    #[must_use]
    pub fn reuse(session: &SessionId) -> Self {
        Self(format!("reuse#{session}"))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an email is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AskContent {
    /// Someone wants to sign up with the address.
    SignUp,
    /// Someone has forgotten the password of the address.
    Reset,
    /// An operator invites the address.
    Invite {
        /// The roles of the user.
        roles: Vec<Role>,
    },
    /// A user wants to change to the address: a link that confirms it.
    Email(EmailChange),
    /// A change of the address was requested: a notice to the old one, with a link that undoes the change.
    EmailRequested(EmailChange),
    /// The address was changed: the same notice and link, after the change.
    EmailChanged(EmailChange),
    /// The change was undone and the password removed: a notice to the restored address, with a link that sets a new
    /// one.
    EmailRestored,
    /// The change was undone: a notice to the address that the user had in between.
    EmailUndone(EmailChange),
    /// The password was changed: a notice.
    PasswordChanged,
    /// The account was deleted: a notice.
    AccountDeleted,
    /// A session ended because an old refresh token was used: a notice.
    SessionReused,
}

impl AskContent {
    /// Returns the name of the kind, as it is stored and logged.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Reset => "reset",
            Self::Invite { .. } => "invite",
            Self::Email(_) => "email",
            Self::EmailRequested(_) => "email-requested",
            Self::EmailChanged(_) => "email-changed",
            Self::EmailRestored => "email-restored",
            Self::EmailUndone(_) => "email-undone",
            Self::PasswordChanged => "password-changed",
            Self::AccountDeleted => "account-deleted",
            Self::SessionReused => "session-reused",
        }
    }
}

/// An email that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Identifies the ask.
    pub id: AskId,
    /// The address that the email is for, in lower case. Emails that look up a user by it are sent to the user's own
    /// spelling.
    pub email: Email,
    /// What the email is about.
    #[serde(flatten)]
    pub content: AskContent,
    /// When it was asked for.
    pub asked_at: UnixTime,
    /// When the ask is deleted, sent or not.
    pub expires_at: UnixTime,
}

impl Ask {
    /// Returns an ask for an email at `now`.
    #[must_use]
    pub fn new(id: AskId, email: Email, content: AskContent, now: UnixTime) -> Self {
        Self {
            id,
            email,
            content,
            asked_at: now,
            expires_at: now + LIFETIME,
        }
    }

    /// Returns the notice of a change. A repeated change has the same one.
    #[must_use]
    pub fn notice(mark: &ActionMark, email: Email, content: AskContent, now: UnixTime) -> Self {
        Self::new(AskId::notice(mark, content.name()), email, content, now)
    }
}

/// The counter of asks of one kind for one address in a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskLimit {
    /// `<MAC of kind and address>#<day>`, which does not reveal the address.
    pub id: String,
    /// When the day ends, after which stores may delete the counter.
    pub day_ends: UnixTime,
}

/// The value of an [`AskLimit`]. The numbers are those of docs/decisions/0012-self-service.md.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskCount {
    /// The asks of the day.
    pub asks: u32,
    /// When the last one was put.
    pub asked_at: UnixTime,
}

impl AskCount {
    /// The number of asks in a day that have to wait only for [`PAUSE`](Self::PAUSE).
    pub const MAX_FREQUENT: u32 = 5;
    /// The shortest time between the first asks of a day.
    pub const PAUSE: Duration = Duration::from_mins(1);
    /// The shortest time between the later ones.
    pub const LONG_PAUSE: Duration = Duration::from_hours(1);

    /// Returns whether another ask may be put at `now`.
    #[must_use]
    pub fn has_room(&self, now: UnixTime) -> bool {
        let pause = if self.asks < Self::MAX_FREQUENT {
            Self::PAUSE
        } else {
            Self::LONG_PAUSE
        };
        self.asks == 0 || now.since(self.asked_at) >= pause
    }
}

/// Everything that limits an ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskLimits {
    /// The counters of the addresses.
    pub addresses: Vec<AskLimit>,
    /// The counter of the network; `None` for an operator.
    pub network: Option<NetworkCounter>,
}

impl AskLimits {
    /// The maximum number of asks of a network in an hour (docs/decisions/0012-self-service.md).
    pub const MAX_PER_NETWORK: u32 = 50;
}

/// The result of [`AskRepository::put_asks`](super::AskRepository::put_asks).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The asks were put and counted.
    Put,
    /// An address has no room, or an ask already exists: nothing was put or counted. The response is the same as for
    /// [`Asked::Put`].
    Throttled,
    /// The network has no room until this time: nothing was put or counted.
    NetworkFull(UnixTime),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_asks_of_a_day_wait_for_a_minute_and_the_others_for_an_hour() {
        let asked_at = UnixTime::from_secs(1_000_000);
        let after = |asks: u32, seconds: u64| {
            let count = AskCount { asks, asked_at };
            count.has_room(asked_at + Duration::from_secs(seconds))
        };
        assert!(AskCount::default().has_room(UnixTime::default()));
        for asks in 1..AskCount::MAX_FREQUENT {
            assert!(!after(asks, 59) && after(asks, 60), "{asks}");
        }
        for asks in AskCount::MAX_FREQUENT..100 {
            assert!(!after(asks, 3_599) && after(asks, 3_600), "{asks}");
        }
        let count = AskCount { asks: 1, asked_at };
        assert!(
            !count.has_room(asked_at - Duration::from_secs(5)),
            "clocks differ"
        );
    }

    /// A day has room for the frequent asks and then one an hour: the documented number of emails.
    #[test]
    fn a_day_of_constant_asking_puts_28_asks() {
        let (mut count, day) = (AskCount::default(), 24 * 3_600);
        for second in 0..day {
            let now = UnixTime::from_secs(1_000_000 + second);
            if count.has_room(now) {
                count = AskCount {
                    asks: count.asks + 1,
                    asked_at: now,
                };
            }
        }
        assert_eq!(count.asks, 28);
    }

    #[test]
    fn an_ask_is_stored_under_its_name_and_read_back() {
        let email = |address: &str| Email::parse(address).unwrap();
        let change = EmailChange {
            user_id: "1".into(),
            version: 7,
            from: email("a@b.c"),
            to: email("b@b.c"),
        };
        for content in [
            AskContent::SignUp,
            AskContent::Reset,
            AskContent::Invite { roles: vec![] },
            AskContent::Email(change.clone()),
            AskContent::EmailRequested(change.clone()),
            AskContent::EmailChanged(change.clone()),
            AskContent::EmailUndone(change),
            AskContent::EmailRestored,
            AskContent::PasswordChanged,
            AskContent::AccountDeleted,
            AskContent::SessionReused,
        ] {
            let now = UnixTime::from_secs(1_000_000);
            let ask = Ask::new(AskId::random().unwrap(), email("a@b.c"), content, now);
            let stored = serde_json::to_value(&ask).unwrap();
            assert_eq!(stored["kind"], ask.content.name());
            assert_eq!(stored["expires_at"], 1_000_000 + 7 * 24 * 3_600);
            assert_eq!(serde_json::from_value::<Ask>(stored).unwrap(), ask);
        }
    }
}
