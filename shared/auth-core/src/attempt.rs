//! Attempts to sign in, counted to limit how fast passwords can be guessed.
//!
//! An attempt counts three times: for the email and the network together, for the network, and for
//! the email. It is reserved before the password is hashed, so that any number of guesses at once
//! cannot pass together, and settled when its outcome is known. One that is never settled, because the
//! process or the store broke, stops counting after half a minute: an outage locks nobody out.
//!
//! Start at [`AttemptCounters::of`], which names the counters; [`AttemptRepository`] keeps them, and
//! [`Count::attempts`] is the rule.

mod count;
mod counters;
mod memory;
mod network;
mod repository;

pub use count::{Count, Outcome};
pub use counters::AttemptCounters;
pub use memory::InMemoryAttemptRepository;
pub use network::SourceNetwork;
pub use repository::{AttemptDirectory, AttemptRepository, CountedAttempts};

/// How often a login may fail before it is refused unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// Failures of one email from one network in a window.
    pub max_failures: u32,
    /// The length of a window in seconds. Windows begin at its multiples.
    pub window: u64,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            max_failures: 5,
            window: 900,
        }
    }
}

/// What attempts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptKind {
    /// An email and a network together.
    Pair,
    /// A network, whatever the email.
    Network,
    /// An email, whatever the network.
    Email,
}

impl AttemptKind {
    /// Its name in stores and for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Network => "ip",
            Self::Email => "email",
        }
    }
}

/// One of the counters of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// What it counts by.
    pub kind: AttemptKind,
    /// `<kind>#<mac>#<window>`: no store learns an email or a network from it.
    pub key: String,
    /// The MAC of the email, by which an operator finds its counters; none for a network's.
    pub email_mac: Option<String>,
    /// The most attempts that it takes.
    pub limit: u32,
    /// When its window ends and it counts no more, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: u64,
}

/// An attempt by its three counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Tells it from all others.
    pub ticket: String,
    /// Of the email and the network together.
    pub pair: Counter,
    /// Of the network.
    pub network: Counter,
    /// Of the email.
    pub email: Counter,
}
