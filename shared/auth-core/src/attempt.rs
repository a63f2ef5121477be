//! Attempts to log in, counted to limit how fast passwords can be guessed.
//!
//! An attempt is counted three times: for the email and the network together, for the network, and for
//! the email. It is reserved before the password is hashed, so that simultaneous guesses cannot all
//! pass, and settled when its outcome is known. An attempt that is never settled, because the process
//! or the store failed, stops counting after 30 seconds: an outage does not lock anyone out.
//!
//! Start at [`AttemptCounters::for_attempt`]. [`AttemptRepository`] stores the counters, and [`Count::load`]
//! decides how full a counter is.

mod counter;
mod network;
mod repository;

use std::time::Duration;

pub use counter::{Attempt, AttemptCounters, AttemptKind, Count, Counter, Load, Outcome};
pub use network::SourceNetwork;
pub use repository::{AttemptDirectory, AttemptRepository, CountedAttempts};

/// How often a login may fail before further ones are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// The maximum number of failures of one email from one network in a window.
    pub max_failures: u32,
    /// The length of a window. Windows begin at multiples of it since 1970.
    pub window: Duration,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            max_failures: 5,
            window: Duration::from_mins(15),
        }
    }
}
