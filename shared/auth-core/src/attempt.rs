//! Login attempts, which are counted to limit how fast passwords can be guessed.
//!
//! An attempt is counted under a subject, whose password is guessed, and a source, which guesses. A login from
//! anywhere has the email as its subject and its network as its source. A login with a device token has the
//! known devices of the email as its subject and the device as its source, so strangers cannot lock out a user
//! who has logged in on the device before (OWASP, device cookies). There is one [`Counter`] per subject and
//! day.
//!
//! An attempt is reserved before the password is hashed, so that simultaneous guesses cannot all pass, and
//! settled when its outcome is known. An attempt that is never settled, because the process or the store
//! failed, stops counting after 30 seconds: an outage does not lock anyone out. A [`NetworkCounter`] counts the
//! failures of a network across all emails.
//!
//! Start at [`Attempts`], which chooses the counters. The rules are those of [`Count`].

mod attempts;
mod count;
mod counter;
mod device;
mod full;
mod network;
mod repository;
mod reservation;

use std::time::Duration;

pub(crate) use attempts::short_mac;
#[cfg(test)]
pub(crate) use attempts::tests;
pub use attempts::{Attempt, Attempts, KnownDevice};
pub use count::{Count, Full, Outcome, Stale};
pub use counter::{Counter, Subject};
pub use device::{DeviceId, DeviceToken};
pub use network::NetworkCounter;
pub use repository::{AttemptDirectory, AttemptRepository, Reserved};
pub use reservation::{Reservation, ReserveError};

/// How often passwords may be wrong before further attempts are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// The maximum number of failures of one subject from one source in a window.
    pub max_failures: u32,
    /// The maximum number of failures of one subject in a day (NIST SP 800-63B-4 section 3.2.2: at most 100).
    pub max_failures_per_day: u32,
    /// The maximum number of failures of one network in a window, across all emails.
    pub max_failures_per_network: u32,
    /// The length of a window. Windows begin at multiples of it since midnight UTC.
    pub window: Duration,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            max_failures: 5,
            max_failures_per_day: 100,
            max_failures_per_network: 100,
            window: Duration::from_mins(15),
        }
    }
}
